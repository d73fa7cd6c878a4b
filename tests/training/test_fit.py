"""A spec on data: its input and its classes follow."""

import pytest
from small import SIDE, network

import archdsl
from archdsl import ArchError
from archdsl.training.fit import adapt, check_fit, fit
from archdsl.training.tasks import SEGMENTATION

WIDE = "arch wide(classes = 10 in 2..20)\ninput 3x32x32\nglobal_avgpool -> linear(classes)\n"
FIXED = "arch fixed\ninput 3x32x32\nconv(4, 3) -> global_avgpool -> linear(7)\n"
DEEP = "arch deep\ninput 3x64x64\nrepeat 5 { conv(4, 3) -> maxpool(2) }\nlinear(4)\n"


def error(text: str, **knobs: object) -> str:
    with pytest.raises(ArchError) as caught:
        fit(archdsl.parse(text), knobs, (1, 8, 8), 4)
    return str(caught.value)


def test_input_and_classes_are_those_of_the_data() -> None:
    spec = archdsl.parse(WIDE)
    assert adapt(spec, (1, 8, 8), 4) == ({"classes": 4}, (1, 8, 8))
    arch = fit(spec, {}, (1, 8, 8), 4)
    assert (arch.input, arch.output) == ((1, 8, 8), (4,))
    assert adapt(archdsl.parse(FIXED), (1, 8, 8), 7) == ({}, (1, 8, 8))
    assert fit(archdsl.parse(FIXED), {}, (1, 8, 8), 7).output == (7,)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ((12, 1, 1000), "it is one for signals such as 12x80, and the data has images such as"),
        ((1, 8, 8, 8), "it is one for signals such as 12x80, and the data has volumes such as"),
    ],
)
def test_another_number_of_axes(image: tuple[int, ...], reason: str) -> None:
    """A 1-D network would become a 2-D one, with other weights, without a word."""
    spec = archdsl.parse("arch s\ninput 12x80\nconv(4, 7) -> global_avgpool -> linear(4)\n")
    with pytest.raises(ArchError, match="A805.*" + reason):
        fit(spec, {}, image, 4)
    assert fit(spec, {}, (12, 1000), 4).input == (12, 1000)


def test_several_inputs() -> None:
    """With the first alone of another size it would be no network: that is not what is wrong."""
    spec = archdsl.parse(
        "arch s\ninput left: 3x8x8, right: 3x8x8\nlet eye = shared { conv(4, 3) -> relu }\n"
        "left -> eye as a\nright -> eye as b\nbranch sub { a; b }\n"
    )
    for image in ((3, 8, 8), (1, 28, 28)):
        with pytest.raises(ArchError, match="it takes left, right, and the data has images alone"):
            fit(spec, {}, image, 4)


def test_another_number_of_results() -> None:
    assert error(FIXED).splitlines() == [
        "error[A805]: the network does not fit the data: its result has the shape 7, and the "
        "data has 4 classes",
        "  = help: give the spec a knob `classes` for its last layer, or write 4 there",
    ]


def test_a_number_of_classes_that_is_asked_for_is_kept() -> None:
    assert "its result has the shape 5, and the data has 4 classes" in error(WIDE, classes=5)


def test_a_number_of_classes_that_the_spec_does_not_allow() -> None:
    with pytest.raises(ArchError) as caught:
        adapt(archdsl.parse(WIDE), (1, 8, 8), 100)
    assert "`classes = 100` is outside its domain 2..20" in str(caught.value)


def test_an_input_that_is_too_small() -> None:
    text = error(DEEP)
    assert text.startswith("error[A2")
    assert "  = the input is that of the data: 1x8x8" in text


def test_a_result_that_is_a_picture() -> None:
    text = error("arch map(classes = 3)\ninput 3x8x8\nconv(classes, 1)\n")
    assert "its result has the shape 4x8x8, and the data has 4 classes" in text


def test_side_outputs_have_classes_too() -> None:
    check_fit(network(SIDE), (1, 8, 8), 4)
    wrong = network(SIDE.replace("{ linear(classes) }", "{ linear(6) }"))
    with pytest.raises(ArchError, match="early has the shape 6"):
        check_fit(wrong, (1, 8, 8), 4)


def test_a_network_of_another_input() -> None:
    with pytest.raises(ArchError, match="it takes 1x8x8, and the images are 3x8x8"):
        check_fit(network(), (3, 8, 8), 4)


def test_a_variant_that_fits_the_data_is_named() -> None:
    unet = archdsl.read("unet")
    for size in (64, 576):  # too small for it, and larger than its result
        with pytest.raises(ArchError) as caught:
            fit(unet, {}, (3, size, size), 3, SEGMENTATION)
        assert "help: its variant `unet_padded` fits the data" in str(caught.value)
    with pytest.raises(ArchError) as caught:
        fit(unet, {}, (3, 60, 60), 3, SEGMENTATION)
    said = "help: its variant `unet_padded` fits images of 3x64x64: give the data that size"
    assert said in str(caught.value)

"""What is more than a picture can show is refused, and refused soon."""

import pytest

import archdsl
from archdsl.pictures.page import drawing_page
from archdsl.pictures.views import draw, draw_volumes

HEAD = "arch net\ninput 3x8x8\n"
LARGE = {
    "layers": HEAD + "for i in 1..4001 { conv(1 + i % 7, 1) }",
    "arms": HEAD + "branch concat { for i in 1..2100 { conv(1, 1) -> conv(i % 7 + 1, 1) } }",
    "nested sums": HEAD
    + "".join(f"conv(4, 1) as t{i}\n" for i in range(400))
    + "branch add { "
    + "; ".join(f"t{i}" for i in range(400))
    + " }",
    "crossing lines": HEAD
    + "conv(4, 1) as t0\nconv(4, 1) as t1\n"
    + "".join(
        f"branch add {{ t{i // 2}; identity -> conv(4, 1) }} as t{i}\n" for i in range(2, 300)
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_picture_that_nobody_could_read_is_a_diagnostic(name: str) -> None:
    arch = archdsl.parse(LARGE[name]).with_knobs()
    for drawn in (draw, drawing_page):
        with pytest.raises(archdsl.ArchError) as caught:
            drawn(arch.network, arch.shown_knobs)
        assert caught.value.diagnostics[0].code == "A906"


def test_shapes_of_blocks_that_stand_often_are_counted_each_time() -> None:
    text = HEAD + (
        "block unit(c) { branch concat { for i in 1..30 { conv(c, 1) } } -> conv(3, 1) }\n"
        "for i in 1..700 { unit(2); relu }"
    )
    arch = archdsl.parse(text).with_knobs()
    with pytest.raises(archdsl.ArchError) as caught:
        draw(arch.network, {})
    assert caught.value.diagnostics[0].code == "A906"
    assert draw(arch.network, {}, depth=1).shapes


def test_a_wide_branch_is_drawn() -> None:
    arch = archdsl.parse(HEAD + "branch concat { for i in 1..100 { conv(i, 1) } }").with_knobs()
    assert len([s for s in draw(arch.network, {}).shapes if getattr(s, "fill", "") == "conv"]) > 100


def test_volumes_are_counted_too() -> None:
    arch = archdsl.parse(f"{HEAD}for i in 1..6000 {{ conv(1 + i % 7, 1) }}").with_knobs()
    with pytest.raises(archdsl.ArchError) as caught:
        draw_volumes(arch.network, {})
    assert caught.value.diagnostics[0].code == "A906"

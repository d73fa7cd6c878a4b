"""What an editor is told of a text: the exact words."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.editing.colours import colours
from archdsl.editing.completion import complete
from archdsl.editing.fixes import Correction, fixes
from archdsl.editing.hints import carried, hints
from archdsl.editing.hover import hover
from archdsl.editing.lenses import Cancelled, quick, verified
from archdsl.editing.outline import Symbol, folds, symbols
from archdsl.editing.reading import Reading, read
from archdsl.editing.signatures import signature_at
from archdsl.files import ARCH, SEARCH, builtin_folder

SPEC = """\
## A small net.
arch small(
  width = 16 in {8, 16, 32},
  kind = "plain" in {"plain", "wide"}
)
input 3x32x32
block unit(c, stride = 1) {
  conv(c, 3, stride = stride) -> bn -> relu
}
stem: unit(width)
for i in 1..2 {
  stage: unit(width * 2 ^ i, stride = 2)
}
head: global_avgpool -> linear(10)
variant wide(kind = "wide")
"""


def marked(text: str) -> tuple[str, int]:
    """A text, and the offset of the bar in it."""
    return text.replace("|", "", 1), text.index("|")


def labels(text: str, name: str = "spec.arch") -> list[str]:
    text, offset = marked(text)
    return [item.label for item in complete(read(text, name), offset).items]


def test_hints_say_shapes_and_costs_at_the_ends_of_lines() -> None:
    reading = read(SPEC)
    assert [(h.line, h.text) for h in hints(reading)] == [
        (8, "16x32x32 to 64x8x8, 3 times, 23.81K params, 2.80M MACs"),
        (10, "16x32x32, 480 params, 442.4K MACs"),
        (12, "32x16x16 to 64x8x8, 2 times, 23.33K params, 2.36M MACs"),
        (14, "10, 650 params, 640 MACs"),
    ]
    assert hints(reading, costs=False)[0].text == "16x32x32 to 64x8x8"


def test_a_line_of_very_many_shapes_names_a_few() -> None:
    text = "arch a\ninput 3x8x8\nfor i in 1..2000 { conv(i, 1) }\n"
    (hint,) = [h for h in hints(read(text)) if h.line == 3]
    assert hint.full.startswith("1x8x8, 2x8x8, ")
    assert hint.full.split("\n")[0].endswith("8x8x8, ... 2000x8x8 (2,000 shapes)")


def test_hints_stay_while_a_text_does_not_parse() -> None:
    before = hints(read(SPEC))
    broken = SPEC.replace("stem: unit(width)", "stem: unit(width\n")
    assert read(broken).broken
    kept = carried(SPEC, broken, before)
    assert [(h.line, h.text[:8]) for h in kept] == [
        (8, "16x32x32"),
        (13, "32x16x16"),
        (15, "10, 650 "),
    ]


@pytest.mark.parametrize(
    ("wrong", "lines"),
    [
        ("conv(8, 3) -> bnn", [3]),  # a name that is not known
        ("conv(8, 3, groups = 3)", [3]),  # of the network
        ("conv(8, ", [3]),  # what cannot be read
        ("let k 8", [3, 5]),  # a definition that nothing needs
        ("block b { conv(8,, 3) }", [3, 5]),
        ("block b { conv(k, 3) }\nblock c { b }\nc", [3]),  # and one that a layer needs
        ("repeat 2 {\n  conv(8, 3", [3]),
    ],
)
def test_what_stands_before_a_mistake_has_hints(wrong: str, lines: list[int]) -> None:
    reading = read(f"arch a\ninput 3x8x8\nconv(4, 3)\n{wrong}\nconv(16, 3)\n")
    assert reading.found and reading.network is None
    assert [h.line for h in hints(reading)] == lines


def test_mistakes_of_a_text_that_does_not_parse() -> None:
    """What cannot be read hides no other mistake, and makes none."""
    text = "arch a(w = 8)\ninput 3x8x8\nlet k 8\nconv(k, 3) -> rel\nconv(w, 3,,)\nrelu\n"
    assert [(d.code, d.span.line) for d in read(text).found if d.span] == [
        ("A011", 3),
        ("A101", 4),
        ("A011", 5),
    ]


def test_a_library_is_no_spec_without_arch() -> None:
    good = "block a(c) { conv(c, 3) }\nblock b { a(3) -> relu }\n"
    assert read(good).found == ()
    assert [d.message for d in read(good + "block c { a(3) -> rel }\n").found] == [
        "there is no layer or block called `rel`"
    ]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("width = 16", "*knob: 16, in {8, 16, 32} (3 values)*"),
        ("unit(c", "unit(c, stride = 1)"),
        ("3, stride", None),
        ("conv(c", "- `kernel`: a whole number of at least 1, or one for each axis such as 1x7"),
        ("stride = stride)", "`stride = 1` of `conv`: a whole number"),
        ("unit(width * 2", "Here: 32x16x16 to 64x8x8, 2 times, 23.33K params, 2.36M MACs"),
        ("small(", "With the defaults: 3x32x32 to 10, 24,458 parameters, 2,802,304 MACs"),
        ("wide(kind", 'variant **wide**: `kind = "wide"`'),
    ],
)
def test_hover(place: str, said: str | None) -> None:
    found = hover(read(SPEC), SPEC.index(place))
    assert (found is None) if said is None else (found is not None and said in found.markdown)


def test_a_layer_of_a_statement_that_does_not_parse_yet_is_told() -> None:
    text = "arch a\ninput 3x8x8\nconv(16, 3 # a relu\nbn -> relu\n"
    found = hover(read(text), text.index("conv") + 2)
    assert found is not None and found.span.text == "conv" and "- `kernel`" in found.markdown
    assert hover(read(text), text.index("relu")) is None
    assert hover(read(text.replace("conv", "nothing")), text.index("conv")) is None


def test_hover_names_the_paper() -> None:
    text = (builtin_folder() / "resnet.arch").read_text("utf-8")
    found = hover(read(text), text.index("resnet("))
    assert found is not None
    assert "[arXiv:1512.03385](https://arxiv.org/abs/1512.03385)" in found.markdown


def test_completion() -> None:
    top = 'arch a(w = 8, k = "x" in {"x", "y"})\ninput 3x8x8\n'
    assert {"repeat", "conv", "residual", "w"} <= set(labels(top + "co|"))
    assert labels(top + "conv(w, 3, border = |)")[:4] == [
        "zeros", "reflect", "replicate", "circular",
    ]  # fmt: skip
    assert labels(top + "conv(8, stride = 2, |)")[:3] == ["channels", "kernel", "pad"]
    assert labels(top + "conv(8, 3, bias = |)")[:2] == ["true", "false"]
    assert labels(top + "relu\nvariant v(|)")[:2] == ["w", "k"]
    assert labels(top + "relu\nvariant v(k = |)")[:2] == ['"x"', '"y"']
    assert labels(top + 'if k == "|" { relu }') == ["x", "y"]
    assert labels(top + "# con|") == []
    assert labels(top + "conv(in.|, 3)")[:2] == ["channels", "height"]
    assert labels('use "|"')[0] == "lib/attention.arch"


def test_completion_in_a_search() -> None:
    def searched(text: str) -> list[str]:
        return labels(text, "x.search")

    assert searched("|")[:3] == ["search", "spec", "vary"]
    assert "wide_resnet" in searched("spec |")
    assert "resnet18" in searched("spec |")
    for begun in ("spec wide_resnet(|", 'spec "wide_resnet"(|)', "spec wide_resnet(drop = 0, |"):
        assert searched(begun)[:2] == ["depth", "width"]
    assert searched("spec resnet(depth = |") == ["18", "34", "50", "101", "152", "200"]
    assert searched("spec wide_resnet\nvary |")[:2] == ["depth", "width"]
    assert searched("spec resnet\nvary width, depth in {18, |")[:2] == ["18", "34"]
    assert searched("spec wide_resnet\nhold macs = 1M by |")[:2] == ["depth", "width"]
    assert "params" in searched("hold |")
    assert searched("data |")[0] == "digits"
    assert searched("train optimizer = |") == ["sgd", "adamw", "adam", "rmsprop"]
    assert searched("train epochs = 2, |")[:2] == ["batch", "lr"]
    assert searched("train recipe = |")[:2] == ["cifar", "cifar_wide"]
    assert searched("train augment = [crop(2), |]")[:3] == ["crop", "flip", "cutout"]
    assert searched("train loss = |")[:2] == ["cross_entropy", "focal"]
    assert searched("train metrics = [f1, |]")[:2] == ["accuracy", "top5"]
    assert searched("sampler nsga2(|)") == ["population"]


def test_the_spec_of_a_search_is_beside_it(tmp_path: Path) -> None:
    """Not in the folder that the editor, or its server, was started in."""
    (tmp_path / "net.arch").write_text("arch net(width = 8 in 1..9)\ninput 3x8x8\nconv(width, 3)\n")
    text, offset = marked('spec "net.arch"\nvary |')
    assert complete(read(text, "x.search", folder=tmp_path), offset).items[0].label == "width"


def test_signature_help() -> None:
    text, offset = marked("arch a\ninput 3x8x8\nconv(8, |")
    found = signature_at(read(text), offset)
    assert found is not None and found.active == 1
    assert found.described.label == (
        "conv(channels, kernel, stride = 1, pad?, dilation = 1, groups = 1, bias = true, "
        "border = zeros, init?, bias_init?, weight?)"
    )
    text, offset = marked("arch a\ninput 3x8x8\nconv(8, 3, groups = |")
    assert signature_at(read(text), offset).active == 5  # type: ignore[union-attr]


def test_outline_and_folds() -> None:
    def shown(found: tuple[Symbol, ...]) -> list[object]:
        return [(s.kind, s.name, shown(s.children)) if s.children else s.name for s in found]

    reading = read(SPEC)
    assert shown(symbols(reading)) == [
        ("arch", "small", ["width", "kind"]), "unit", "stem", "stage", "head", "wide",
    ]  # fmt: skip
    assert folds(reading) == [(2, 4, "region"), (7, 8, "region"), (11, 12, "region")]


def test_colours_tell_names_apart() -> None:
    found = {(c.span.text, c.type) for c in colours(read(SPEC))}
    assert {("width", "property"), ("unit", "class"), ("conv", "function"), ("c", "parameter"),
            ("stage", "label"), ("wide", "enumMember")} <= found  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("conv(8, 3) -> something", None),
        ("conv(8, 3) -> rellu", "conv(8, 3) -> relu"),
        ("conv(8, 3) -> BatchNorm2d", "conv(8, 3) -> bn"),
        ("conv(8, 3, strid = 2)", "conv(8, 3, stride = 2)"),
        ("conv(8, 3) relu", "conv(8, 3) -> relu"),
        ("conv(9 / 2, 3)", "conv(round(9 / 2), 3)"),
        ("conv(8, 3, groups = 2)", "conv(8, 3, groups = 1)"),
        ("conv(8, 3, 1, 1, 1, 2)", "conv(8, 3, 1, 1, 1, 1)"),
        ("conv(8, 4)", "conv(8, 4, pad = 0)"),
        ("conv(8, 11, pad = 0)", "conv(8, 11, pad = 5)"),
        ("conv(8, 11, 1, 0)", "conv(8, 11, 1, 5)"),
        ("maxpool(11)", "maxpool(11, pad = 5)"),
        ("maxpool(3, pad = 2)", "maxpool(3, pad = 1)"),
        ("residual(shortcut = identity) { conv(8, 3) }", "residual { conv(8, 3) }"),
        ("conv(8 3)", "conv(8, 3)"),
        ("leakyrelu", "leaky_relu"),
        ("conv(8, 3) -> nn.ReLU", "conv(8, 3) -> relu"),
        ("x = conv(8, 3)", "conv(8, 3) as x"),
        ("conv(8, 3) -> nn.ReLU()", "conv(8, 3) -> relu()"),
        ("conv(8, 3) -> nn. ReLU()", "conv(8, 3) -> relu()"),
        ("conv(8, 3) -> nn.MaxPool2d(2)", "conv(8, 3) -> maxpool(2)"),
        ("conv(8, 3) -> nn.MaxPool2d(3, 2, 1)", "conv(8, 3) -> maxpool(3, 2, 1)"),
        ("conv(8, 3) -> nn.BatchNorm2d(8)", "conv(8, 3) -> bn"),
        ("nn.Conv2d(3, 8, 3)", "conv(8, 3, pad = 0)"),
        ("nn.Conv2d(3, 8, (1, 3), padding='same') -> bn", "conv(8, 1x3, pad = same) -> bn"),
        ("nn.Conv2d(8, 3)", None),
        ("F.conv2d(x, w)", None),
        ("BatchNorm2d(3)", "bn"),
        ("GroupNorm(1, 3)", "group_norm(1)"),
        ("PReLU(3) -> relu", "prelu -> relu"),
        ("prelu(3)", "prelu"),
        ("conv(8, 3) -> bn(8)", "conv(8, 3) -> bn"),
        ("linear(27, 10)", "linear(10)"),
        ("conv(3, 8, 3)", "conv(8, 3, pad = 0)"),
        ("flatten(1)", "flatten"),
        ("pad(0, 1, 0, 1)", "pad(after = 1)"),
        ("upsample(64)", "resize(64)"),
        ("ConvTranspose2d(3, 8, 2)", "conv_transpose(8, 2)"),
        ("Conv2D(8, 3)", "conv(8, 3, pad = 0)"),
        ("relu as x\nF.max_pool2d(x, 2)", "relu as x\nx -> maxpool(2)"),
        ("relu as x\nbn as y\ntorch.cat([x, y], 1)", "relu as x\nbn as y\nbranch concat { x; y }"),
        ("conv(8, 3) | relu", "conv(8, 3) -> relu"),
        ("conv(8, 3) // wide", "conv(8, 3) # wide"),
        ("if 1 < 2 && 2 < 3 { relu }", "if 1 < 2 and 2 < 3 { relu }"),
        ("if 1 < 2 || 2 < 3 { relu }", "if 1 < 2 or 2 < 3 { relu }"),
        ("for i in 1..5 / 2 { relu }", "for i in 1..round(5 / 2) { relu }"),
        ("reshape(5)", "flatten"),
        ("relu as x\nx.flatten(1)", "relu as x\nx -> flatten"),
        ("relu as x\nlet y = x.view(x.size(0), -1)\ny", "relu as x\nlet y = x -> flatten\ny"),
        ("relu as x\nx.flatten(2).transpose(1, 2)", "relu as x\nx -> flatten_space"),
        ("relu as x\ny = x.narrow(1, 0, 2)", "relu as x\nx -> slice(1, 2) as y"),
        ("conv(8, 3) -> chunk(2, 1)", "conv(8, 3) -> split(2, 1)"),
        ("relu as x\nconv(x.size(1), 3)", "relu as x\nconv(x.channels, 3)"),
        ("relu as x\nx.foo(1)", None),
        ("relu -> einsum(1)", None),
        ("f(x) = relu\nrelu", "block f { relu }\nrelu"),
        ("let f = lambda x: x + 1\nconv(f(2), 3)", "fn f(x) = x + 1\nconv(f(2), 3)"),
        ("block b { c = conv(8, 3) }\nb", "block b { conv(8, 3) as c }\nb"),
        ("residual(relu)", "residual { relu }"),
        ("repeat 3 conv(8, 3)", "repeat 3 { conv(8, 3) }"),
        ("conv(8, 3), relu", "conv(8, 3)-> relu"),
        ("conv(8, 3) >> relu", "conv(8, 3) -> relu"),
        ("conv(8, 3) => relu", "conv(8, 3) -> relu"),
        ("skip { relu }", "residual { relu }"),
        ("skip(relu)", "residual { relu }"),
        ("conv(8, 3) x 3", "repeat 3 { conv(8, 3) }"),
        ("conv(in.chanels, 3)", "conv(in.channels, 3)"),
        ("interpolate(scale_factor=2)", "upsample(2)"),
        ("relu as x\nbn as y\ncat([x, y], dim=1)", "relu as x\nbn as y\nbranch concat { x; y }"),
        ("relu -> mean", None),
        ("relu -> mean(2)", None),
        ("let half(x) = x\nrelu", None),
        ("use lib/attention.arch: cbam\ncbam(1)", 'use "lib/attention.arch": cbam\ncbam(1)'),
    ],
)
def test_a_correction_mends_the_text(wrong: str, right: str | None) -> None:
    top = "arch a\ninput 3x9x9\n"
    reading = read(f"{top}{wrong}\n")
    found = [fix for d in reading.found for fix in fixes(reading, d)]
    if right is None:
        assert reading.found and found == []
        return
    text = mended(reading, found[0])
    assert text == f"{top}{right}\n"
    assert read(text).found == ()


def mended(reading: Reading, fix: Correction) -> str:
    text = reading.source.text
    for span, new in sorted(fix.edits, key=lambda e: -e[0].start):
        text = text[: span.start] + new + text[span.end :]
    return text


def test_an_even_kernel_may_keep_the_size() -> None:
    reading = read("arch a\ninput 3x9x9\nconv(8, 4)\n")
    _, kept = (fix for d in reading.found for fix in fixes(reading, d))
    text = mended(reading, kept)
    assert text.endswith("\npad(before = 1, after = 2) -> conv(8, 4, pad = 0)\n")
    network = read(text).network
    assert network is not None and network.root.shape == (8, 9, 9)


def test_a_block_of_the_library_is_brought() -> None:
    reading = read("arch a(w = 8)\ninput 9x9x9\nconv(w, 3) -> se(4)\n")
    (fix,) = [fix for d in reading.found for fix in fixes(reading, d)]
    text = mended(reading, fix)
    assert text == (
        'arch a(w = 8)\nuse "lib/attention.arch": squeeze_excite\n'
        "input 9x9x9\nconv(w, 3) -> squeeze_excite(4)\n"
    )
    assert read(text).found == ()


def test_a_missing_input_is_added_below_arch() -> None:
    reading = read("arch a(w = 8)\nconv(w, 3)\n")
    (fix,) = [fix for d in reading.found for fix in fixes(reading, d)]
    assert fix.title == "add `input 3x224x224`"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("model a\ninput 3x9x9", "arch a\ninput 3x9x9"),
        ("arch a:\ninput 3x9x9", "arch a\ninput 3x9x9"),
        ("arch a\ninput (None, 3, 9, 9)", "arch a\ninput 3x9x9"),
        ("arch a\ninput: 3x9x9", "arch a\ninput 3x9x9"),
        ("arch a\ninput 3, 9, 9", "arch a\ninput 3x9x9"),
        ("arch a(w in [16, 32])\ninput 3x9x9", "arch a(w = 16 in {16, 32})\ninput 3x9x9"),
        ("arch a(v = 1, w = 3..5)\ninput 3x9x9", "arch a(v = 1, w = 3 in 3..5)\ninput 3x9x9"),
        ("arch a(w = 'b' in {'b'})\ninput 3x9x9", "arch a(w = \"b\" in {'b'})\ninput 3x9x9"),
    ],
)
def test_a_correction_mends_what_is_above_the_layers(wrong: str, right: str) -> None:
    reading = read(f"{wrong}\nrelu\n")
    fix, *_ = [fix for d in reading.found for fix in fixes(reading, d)]
    assert mended(reading, fix) == f"{right}\nrelu\n"


def test_lenses_count_candidates_and_tell_the_proof() -> None:
    reading = read(SPEC)
    assert [lens.text for lens in quick(reading)] == ["6 candidates"]
    assert [lens.text for lens in verified(reading).lenses] == [
        "6 candidates: every one is a network"
    ]
    wrong = SPEC.replace("conv(c, 3,", "conv(c, 3, groups = 1 if width < 32 else 3,")
    found = verified(read(wrong))
    assert found.lenses[0].text.startswith("6 candidates: not every one is a network: not with w")
    assert {d.code for d in found.found} == {"A209"}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("conv(8, 3)", "conv(8, 3, bias = false)"),
        ("conv", "conv(bias = false)"),
        ("conv()", "conv(bias = false)"),
        ("flatten -> linear(10, true)", "flatten -> linear(10, false)"),
    ],
)
def test_warnings_come_with_the_proof(wrong: str, right: str) -> None:
    top = "arch a\ninput 3x8x8\ndefault conv(channels = 8, kernel = 3)\n"
    reading = read(f"{top}{wrong} -> bn\n")
    assert reading.found == ()
    (warning,) = verified(reading).found
    assert (warning.code, warning.kind.severity) == ("A971", "warning")
    (fix,) = fixes(reading, warning)
    text = mended(reading, fix)
    assert text == f"{top}{right} -> bn\n" and verified(read(text)).found == ()


@pytest.mark.parametrize("wrong", ["p3", "p3()"])
def test_an_output_is_told_to_say_when(wrong: str) -> None:
    top = "arch a\ninput 3x8x8\n"
    reading = read(f"{top}output {wrong} {{ relu }}\nrelu\n")
    (warning,) = verified(reading).found
    texts = [mended(reading, fix) for fix in fixes(reading, warning)]
    assert texts == [
        f"{top}output p3(when = {w}) {{ relu }}\nrelu\n" for w in ("always", "training")
    ]
    assert all(verified(read(text)).found == () for text in texts)


def test_a_warning_of_the_order_of_arguments_is_mended() -> None:
    reading = read("arch a\ninput 3x8x8\nconv(3, 5, 3)\n")
    (warning,) = verified(reading).found
    (fix,) = fixes(reading, warning)
    text = mended(reading, fix)
    assert warning.code == "A980" and text.endswith("\nconv(5, 3)\n")
    assert verified(read(text)).found == ()


def test_a_proof_ends_when_it_is_stopped() -> None:
    with pytest.raises(Cancelled):
        verified(read(SPEC), lambda: True)


def test_the_lens_of_a_search_tells_its_slices() -> None:
    text = (builtin_folder(SEARCH) / "first.search").read_text("utf-8")
    (lens,) = verified(read(text, "first.search")).lenses
    assert lens.text == "1 slice | 1M macs: 4 shapes" and lens.span.text.startswith("hold macs")


# ------------------------------------------------------------------------ whatever is typed

TEXTS = [
    (path.name, path.read_text("utf-8"))
    for ending in (ARCH, SEARCH)
    for path in sorted(Path(builtin_folder(ending)).glob(f"*{ending}"))
    if path.stat().st_size < 4000
]


@st.composite
def typed(draw: st.DrawFn) -> tuple[str, str, int]:
    """A built-in text that is cut off, or has a piece left out or put in, and a place in it."""
    name, text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    piece = draw(
        st.sampled_from(["", "(", ")", "{", "}", '"', ",", "=", "->", "\n", " in ", "é𝛼", "#"])
    )
    made = text[:start] + piece + draw(st.sampled_from([text[end:], ""]))
    return name, made, draw(st.integers(0, len(made)))


@given(typed())
@settings(max_examples=25, deadline=None)
def test_every_question_has_an_answer_whatever_is_typed(case: tuple[str, str, int]) -> None:
    name, text, offset = case
    reading = read(text, name)
    for found in reading.found:
        fixes(reading, found)
    for place in (offset, len(text)):
        complete(reading, place)
        signature_at(reading, place)
        hover(reading, place)
    assert all(1 <= hint.line <= text.count("\n") + 1 for hint in hints(reading))
    assert all(s.whole.start <= s.span.start <= s.span.end for s in symbols(reading))
    quick(reading)
    folds(reading)
    spans = [c.span for c in colours(reading)]
    assert all(a.end <= b.start for a, b in pairwise(spans))

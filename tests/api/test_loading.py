"""Specs from names, paths and texts, and the architectures that they give."""

import copy
import io
import pickle
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archdsl
from archdsl import ArchError, Architecture, Spec
from archdsl.analysis.space import prove
from archdsl.freeze import freeze

TEXT = """
## A network of one block. It has knobs of every kind.
arch small(
  width = 8 in 4..64 step 4,
  ratio = 0.5 in 0.25..1.0,
  act = relu in {relu, silu},
  kind = "plain" in {"plain", "wide"},
  deep = false,
  ## channels of each stage
  stages = [8, 16],
  name = "x",
  classes = 10
)
variant large(width = 32, deep = true)

input 3x16x16
conv(width, 3) -> bn -> act
if kind == "wide" { conv(2 * width, 1) }
if deep { repeat 2 { conv(width, 3) -> act } }
for c in stages { conv(round(c * ratio), 3) }
linear(classes)
"""


@pytest.fixture(scope="module")
def spec() -> Spec:
    return archdsl.parse(TEXT, "small.arch")


def mistake(call: Any) -> archdsl.Diagnostic:
    with pytest.raises(ArchError) as error:
        call()
    return error.value.diagnostics[0]


# ------------------------------------------------------------------------ where they are


def test_a_path_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a (b).arch"
    path.write_text("arch a(c = 8)\ninput 3x8x8\nconv(c, 3)\n")
    assert archdsl.load(path, c=4).params == 4 * 28


def test_a_built_in_spec() -> None:
    arch = archdsl.load("resnet", depth=18)
    assert arch.params == 11_689_512
    assert arch.macs == 1_814_073_344
    assert (arch.input, arch.output) == ((3, 224, 224), (1000,))


def test_a_variant_by_its_name_alone() -> None:
    assert archdsl.load("resnet18").hash == archdsl.load("resnet", depth=18).hash
    assert archdsl.load("wide_resnet50_2", classes=10).output == (10,)


def test_a_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.arch"
    path.write_text(TEXT, "utf-8")
    assert archdsl.load(str(path), width=16).shapes["conv1"] == (16, 16, 16)
    assert archdsl.read(str(path)).source.name == str(path)


def test_a_file_with_the_name_of_a_built_in(tmp_path: Path, monkeypatch: Any) -> None:
    """A name means the built-in spec; a path, or a file of just that name, the file."""
    monkeypatch.chdir(tmp_path)
    Path("resnet.arch").write_text(TEXT, "utf-8")
    assert archdsl.read("resnet").name == "resnet"
    assert archdsl.read("resnet.arch").name == "small"
    assert archdsl.read("./resnet.arch").name == "small"


def test_standard_input(monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert archdsl.read("-").name == "small"


def test_use_reads_beside_the_file_and_a_text_reads_the_library_alone(tmp_path: Path) -> None:
    (tmp_path / "parts.arch").write_text("block twice(c) { conv(c, 3) -> conv(c, 3) }", "utf-8")
    text = 'use "parts.arch": twice\narch a\ninput 3x8x8\ntwice(4)'
    path = tmp_path / "a.arch"
    path.write_text(text, "utf-8")
    assert archdsl.load(str(path)).depth == 2
    assert mistake(lambda: archdsl.parse(text)).code == "A001"


@pytest.mark.parametrize(
    ("name", "code", "help"),
    [
        ("resnett", "A001", ("did you mean `resnet`?",)),
        ("resnt50", "A001", ("did you mean `resnet50`?",)),
        ("nowhere.arch", "A001", ()),
        ("no/such/file", "A001", ()),
        ("", "A001", ()),
        ("a\0b", "A001", ()),
        ("..", "A001", ()),
        ("x" * 5000, "A001", ()),
    ],
)
def test_what_is_not_there(name: str, code: str, help: tuple[str, ...]) -> None:
    found = mistake(lambda: archdsl.load(name))
    assert (found.code, found.helps[: len(help)]) == (code, help)


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    folder = tmp_path / "a.arch"
    folder.mkdir()
    assert mistake(lambda: archdsl.read(str(folder))).code == "A002"


# -------------------------------------------------------------------------------- specs


def test_what_a_spec_says_of_itself(spec: Spec) -> None:
    assert spec.name == "small"
    assert spec.doc == "A network of one block. It has knobs of every kind."
    assert repr(spec) == "<Spec small from small.arch>"
    assert list(spec.variants) == ["large"]
    knobs = {k.name: (k.show(k.default), k.domain and str(k.domain)) for k in spec.knobs.values()}
    assert knobs == {
        "width": ("8", "4..64 step 4"),
        "ratio": ("0.5", "0.25..1"),
        "act": ("relu", "{relu, silu}"),
        "kind": ('"plain"', '{"plain", "wide"}'),
        "deep": ("false", None),
        "stages": ("[8, 16]", None),
        "name": ('"x"', None),
        "classes": ("10", None),
    }
    assert spec.knobs["stages"].doc == "channels of each stage"


def test_an_architecture_says_what_it_is(spec: Spec) -> None:
    arch = spec.with_knobs(width=16)
    assert arch.name == "small"
    assert arch.shown_knobs["width"] == "16" and arch.knobs["width"] == 16
    assert arch.shown_knobs["act"] == "relu"
    assert repr(arch) == (
        '<Architecture small(width=16, ratio=0.5, act=relu, kind="plain", deep=false, '
        'stages=[8, 16], name="x", classes=10): 21,846 parameters, 352,256 MACs>'
    )
    assert arch.spec is spec
    assert arch.shapes == {
        "input": (3, 16, 16),
        "conv1": (16, 16, 16),
        "bn1": (16, 16, 16),
        "relu1": (16, 16, 16),
        "conv3": (4, 16, 16),
        "conv4": (8, 16, 16),
        "linear1": (10,),
    }
    assert list(arch.graph) == list(arch.shapes)


def test_a_variant_and_more_knobs(spec: Spec) -> None:
    arch = spec.variant("large", classes=3)
    assert arch.knobs["width"] == 32 and arch.knobs["deep"] is True
    assert arch.output == (3,)
    assert mistake(lambda: spec.variant("larg")).helps == ("did you mean `large`?",)


def test_knobs_changed_one_after_the_other(spec: Spec) -> None:
    arch = spec.with_knobs(width=16).with_knobs(deep=True)
    assert arch.hash == spec.with_knobs(width=16, deep=True).hash
    assert spec.with_knobs().hash != arch.hash


def test_another_input(spec: Spec) -> None:
    assert spec.with_knobs(input=(1, 28, 28)).shapes["relu1"] == (8, 28, 28)
    assert spec.with_knobs(input=[1, 28, 28]).input == (1, 28, 28)
    assert spec.with_knobs(input=np.array([1, 28, 28])).input == (1, 28, 28)


@pytest.mark.parametrize("shape", [(), (0, 8, 8), (-1, 8, 8), (1.5, 8, 8), ("a",), (10**12, 8, 8)])
def test_an_input_that_is_no_shape(spec: Spec, shape: Any) -> None:
    assert mistake(lambda: spec.with_knobs(input=shape)).code == "A301"


# ------------------------------------------------------------------------- knobs' values


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("width", 16, 16),
        ("width", 16.0, 16),
        ("width", "16", 16),
        ("width", "4 * 4", 16),
        ("width", np.int64(16), 16),
        ("width", np.float32(16), 16),
        ("width", Fraction(16), 16),
        ("ratio", 1, 1),
        ("ratio", 0.75, Fraction(3, 4)),
        ("ratio", "75%", Fraction(3, 4)),
        ("ratio", "3 / 4", Fraction(3, 4)),
        ("ratio", np.float64(0.75), Fraction(3, 4)),
        ("kind", "wide", "wide"),
        ("kind", '"wide"', "wide"),
        ("kind", np.str_("wide"), "wide"),
        ("deep", True, True),
        ("deep", "true", True),
        ("deep", np.bool_(True), True),
        ("stages", [4, 4, 4], (4, 4, 4)),
        ("stages", (4, 8), (4, 8)),
        ("stages", "[4, 8]", (4, 8)),
        ("stages", "[4 * i for i in 1..3]", (4, 8, 12)),
        ("stages", np.array([4, 8]), (4, 8)),
        ("stages", range(4, 13, 4), range(4, 13, 4)),
        ("name", "any text at all", "any text at all"),
        ("name", '"quoted"', "quoted"),
        ("name", "", ""),
    ],
)
def test_values_of_python_and_of_the_command_line(
    spec: Spec, name: str, given: Any, read: Any
) -> None:
    found = spec.with_knobs(**{name: given}).knobs[name]
    assert found == read and type(found) is type(read)


def test_a_decimal_is_what_it_prints_as(spec: Spec) -> None:
    """0.3 is 3/10 and not the binary fraction next to it."""
    assert spec.with_knobs(ratio=0.3).knobs["ratio"] == Fraction(3, 10)


@pytest.mark.parametrize("written", ["sqrt(2)", "exp(1)", "log(8, 2)"])
def test_an_inexact_option_is_known_by_its_decimals(written: str) -> None:
    """The value that a candidate tells is taken again, by Python and as it is printed."""
    text = "arch net(c = 2 in {sqrt(2), exp(1), log(8, 2), 2})\ninput 3x8x8\nconv(ceil(c), 1)\n"
    spec = archdsl.parse(text)
    known = spec.with_knobs(c=written).knobs["c"]
    for given in (known, str(known), spec.with_knobs(c=written).shown_knobs["c"]):
        again = spec.with_knobs(c=given).knobs["c"]
        assert (type(again), again) == (float, known)
    with pytest.raises(ArchError, match="outside its domain"):
        spec.with_knobs(c=known + 1e-6)


def test_layers_of_another_reading_of_the_spec() -> None:
    """The knobs of an architecture are taken by a spec that was read again."""
    text = "arch a(act = leaky_relu(0.1) in {leaky_relu(0.1), leaky_relu(0.2)})\ninput 3x8x8\nact"
    for act in ("leaky_relu(0.1)", "leaky_relu(0.2)"):
        arch = archdsl.parse(text).with_knobs(act=act)
        again = archdsl.parse(text).with_knobs(**arch.knobs)
        assert again.hash == arch.hash
        assert str(again.knobs["act"]) == act


def test_a_layer_by_its_name(spec: Spec) -> None:
    arch = spec.with_knobs(act="silu")
    assert "silu1" in arch.shapes and arch.shown_knobs["act"] == "silu"
    again = spec.with_knobs(act=arch.knobs["act"])
    assert again.hash == arch.hash


@pytest.mark.parametrize(
    ("name", "given", "code", "message"),
    [
        ("width", 5, "A503", "`width = 5` is outside its domain 4..64 step 4"),
        ("width", 128, "A503", "`width = 128` is outside its domain 4..64 step 4"),
        ("width", "8 +", None, ""),
        ("width", "wide", "A101", ""),
        ("width", None, "A509", "the knob `width` takes a number"),
        ("width", float("nan"), "A509", "the knob `width` takes a finite number, but this is nan"),
        ("width", float("inf"), "A509", "the knob `width` takes a finite number, but this is inf"),
        ("width", object, "A509", ""),
        ("ratio", 2, "A503", "`ratio = 2` is outside its domain 0.25..1"),
        ("act", "gelu", "A503", "`act = gelu` is outside its domain {relu, silu}"),
        ("act", 3, "A503", "`act = 3` is outside its domain {relu, silu}"),
        ("kind", "deep", "A503", '`kind = "deep"` is outside its domain {"plain", "wide"}'),
        ("deep", 1, "A509", ""),
        ("deep", "yes", "A101", ""),
        ("stages", 8, "A509", ""),
        ("classes", True, "A509", ""),
        ("classes", [10], "A509", ""),
    ],
)
def test_values_that_a_knob_cannot_have(
    spec: Spec, name: str, given: Any, code: str | None, message: str
) -> None:
    found = mistake(lambda: spec.with_knobs(**{name: given}))
    assert found.code == (code or found.code)
    assert found.message.startswith(message)


def test_a_knob_that_is_not_there(spec: Spec) -> None:
    found = mistake(lambda: spec.with_knobs(widht=16))
    assert (found.code, found.helps) == ("A502", ("did you mean `width`?",))
    fixed = archdsl.parse("arch fixed\ninput 3x8x8\nconv(4, 3)")
    assert mistake(lambda: fixed.with_knobs(width=16)).helps == ("it has no knobs",)


def test_all_mistakes_at_once(spec: Spec) -> None:
    with pytest.raises(ArchError) as error:
        spec.with_knobs(width=5, ratio=2, depth=1)
    assert len(error.value.diagnostics) == 3


def test_a_number_that_is_not_in_a_log_domain() -> None:
    spec = archdsl.parse("arch a(r = 0.1 in 1e-3..1 log)\ninput 4x8x8\ndropout(r)")
    assert spec.with_knobs(r=0.0123).flat.nodes[1].layer.p == 0.0123
    assert mistake(lambda: spec.with_knobs(r=0)).code == "A503"


# ------------------------------------------------------------------ choices inside bodies

CHOICES = """
arch choices
input 4x8x8
repeat 2 as i { stage: { choose mix { a: conv(4, 1); b: conv(4, 3) } } }
"""


def test_equal_values_of_a_domain_are_shown_as_what_they_are() -> None:
    """`1` and `exp(0)` are equal, and only one of them can be an index."""
    text = "arch a(n = 1 in {1, exp(0)})\ninput 3x8x8\nconv(4 if n == 1 else 2, 1)\n"
    spec = archdsl.parse(text)
    whole, root = (spec.with_knobs(n=n) for n in ("1", "exp(0)"))
    assert [type(a.knobs["n"]) for a in (whole, root)] == [int, float]
    assert [a.shown_knobs for a in (whole, root)] == [{"n": "1"}, {"n": "exp(0)"}]
    assert "arch a(n = exp(0))" in freeze(root)
    proof = prove(archdsl.parse(text + "conv([4, 8][n], 1)\n").program)
    assert proof.counterexample is not None and proof.counterexample.knobs == {"n": "exp(0)"}


def test_knobs_may_have_the_names_of_arguments() -> None:
    names = ("self", "name", "name_or_path", "values", "first_only")
    spec = archdsl.parse(
        f"arch a({', '.join(f'{n} = 1' for n in names)}, input = 4)\n"
        "input 3x8x8\nconv(input, 1)\nvariant v(input = 5)\n"
    )
    for name in names:
        assert spec.with_knobs(**{name: 2}).knobs[name] == 2
        assert spec.with_knobs().with_knobs(**{name: 2}).knobs[name] == 2
        assert spec.variant("v", **{name: 2}).knobs[name] == 2
    assert spec.with_knobs(input=7).output == (7, 8, 8)
    assert spec.with_knobs().with_knobs(input=7).output == (7, 8, 8)
    assert spec.candidate({"input": 7}, (3, 4, 4)).with_knobs(self=2).output == (7, 4, 4)


def test_an_architecture_takes_another_input_as_its_spec_does(spec: Spec) -> None:
    arch = spec.with_knobs(width=16).with_knobs(input=(3, 16, 16))
    assert (arch.input, arch.knobs["width"]) == ((3, 16, 16), 16)


def test_choices_by_their_path() -> None:
    spec = archdsl.parse(CHOICES)
    first = spec.with_knobs()
    paths = list(first.knobs)
    assert len(paths) == 2 and set(first.knobs.values()) == {"a"}
    other = spec.candidate({paths[1]: "b"})
    assert other.knobs == {paths[0]: "a", paths[1]: "b"}
    assert spec.candidate({paths[1]: 2}).hash == other.hash
    assert other.with_knobs().hash == other.hash, "what was chosen stays chosen"
    assert mistake(lambda: spec.candidate({paths[0]: "c"})).code == "A503"
    assert mistake(lambda: spec.candidate({"stage9.mix": "b"})).code == "A502"


# -------------------------------------------------------------------- things of Python


def test_architectures_and_specs_are_copied_and_pickled_or_refuse_cleanly(spec: Spec) -> None:
    """An architecture travels as its spec and knobs; that it cannot be pickled is said."""
    assert copy.copy(spec).name == "small"
    arch = spec.with_knobs()
    again = archdsl.parse(spec.source.text).with_knobs(**arch.knobs)
    assert again.hash == arch.hash


def test_an_error_travels_between_processes() -> None:
    with pytest.raises(ArchError) as error:
        archdsl.parse("arch a\ninput 3x8x8\nblock b { conv(4, 9, pad = 0) }\nb\nlinaer(3)")
    copied = pickle.loads(pickle.dumps(error.value))
    assert isinstance(copied, ArchError)
    assert str(copied) == str(error.value)
    assert [d.code for d in copied.diagnostics] == [d.code for d in error.value.diagnostics]


def test_an_error_of_a_candidate_travels_too() -> None:
    spec = archdsl.parse("arch a(n = 1)\ninput 3x8x8\nblock b(k) { conv(4, k, pad = 0) }\nb(n)")
    with pytest.raises(ArchError) as error:
        spec.with_knobs(n=9)
    copied = pickle.loads(pickle.dumps(error.value))
    assert str(copied) == str(error.value)
    assert "in b (line 4)" in str(copied) and "n = 9" in str(copied)


def test_the_text_of_an_error_is_what_a_user_should_see() -> None:
    with pytest.raises(ArchError) as error:
        archdsl.parse("arch a\ninput 3x8x8\nconv(64, 3)\nlinaer(3)", "net.arch")
    assert str(error.value) == (
        "error[A101]: there is no layer or block called `linaer`\n"
        " --> net.arch:4:1\n"
        "  |\n"
        "4 | linaer(3)\n"
        "  | ^^^^^^\n"
        "  = help: did you mean `linear`?"
    )


def test_specs_of_many_threads() -> None:
    """A spec may be elaborated by several threads: candidates do not see each other."""
    from concurrent.futures import ThreadPoolExecutor

    spec = archdsl.read("resnet")
    depths = [18, 34, 50, 101, 152] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda d: spec.with_knobs(depth=d).params, depths))
    assert found == [spec.with_knobs(depth=d).params for d in depths]
    assert isinstance(spec.with_knobs(), Architecture)


def test_knobs_may_be_called_as_arguments_of_python_are() -> None:
    text = "arch x(input = 3, self = 4, name = 2)\nvariant v(name = 3)\n"
    spec = archdsl.parse(f"{text}input 3x8x8\nconv(input * self * name, 3)\n")
    assert spec.with_knobs(input=5, self=1, name=1).output == (5, 8, 8)
    assert spec.with_knobs().with_knobs(input=7, self=2).output == (28, 8, 8)
    assert spec.variant("v", name=1, self=1).output == (3, 8, 8)
    assert spec.candidate({"input": 5}, (1, 4, 4)).output == (40, 4, 4)


def test_an_architecture_takes_another_input() -> None:
    arch = archdsl.parse("arch x(w = 3)\ninput 3x8x8\nconv(w, 3)\n").with_knobs(w=5)
    assert arch.with_knobs(input=(1, 4, 4)).output == (5, 4, 4)
    assert arch.with_knobs(w=2).input == (3, 8, 8)


def test_an_architecture_is_titled_as_the_variant_that_it_is() -> None:
    spec = archdsl.read("resnet")
    titles = {
        "resnet18": archdsl.load("resnet18"),
        "resnet34": spec.variant("resnet34"),
        "resnet": archdsl.load("resnet(depth = 18)"),
    }
    for title, arch in titles.items():
        assert arch.title == pickle.loads(pickle.dumps(arch)).title == title
    assert archdsl.load("resnet18", classes=3).title == spec.variant("resnet18", classes=3).title
    assert "<title>resnet18</title>" in titles["resnet18"]._repr_html_()
    pair = archdsl.diff(titles["resnet18"], titles["resnet34"])
    assert "<title>resnet18 and resnet34</title>" in pair._repr_html_()


def test_a_choice_is_fixed_by_its_label_where_it_has_one(tmp_path: Path) -> None:
    """An option that is put in before it changes nothing then."""
    text = """\
arch a
input 8x4x4
block cell(c) { choose op { identity; small: conv(c, 3); conv(c, 5); relu } }
repeat 4 { cell(8) }
"""
    chosen = {f"cell{n}.op": n for n in (1, 2, 3, 4)}
    arch = archdsl.parse(text).with_knobs(**chosen)
    frozen = freeze(arch)
    assert [line for line in frozen.splitlines() if line.startswith("fix")] == [
        "fix cell1.op = identity",
        "fix cell2.op = small",
        "fix cell3.op = 3",
        "fix cell4.op = relu",
    ]
    assert archdsl.parse(frozen).with_knobs().hash == arch.hash

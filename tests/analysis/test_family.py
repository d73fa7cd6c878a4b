"""Figures in closed form, against those of the same candidates elaborated one by one."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_proof import FAILS, HOLDS, KNOBS, STATEMENTS, assignments, by_itself, first_mistake

import archdsl
from archdsl import ArchError, Spec
from archdsl.analysis import family
from archdsl.analysis.figures import Figures, figures
from archdsl.analysis.sample import some
from archdsl.analysis.solve import FigureCost, Solver
from archdsl.files import builtin_names
from archdsl.settings import read_settings


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed form is worked out for small regions too."""
    monkeypatch.setattr(family, "SMALL", 1)


def elaborated(spec: Spec, knobs: dict[str, Any]) -> Figures:
    return figures(spec.candidate(knobs).network)


def in_closed_form(spec: Spec, knobs: dict[str, Any]) -> Figures | None:
    return spec.families.figures(read_settings(spec.program, knobs), None)


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_specs(name: str, at_once: None) -> None:
    spec = archdsl.read(name)
    asked = list(some([k for k in spec.knobs.values() if k.domain is not None], 24))
    known = 0
    for knobs in asked:
        found = in_closed_form(spec, knobs)
        if found is not None:
            known += 1
            assert found == elaborated(spec, knobs), knobs
    assert known == 0 if name in WITHOUT else known >= SELDOM.get(name, 4)


WITHOUT = (  # no numeric knob, or all that is counted changes with each of its values
    *("alexnet", "deeplab_v3", "googlenet", "inception_v3", "nin", "preresnet_cifar", "regnet"),
    *("resnext", "resnext_cifar", "squeezenet", "vgg", "zfnet"),
)

SELDOM = {"hardnet": 1}  # each layer rounds its channels in its own way


def agrees(text: str) -> int:
    """Every candidate has the figures, and the mistake, that it has by itself; how many of them
    had their figures in closed form."""
    spec = archdsl.parse(text)
    known = 0
    for knobs in assignments(spec):
        found = in_closed_form(spec, knobs)
        if found is not None:
            known += 1
            assert found == figures(by_itself(text, knobs).network), knobs
        elif (wrong := first_mistake(text, knobs)) is not None:
            with pytest.raises(ArchError) as error:
                spec.candidate(knobs, first_only=True)
            assert str(error.value.diagnostics[0]) == str(wrong)
    return known


BODIES = HOLDS | {name: body for name, (body, _) in FAILS.items()}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_each_kind_of_body(body: str, at_once: None, request: pytest.FixtureRequest) -> None:
    known = agrees(f"{KNOBS}{body}\n")
    assert (known == 0) == (request.node.callspec.id in NOT_ONE)


NOT_ONE = ("a sum", "deep inside")  # each candidate that is a network is a region of its own


def test_random_bodies() -> None:
    known = 0

    @settings(max_examples=40)
    @given(st.lists(STATEMENTS, min_size=1, max_size=3))
    def each(statements: list[str]) -> None:
        nonlocal known
        known += of_random(statements)

    each()
    assert known > 100, "the closed forms were hardly used"


def of_random(statements: list[str]) -> int:
    text = (
        'arch net(a = 4 in 1..6, b = 8 in 2..12 step 2, c = 1 in {1, 2}, m = "x" in {"x", "y"}, '
        "on = true in {true, false})\ninput 12x16x16\n" + "\n".join(statements) + "\nrelu\n"
    )
    try:
        archdsl.parse(text)
    except ArchError:
        return 0
    before, family.SMALL = family.SMALL, 1
    try:
        return agrees(text)
    finally:
        family.SMALL = before


def test_a_closed_form_has_what_is_rounded_in_it() -> None:
    """Whatever 16, 32 and 64 times a width in steps of 1/64 round to."""
    spec = archdsl.read("wide_resnet")
    runs = elaborations(spec)
    for k in range(66, 92):
        said = spec.figures_known({"depth": 16, "width": Fraction(k, 64)})
        assert said == archdsl.load("wide_resnet", depth=16, width=Fraction(k, 64)).figures
    assert len(runs) == 3  # the whole space, a depth, the widths that make more than 16 channels


def test_a_closed_form_is_worked_out_when_it_pays() -> None:
    """Of few candidates, each is elaborated."""
    spec = archdsl.parse("arch net(w = 8 in 1..32)\ninput 3x8x8\nconv(w if w < 9 else 9, 3)\n")
    assert [spec.figures_known({"w": w}) is not None for w in (3, 20)] == [True, True]
    spec = archdsl.parse("arch net(w = 4 in 1..7)\ninput 3x8x8\nconv(w, 3)\n")
    assert spec.figures_known({"w": 3}) is None


def test_many_widths_take_few_runs() -> None:
    spec = archdsl.read("wide_resnet")
    runs = elaborations(spec)
    widths = [1 + i / 8 for i in range(40)]
    found = [spec.figures_known({"depth": 16, "width": w}) for w in widths]
    known = {w: f for w, f in zip(widths, found, strict=True) if f is not None}
    assert len(known) > 25 and len(runs) < 25
    for w, said in known.items():
        assert said == archdsl.load("wide_resnet", depth=16, width=w).figures
    runs.clear()
    last = spec.figures_known({"depth": 16, "width": 5.125})
    assert last is not None and (last.macs, runs) == (640_449_744, [])


def test_a_solver_asks_closed_forms_and_makes_one_network() -> None:
    spec = archdsl.parse("arch net(w = 8 in 1..512)\ninput 3x8x8\nconv(w, 3) -> conv(2 * w, 1)\n")
    solver = Solver(spec, ["w"], FigureCost("params"))
    assert solver.solve({}, 10_000) is not None
    runs = elaborations(spec)
    found = solver.solve({}, 28 * 100 + 200 * 101)
    assert found is not None and (found.knobs, found.off, runs) == ({"w": 100}, 0, [])
    assert found.arch.params == 23_000 and len(runs) == 1


def elaborations(spec: Spec) -> list[Any]:
    """Counts how often a spec is elaborated from here on."""
    runs: list[Any] = []
    plain = spec.program.elaborate

    def counted(values: Any, *rest: Any) -> Any:
        runs.append(values)
        return plain(values, *rest)

    spec.program.elaborate = counted  # type: ignore[method-assign]
    return runs


def test_what_a_closed_form_is_not_for(at_once: None) -> None:
    """Choices inside bodies, budgets, and layers of a user's: these are elaborated."""
    choosing = "choose { conv(w, 1); conv(w, 3) }"
    for body in (choosing, "require params <= 10K\nconv(w, 1)"):
        spec = archdsl.parse(f"arch net(w = 8 in 4..16)\ninput 3x8x8\n{body}\n")
        assert in_closed_form(spec, {"w": 9}) is None
    with pytest.raises(ArchError, match="params"):
        archdsl.parse(
            "arch net(w = 8 in 4..16)\ninput 3x8x8\nrequire params <= 50\nconv(w, 1)\n"
        ).with_knobs(w=16)


def test_a_value_between_the_places_of_a_grid(at_once: None) -> None:
    """A float that is a rounding off the grid means the value there; an exact number does not."""
    spec = archdsl.parse("arch net(w = 1 in 0..4 step 0.1)\ninput 3x8x8\nconv(round(w * 10), 1)\n")
    assert in_closed_form(spec, {"w": 1.2}) is not None
    assert spec.with_knobs(w=1.2000000000001).knobs["w"] == Fraction(6, 5)
    for text in ("1.2000000000001", Fraction(12000000000001, 10**13), 1.21):
        with pytest.raises(ArchError) as caught:
            spec.with_knobs(w=text)
        assert caught.value.diagnostics[0].code == "A503"


def test_domains_of_one_value(at_once: None) -> None:
    spec = archdsl.parse(
        "arch net(a = 4 in 4..4, b = 0.5 in 0.5..0.5, w = 8 in 4..16)\n"
        "input 3x8x8\ndropout(b) -> conv(a * w, 1)\n"
    )
    found = in_closed_form(spec, {"a": 4, "b": 0.5, "w": 9})
    assert found is not None and found == elaborated(spec, {"w": 9})


def test_a_cost_of_a_high_power_has_no_closed_form_in_its_knob() -> None:
    """Of a fifth power of a place in the domain, which is a polynomial itself."""
    text = "arch net(a = 4 in 1..60)\ninput 12x8x8\nrepeat 3 { conv(in.channels * a, 1) }\n"
    spec = archdsl.parse(text)
    assert spec.families.closed_form({"a": 4}, "a", None) is None
    assert spec.figures_known({"a": 4}) in (None, spec.with_knobs(a=4).figures)


def test_figures_of_a_candidate_that_is_asked_for() -> None:
    """In closed form or elaborated, the numbers are those of its network."""
    spec = archdsl.parse(
        "arch net(w = 8 in 1..4000, deep = 1 in {1, 2})\ninput 3x8x8\n"
        "require w != 77\nrepeat deep { conv(w, 3) -> relu }\nglobal_avgpool -> linear(10)\n"
    )
    spec.figures(w=5)
    spec.figures(w=600)
    runs = elaborations(spec)
    for width in (6, 76, 78, 601, 3999):
        found = spec.figures(w=width)
        # a filter, a bias and ten weights for each channel; ten biases
        assert (found.params, found.macs) == (width * (27 + 1 + 10) + 10, width * (27 * 64 + 10))
    assert not runs
    for knobs in ({"w": 6}, {"w": 9, "deep": 2}, {}, {"w": 4, "input": (1, 8, 8)}):
        assert spec.figures(**knobs) == spec.with_knobs(**knobs).figures
    with pytest.raises(ArchError, match="w != 77"):
        spec.figures(w=77)
    with pytest.raises(ArchError, match="`w = 4001` is outside its domain"):
        spec.figures(w=4001)


def test_figures_of_a_choice_are_those_of_its_network() -> None:
    text = "arch net\ninput 3x8x8\nconv(4, 3)\nchoose { relu: relu; act: prelu }\n"
    spec = archdsl.parse(text)
    path = next(iter(spec.with_knobs().knobs))
    chosen = {path: "act"}
    assert spec.figures(**chosen) == spec.with_knobs(**chosen).figures

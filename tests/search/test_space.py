"""The shapes of a search: what is asked of whoever decides, and what never is."""

from collections.abc import Mapping
from typing import Any

import pytest
from searches import TINY, space

from archdsl import ArchError
from archdsl.analysis.shapes import ANY, Unreachable, Varied
from archdsl.diagnostics.source import Source, Span
from archdsl.elaborate.knobs import Domain
from archdsl.elaborate.work import FIT_WORK, MAX_STEPS, Work
from archdsl.search.combinations import check_short
from archdsl.search.reach import Reach, survey
from archdsl.search.space import Space

MANY = """arch many(
  kind = "a" in {"a", "b"},
  act = relu in {relu, silu},
  groups = 2 in {1, 2, 4},
  width = 8 in 4..16 step 4,
  unused = 1 in 1..9,
  classes = 10
)
require width != 12, "twelve is unlucky"
input 1x8x8
conv(width, 3)
match kind {
  "a" => relu
  "b" => act
}
repeat 2 { choose mix { plain: conv(width, 3); split: conv(width, 3, groups = groups) } }
global_avgpool -> linear(classes)
"""


def asked(found: Space, values: Mapping[str, Any]) -> list[str]:
    """The names that are asked for, in their order, where these values are what is answered."""
    names: list[str] = []

    def suggest(name: str, domain: Domain) -> Any:
        names.append(name)
        value = values.get(name, domain.at(0))
        assert value in domain
        return value

    found.shape(suggest)
    return names


def listed(statements: str, spec: str = MANY) -> list[str]:
    found = space(statements, spec).shapes()
    assert found is not None
    return [shape.text for shape in found]


# ------------------------------------------------------------------------ what is listed


def test_shapes_are_in_the_order_of_their_domains() -> None:
    assert listed("vary depth in {4, 1}, width in {8, 16}\n", TINY) == [
        "depth = 4, width = 8",
        "depth = 4, width = 16",
        "depth = 1, width = 8",
        "depth = 1, width = 16",
    ]


def test_a_single_value_is_set_and_not_asked_for() -> None:
    found = space("vary depth in {5}, width in {8, 16}\n", TINY)
    assert listed("vary depth in {5}, width in {8, 16}\n", TINY) == ["width = 8", "width = 16"]
    assert asked(found, {}) == ["width"]
    (reach,) = survey(found)
    assert reach.candidates is not None
    assert {c.knobs["depth"] for c in reach.candidates} == {"5"}


def test_more_shapes_than_can_be_listed() -> None:
    endless = TINY.replace("arch tiny(", "arch tiny(drop = 0.5 in 0.1..0.9, ") + "dropout(drop)\n"
    assert space("vary drop\n", endless).shapes() is None
    assert space("vary depth, width\n", TINY).tree.shapes(limit=100) is None
    many = space("vary depth, width\n", TINY).tree.shapes(limit=512)
    assert many is not None and len(many) == 512


# ------------------------------------------------------------- what changes the network


def test_a_knob_without_effect_is_never_asked_for() -> None:
    found = space("vary unused, act, width\n", MANY)
    assert asked(found, {}) == ["width"]  # `act` is for the kind "b"
    assert listed("vary unused, width in {4, 8}\n") == ["width = 4", "width = 8"]


def test_a_knob_is_asked_for_where_another_brings_it_to_life() -> None:
    text = "vary kind, act\n"
    assert listed(text) == ['kind = "a"', 'kind = "b", act = relu', 'kind = "b", act = silu']
    assert asked(space(text, MANY), {"kind": "a"}) == ["kind"]
    assert asked(space(text, MANY), {"kind": "b"}) == ["kind", "act"]


RULED = """arch ruled(
  growth = 4 in {4, 8, 12},
  pattern = "dense" in {"dense", "plain"},
  classes = 10
)
input 1x8x8
match pattern {
  "dense" => conv(growth, 3)
  "plain" => conv(8, 3)
}
global_avgpool -> linear(classes)
"""


def test_the_knob_that_rules_another_is_decided_first() -> None:
    """`growth` stands first, and is dead where the pattern is plain. The pattern is dead where
    the growth is 8, by accident: one value of three, and not one of two."""
    text = "vary growth, pattern\n"
    assert asked(space(text, RULED), {"pattern": "plain"}) == ["pattern"]
    assert asked(space(text, RULED), {"pattern": "dense"}) == ["pattern", "growth"]
    assert listed(text, RULED) == [
        'growth = 4, pattern = "dense"',
        'growth = 8, pattern = "dense"',
        'growth = 12, pattern = "dense"',
        'pattern = "plain"',
    ]


def test_what_only_some_values_change() -> None:
    """The ends and the middle of 1..9 are odd: all values are looked at."""
    spec = "arch a(n = 1 in 1..9, classes = 10)\ninput 1x8x8\n"
    spec += "conv(8 if n % 2 == 1 else 4, 3) -> linear(classes)\n"
    assert len(listed("vary n\n", spec)) == 9
    (reach,) = survey(space("vary n\n", spec))
    assert reach.candidates is not None
    assert [c.shape.text for c in reach.candidates] == ["n = 1", "n = 2"], "equal graphs once"


# ------------------------------------------------------------------ choices inside bodies


def test_choices_are_asked_for_one_by_one_by_their_paths() -> None:
    assert listed("vary mix\n") == [
        "mix1 = plain, mix2 = plain",
        "mix1 = plain, mix2 = split",
        "mix1 = split, mix2 = plain",
        "mix1 = split, mix2 = split",
    ]
    assert listed("vary mix2\n") == ["mix2 = plain", "mix2 = split"]
    assert listed("vary mix, mix2 in {plain}\n") == [
        "mix1 = plain, mix2 = plain",
        "mix1 = split, mix2 = plain",
    ]


def test_a_choice_brings_a_knob_to_life() -> None:
    text = "vary groups, mix\n"
    assert asked(space(text, MANY), {"mix1": "plain", "mix2": "plain"}) == ["mix1", "mix2"]
    names = asked(space(text, MANY), {"mix1": "plain", "mix2": "split"})
    assert names == ["mix1", "mix2", "groups"]


NESTED = """arch nested(classes = 10)
input 1x8x8
choose outer {
  plain: conv(8, 3)
  deep: { choose inner { narrow: conv(4, 3); wide: conv(16, 3) } -> relu }
}
global_avgpool -> linear(classes)
"""


def test_a_choice_within_an_option_is_asked_for_where_it_stands() -> None:
    found = space("vary outer, inner\n", NESTED)
    assert asked(found, {"outer": "plain"}) == ["outer"]
    names = asked(found, {"outer": "deep"})
    assert len(names) == 2 and names[0] == "outer" and names[1].endswith("inner")
    assert len(listed("vary outer, inner\n", NESTED)) == 3


def test_a_choice_that_is_not_varied_stays_as_it_is() -> None:
    assert listed("vary width in {4, 8}\n") == ["width = 4", "width = 8"]
    fixed = MANY + "fix mix1 = split\n"
    (first, *_) = survey(space("vary mix2\n", fixed))[0].candidates or ()
    assert (first.knobs["mix1"], first.knobs["mix2"]) == ("split", "plain")


PATHS = "mix mix2 stage1.mix3 stage1.mix stage2.mix a.stage.mix4 remix x.mixes stages.mix5a".split()


@pytest.mark.parametrize(
    ("path", "means"),
    [
        ("mix", ["mix", "mix2", "stage1.mix3", "stage1.mix", "stage2.mix", "a.stage.mix4"]),
        ("mix2", ["mix2"]),
        ("stage.mix", ["stage1.mix3", "stage1.mix", "stage2.mix", "a.stage.mix4"]),
        ("stage1.mix", ["stage1.mix3", "stage1.mix"]),
        ("stage1.mix3", ["stage1.mix3"]),
    ],
)
def test_which_choices_a_path_means(path: str, means: list[str]) -> None:
    varied = Varied(path, ANY, Span(Source("", ""), 0, 0))
    assert [p for p in PATHS if varied.names(p)] == means


# ----------------------------------------------------------------------- requirements


def test_what_a_requirement_rules_out_costs_no_trial() -> None:
    (reach,) = survey(space("vary width\n", MANY))
    assert reach.candidates is not None
    assert [c.shape.text for c in reach.candidates] == ["width = 4", "width = 8", "width = 16"]
    ((shape, problem),) = reach.missed
    assert shape.text == "width = 12"
    assert problem.error.diagnostics[0].code == "A501"


def test_a_requirement_of_the_budget_does_so_too() -> None:
    spec = TINY + "require params <= 2K\n"
    (reach,) = survey(space("vary width in {4, 8, 64}\n", spec))
    assert reach.candidates is not None
    assert [c.shape.text for c in reach.candidates] == ["width = 4", "width = 8"]


def test_a_requirement_holds_for_what_is_solved() -> None:
    spec = TINY + "require width % 4 == 0\n"
    (reach,) = survey(space("vary depth\nhold params = 6K within 10% by width\n", spec))
    assert reach.candidates is not None and len(reach.candidates) == 2
    assert all(int(c.knobs["width"]) % 4 == 0 for c in reach.candidates)


def test_a_requirement_of_a_choice_is_met_by_drawing_again() -> None:
    spec = MANY + 'require kind == "a" or act == silu\n'
    found = space("vary kind, act\n", spec)
    texts = [shape.text for shape in found.shapes() or ()]
    (reach,) = survey(found)
    assert reach.candidates is not None
    kept = [c.shape.text for c in reach.candidates]
    assert kept and set(kept) < set(texts)
    lost = {"kind": "b", "act": found.tree.header[1].domain.enumerate()[0]}
    shape = found.shape(lambda name, domain: lost[name])
    with pytest.raises(Unreachable):
        found.candidate(shape, found.slices[0])


def test_where_nothing_is_left() -> None:
    with pytest.raises(ArchError) as caught:
        survey(space("vary width in {12}\n", MANY))
    assert [d.code for d in caught.value.diagnostics] == ["A501"]


def test_a_shape_that_is_no_network_is_a_mistake_and_not_left_out() -> None:
    spec = MANY.replace("{1, 2, 4}", "{2, 3}")
    with pytest.raises(ArchError) as caught:
        survey(space("vary groups, mix in {split}\n", spec))
    assert [d.code for d in caught.value.diagnostics] == ["A209"]
    assert caught.value.diagnostics[0].knobs["groups"] == "3"


def test_slices_are_skipped_where_the_work_ends() -> None:
    """What a command may do with a spec bounds what it says of a search, not what a search has."""
    budgets = ", ".join(f"{n}K" for n in range(30, 60))
    text = f"vary depth in {{1, 2, 3}}\nhold macs = {{{budgets}}} within 50% by width\ntrials 90\n"
    whole = survey(space(text, TINY))
    assert not any(reach.is_skipped for reach in whole)
    found = space(text, TINY)
    program = found.search.spec.program
    program.work = program.compiler.work = Work(MAX_STEPS + 60_000)
    reaches = survey(found)
    skipped = [reach.is_skipped for reach in reaches]
    assert skipped == sorted(skipped) and 1 <= sum(skipped) < 30
    for known, reach in zip(whole, reaches, strict=True):
        assert reach.candidates is None if reach.is_skipped else reach.candidates is not None
        if not reach.is_skipped:
            assert [c.shape for c in reach.candidates or ()] == [
                c.shape for c in known.candidates or ()
            ]


LONG = """arch long(width = 8 in 4..2000, depth = 2 in 1..6)
input 1x8x8
fn f(n) = sum([i * width % 7 for i in 1..n])
let n = sum([f(2000) for k in 1..6])
conv(width + n * 0, 3)
repeat depth { conv(in.channels, 3) -> relu }
global_avgpool -> linear(10)
"""


def test_a_budget_is_not_out_of_reach_because_the_work_has_ended() -> None:
    text = "vary depth in {1, 2, 3}\nhold macs = {1M, 2M} within 5% by width\ntrials 90\n"
    found = space(text, LONG)
    program = found.search.spec.program
    program.work = program.compiler.work = Work(FIT_WORK)
    assert [reach.is_skipped for reach in survey(found)] == [True, True]


def test_a_slice_that_is_skipped_is_not_one_of_endless_shapes() -> None:
    text = "hold macs = {40K} within 50% by width\nvary depth in {1, 2, 3}\ntrain epochs = 5\n"
    text += "explore epochs = 2\ntune lr in 0.02..0.3 log\nseeds 0 then 3\ntrials 90\n"
    found = space(text, TINY)
    check_short(found.search, [Reach(found.slices[0], None, is_skipped=True)])
    with pytest.raises(ArchError, match="more shapes than are listed"):
        check_short(found.search, [Reach(found.slices[0], None)])


def test_a_spec_that_always_fails_is_told_though_the_work_has_ended() -> None:
    fails = LONG.replace("1..n])", "1..n]) + sum([1 / (i - i) for i in 1..2])")
    text = "vary depth in {1, 2, 3}\nhold macs = {1M, 2M} within 5% by width\ntrials 90\n"
    long = LONG.replace("k in 1..6", "k in 1..90")
    for spec in (fails, long):
        found = space(text, spec)
        program = found.search.spec.program
        program.work = program.compiler.work = Work(FIT_WORK)
        with pytest.raises(ArchError, match="gives an error"):
            survey(found)

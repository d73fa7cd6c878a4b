"""Work is counted where it is done: what is run is weighed once, and spent each time, the same with
and without memory; one limit holds for a candidate, and one for all that a command does."""

from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from program_texts import spec_texts

import archdsl
from archdsl import ArchError
from archdsl.analysis.space import prove
from archdsl.diagnostics.source import Source
from archdsl.elaborate.program import Elaborated
from archdsl.elaborate.work import MAX_PIECES, MAX_STEPS, MAX_WORK, Work
from archdsl.files import Library, builtin_names
from archdsl.registry import REGISTRY
from archdsl.spec import Spec

HEAD = "arch net(width = 8 in 1..64)\ninput 3x8x8\n"

# What one turn of a loop does, and of how many pieces it is.
PIECES = {
    "comparisons": ("let b = " + " <= ".join(["i"] * 40), 40),
    "sums": ("let b = " + " + ".join(["i"] * 40), 79),
    "arms of a match": ("let b = match i { " + "0 => 1; " * 40 + "_ => 0 }", 80),
    "arms of a match of layers": ("match i { " + "0 => bn; " * 40 + "_ => identity }", 80),
    "lets": ("; ".join(f"let a{n} = i" for n in range(40)), 80),
    "else-ifs": ("if i == 0 { } " + "else if i == 0 { } " * 40, 80),
    "identities": ("; ".join(["identity"] * 40), 40),
    "requirements": ("; ".join(["require i > 0"] * 40), 80),
    "items": ("let b = [" + ", ".join(["i"] * 40) + "]", 40),
    "an item of each": ("let b = [i + j + k for j in 1..4 for k in 1..5]", 20 * 5),
    "conditions": ("let b = [1 for j in 1..20 if j > 20 and j > 30]", 20 * 5),
    "functions": ("let b = [f(i) for j in 1..10]", 10 * 6),
    "layers that are passed on": ("let b = identity -> identity\n" + "b\n" * 20, 20 * 2),
    "loops": ("for j in 1..10 { let b = i + j }", 10 * 4),
    "repeats": ("repeat 10 as j { let b = i + j }", 10 * 4),
    "branches": ("branch add { " + "identity; " * 10 + "}", 10 * 2),
    "labels": ("; ".join(f"l{n}: identity" for n in range(20)), 20 * 2),
    "blocks": ("; ".join(["none(i)"] * 10), 10 * 20),
    "defaults": ("; ".join(["given"] * 10), 10 * 40),
    "fractions": ("let b = " + " + ".join(["(1 / 3)"] * 10), 10 * 5),
    "large fractions": ("let b = " + " * ".join(["((10 ^ 60 + 1) / 10 ^ 59)"] * 2), 30),
}
MORE = (
    "fn f(n) = n + n + n\nblock none(n) { identity }\n"
    "block given(n = 1) { identity }\ndefault given(n = " + " + ".join(["1"] * 20) + ")\n"
)


def elaborated(spec: Spec, **knobs: Any) -> Elaborated:
    return spec.program.elaborate(knobs, lambda path, options, span: 0)


def code(make: Any) -> str:
    """The code of the first mistake; nothing where there is none."""
    try:
        make()
    except ArchError as error:
        return error.diagnostics[0].code
    return ""


@pytest.mark.parametrize(("turn", "pieces"), PIECES.values(), ids=PIECES.keys())
def test_every_turn_costs_what_is_in_it(turn: str, pieces: int) -> None:

    def spec(turns: int) -> Spec:
        return archdsl.parse(f"{HEAD}{MORE}for i in 1..{turns} {{\n{turn}\n}}\nrelu\n")

    work = [elaborated(spec(n)).work for n in (10, 20, 40)]
    each = (work[1] - work[0]) / 10
    assert each == (work[2] - work[1]) / 20, "all turns cost alike"
    assert pieces <= each <= 8 * pieces
    assert code(spec(MAX_STEPS // pieces).with_knobs) == "A401"


REMEMBERED = {
    "a block": "block b(c) { conv(c, 1) -> bn }\nfor i in 1..9 { b(i % 3 + 1) }",
    "other shapes": "block b { bn -> relu }\nfor i in 1..9 { conv(i, 1) -> b }",
    "blocks within blocks": "block a(c) { for i in 1..c { let x = i } ; conv(c, 1) }\n"
    "block b(c) { repeat 3 { a(c) } }\nfor i in 1..9 { b(i % 3 + 1) }",
    "a list": "block b(xs) { for x in xs { conv(x, 1) } }\nrepeat 5 { b([3, width, 3]) }",
    "a layer": "block b(f) { f -> f }\nrepeat 5 { b(conv(3, 1) -> relu) }",
    "nothing": "block b(c) { let x = [y for y in 1..c] }\nfor i in 1..9 { b(i) }\nrelu",
}


class Forgetful(dict[Any, Any]):
    """Keeps nothing."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


@pytest.mark.parametrize("body", REMEMBERED.values(), ids=REMEMBERED.keys())
def test_what_is_remembered_costs_what_it_cost_to_make(body: str) -> None:
    spec, forgetful = (archdsl.parse(f"{HEAD}{body}\n") for _ in range(2))
    forgetful.program.memo = Forgetful()
    work = {elaborated(s).work for s in (spec, spec, forgetful, forgetful)}
    assert len(work) == 1
    other = {elaborated(s, width=5).work for s in (forgetful, spec)}
    assert len(other) == 1


def test_what_is_refused_first_is_refused_again() -> None:
    body = "for i in 1..60 { let x = [y for y in 1..MANY] }; conv(c, 1)"
    text = f"{HEAD}block b(c) {{ {body} }}\nfor i in 1..12 {{ b(i) }}\nconv(width, 1)\n"
    large, small = (archdsl.parse(text.replace("MANY", n)) for n in ("400", "40"))
    assert [code(large.with_knobs) for _ in range(3)] == ["A401"] * 3
    assert [code(small.with_knobs) for _ in range(3)] == [""] * 3


@settings(max_examples=60)
@given(spec_texts(fuel=25))
def test_no_text_takes_more_than_its_limit(text: str) -> None:
    """With the work that it takes it is what it was, and with one step less it is refused."""
    try:
        spec = archdsl.parse(text)
        work = elaborated(spec).work
    except ArchError:
        return
    assert work <= MAX_STEPS
    for limit, expected in ((work, ""), (work - 1, "A401")):
        spec.program.work = Work(limit)
        assert code(lambda: elaborated(spec)) == expected


# ---------------------------------------------------------------------------- one command


def test_all_that_a_command_does_with_a_text_is_counted_together() -> None:
    """Two hundred variants, each within its limit, are more than a command does."""
    variants = "\n".join(f"variant v{n}(width = {n % 64 + 1})" for n in range(200))
    loop = "for i in 1..2000 { let a = i + width }\n"
    text = f"{HEAD}{variants}\n{loop}conv(width, 1)\n"
    alone = archdsl.parse(text)
    assert all(code(lambda v=v: alone.variant(v)) == "" for v in alone.variants)
    work = Work()
    spec = Spec(Source("text", text), Library(None), REGISTRY, work)
    found = [code(lambda v=v: spec.variant(v).network) for v in spec.variants]
    assert found[0] == "" and found[-1] == "A401" and work.left < 20_000
    assert found == sorted(found)


CONSTANTS = {
    "domains": ("arch net(", "k{n} = 1 in {{1, sum([i for i in 1..3000])}}, ", "w = 1)\n"),
    "facts": ("arch net\n", "variant v{n} {{ d(top1 = {long}) }}\n", ""),
    "defaults of knobs": ("arch net(", "k{n} = sum([i for i in 1..3000]), ", "w = 1)\n"),
}


@pytest.mark.parametrize(("before", "each", "after"), CONSTANTS.values(), ids=CONSTANTS.keys())
def test_constants_are_counted_together(before: str, each: str, after: str) -> None:
    long = "len([i for i in 1..3000]) / 10^4"
    many = "".join(each.format(n=n, long=long) for n in range(400))
    text = f"{before}{many}{after}input 3x8x8\nrelu\n"
    assert len(text) < 50_000
    assert code(lambda: archdsl.parse(text)) == "A401"


def test_a_proof_ends_with_its_share() -> None:
    """What a proof could not do for want of work is no counterexample."""
    loop = "for i in 1..1000 { let a = i + width }\nconv(width, 1)\nlet b = 1 / (width % 61 + 1)\n"
    text = f"{HEAD}{loop}"
    whole = prove(archdsl.parse(text).program)
    assert whole.holds and whole.complete
    program = archdsl.parse(text).program
    program.work = work = Work(100_000)
    proof = prove(program, most=100_000)
    assert proof.holds and not proof.complete and 0 < proof.covered < 64
    assert work.left == 100_000, "what candidates may take is not less for it"
    assert program.work is work
    elaborated(Spec(Source("text", text), Library(None), REGISTRY, work))


def test_defaults_are_counted_where_they_are_put_in() -> None:
    """A default of two others each, and so on: twice as many pieces each time."""
    blocks = "".join(f"block b{n}(f = relu, g = relu) {{ f -> g }}\n" for n in range(40))
    twice = "".join(f"default b{n}(f = b{n - 1}, g = b{n - 1})\n" for n in range(1, 40))
    assert code(lambda: archdsl.parse(f"{HEAD}{blocks}{twice}b39\n")) == "A401"
    long = " + ".join(["1"] * 60)
    many = "\n".join(["conv(3)"] * 2000)
    text = f"{HEAD}default conv(kernel = {long})\n{many}\n"
    assert code(lambda: archdsl.parse(text)) == "A401"


def test_a_chain_of_defaults_ends() -> None:
    blocks = "".join(f"block b{n}(f = relu) {{ f }}\n" for n in range(400))
    chain = "".join(f"default b{n}(f = b{n + 1})\n" for n in range(399))
    assert code(lambda: archdsl.parse(f"{HEAD}{blocks}{chain}b0\n")) in ("A401", "A403")


# ------------------------------------------------------------------------- what is real


@pytest.mark.parametrize("name", builtin_names())
def test_what_was_published_is_far_from_the_limits(name: str) -> None:
    """A stochastic depth of 1202 layers, all different, takes a quarter; no other takes a tenth."""
    spec = archdsl.read(name, work=Work(inf))
    pieces = spec.program.compiler.weigher.total
    most = max(elaborated(spec, **v.knobs).work for v in [*spec.variants.values(), Default])
    assert most < MAX_STEPS * (0.25 if name == "stochastic_depth" else 0.1)
    assert pieces < MAX_PIECES / 30


class Default:
    """The knobs at their defaults."""

    knobs: dict[str, Any] = {}


@pytest.mark.parametrize("name", ["resnet", "fractalnet", "wide_resnet", "densenet"])
def test_the_variants_of_a_spec_take_less_than_a_quarter(name: str) -> None:
    work = Work()
    spec = archdsl.read(name, work=work)
    for variant in spec.variants:
        assert spec.variant(variant).params > 0
    assert MAX_WORK - work.left < MAX_WORK / 4


# The spaces that are covered in part: the least of the assignments that are.
IN_PART = {
    "efficientnet": 20_000,
    "regnet": 60_000,
    "stochastic_depth": 60,
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in IN_PART else n for n in builtin_names()],
)
def test_spaces_of_published_networks_are_proved_whole(name: str) -> None:
    proof = prove(archdsl.read(name).program)
    assert proof.holds and proof.complete == (name not in IN_PART)
    assert proof.covered >= IN_PART.get(name, 1)


@pytest.mark.slow
def test_who_asks_for_more_has_it_proved_whole() -> None:
    proof = prove(archdsl.read("efficientnet").program, limit=8_000)
    assert proof.holds and proof.complete


@pytest.mark.parametrize("name", sorted(IN_PART))
def test_what_a_few_runs_reach_of_a_large_space_are_networks(name: str) -> None:
    proof = prove(archdsl.read(name).program, limit=12, most=1_000_000)
    assert proof.holds, proof.counterexample

"""Random specs, and whether all that is said of them agrees.

Run: python tests/analysis/brute_force.py --seed 1 --count 10000

Of each spec four things are compared: candidates elaborated with what was remembered of others
against candidates elaborated with no memory at all; the proof of the space against every candidate
by itself; closed forms against figures; and, of every ``BUILT``-th spec, figures against the
module that is built on the meta device. A spec on which two of them differ is printed, with its
seed: ``--seed`` of it and ``--count 1`` repeat it.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import archdsl
from archdsl import ArchError, Spec
from archdsl.analysis import family
from archdsl.analysis.space import LIMIT, prove
from archdsl.diagnostics import codes
from archdsl.elaborate.machine import Machine
from archdsl.ir.network import Op
from archdsl.layers.polynomial import Polynomial

BUILT = 25
HEADS = (
    "a = 2 in 1..6, w = 0 in {0, 1}",
    "a = 4 in 1..12, b = 4 in 2..8 step 2",
    "b = 8 in 2..12 step 2, c = 1 in {1, 2, exp(0)}",
    'a = 2 in 1..4, m = "x" in {"x", "y"}, on = true in {true, false}',
    "r = 0.5 in 0..1 step 0.25, a = 3 in 1..5",
    "w = 0 in {0, 1}, c = 2 in {1, 2, 3}, a = 1 in 1..3",
    "r = 1 in 0.5..1.5 step 0.05, a = 2 in 1..3",
    "r = 0.5 in {0.5, 1.5, 1/3, 2}, a = 4 in 1..9",
    "c = 2 in {sqrt(2), exp(1), log(8, 2), 2}, a = 8 in 2..16 step 2",
)


PAIRS = (  # what takes two tensors and gives two
    "pair(4)",
    "pair(in.tensors[1].channels)",
    "pair(4 if k > 2 else 8)",
    "[x -> conv(4, 3) for x in in.tensors]",
    "[in.tensors[2], in.tensors[1] -> relu]",
    "pair(4); pair(8)",
)
ENDS = (
    "branch concat { for x in in.tensors { x } }",
    "in.tensors[2] -> relu",
    "let (p, q) = in.tensors\nbranch concat { q; p -> conv(4, 1) }",
)


class Writer:
    """Writes one spec, all of it drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.head = self.rng.choice(HEADS)
        words = (part.split(" = ")[0].strip() for part in self.head.split(", "))
        self.numbers = [w for w in words if w in ("a", "b", "c", "w", "r")]

    def pick(self, *texts: str) -> str:
        return self.rng.choice(texts)

    def number(self, depth: int = 2) -> str:
        """An expression that is a number, mostly a small one."""
        if depth == 0 or self.rng.random() < 0.3:
            return self.pick(*self.numbers, *self.numbers, "1", "2", "3", "4", "8", "0.5")
        x, y = self.number(depth - 1), self.number(depth - 1)
        operator = self.pick("+", "+", "-", "*", "*", "/", "//", "%")
        return self.pick(
            f"({x} {operator} {y})",
            f"({x} {operator} {y})",
            f"floor({x})",
            f"ceil({x})",
            f"round({x})",
            f"max({x}, {y})",
            f"abs({x})",
            self.inexact(x, y),
            self.inexact(x, y),
            self.inexact(x, y),
            f"({x} ^ 2)",
            f"({x} if {self.condition(depth - 1)} else {y})",
            f"(match {x} {{ 1 => {y}; 2..3 => 2; _ => {x} }})",
            f"[{x}, {y}][{self.pick('1', '2', x)}]",
            f"sum([i * {x} for i in 1..2])",
            f"len(unique([{x}, {y}, 1]))",
            f"half({x})",
            f"eighths({x} * 8)",
            f"min([{x}, {y}, 4])",
        )

    def inexact(self, x: str, y: str) -> str:
        """A float that follows from two numbers, often one that is a whole number but for its
        rounding."""
        return self.pick(
            f"sqrt({x} + 1)",
            f"log({x} + 2)",
            f"exp({x} / 8)",
            f"sqrt(({x}) ^ 2)",
            f"(sqrt(abs({x})) * sqrt(abs({x})))",
            f"log(2 ^ min(8, {x}), 2)",
            f"exp(log(abs({x}) + 1))",
            f"({x} * exp(0))",
            f"({x} / 3 + {y} * exp(0) / 3)",
            f"round(10 * log(abs({x}) + 1)) / 10",
        )

    def condition(self, depth: int = 1) -> str:
        x, y = self.number(depth), self.number(depth)
        return self.pick(
            *(f"{x} {symbol} {y}" for symbol in ("==", "!=", "<", "<=", ">", ">=")),
            f"{x} * log(2) >= log({self.pick('2', '8', '32')})",
            f"{x} >= sqrt({self.pick('2', '4', '7')}) * 2",
            f"{self.inexact(x, y)} {self.pick('==', '<', '<=', '>', '>=')} {self.inexact(y, x)}",
            f"{self.inexact(x, y)} {self.pick('==', '!=', '<=', '>')} {x}",
            f"{x} in [{y}, 2]",
            f"{x} in 1..3",
            *(["on", "not on"] if "on =" in self.head else []),
            *(['m == "x"'] if "m =" in self.head else []),
        )

    def count(self) -> str:
        """A number that is mostly a whole one above none."""
        x = self.number()
        return self.pick(x, f"max(1, floor({x}))", f"max(1, round({x}))", f"4 * max(1, ceil({x}))")

    def one(self) -> str:
        """A one, of some kind."""
        x = self.condition(0)
        return self.pick(
            "1", "exp(0)", f"(1 if {x} else exp(0))", f"(1 if {x} else true)", "log(2, 2)"
        )

    def items(self) -> str:
        return self.pick(
            f"[{self.one()}, {self.count()}]",
            f"[[{self.one()}, 2], {self.one()}][1]",
            f"[x for x in [{self.one()}, {self.one()}]]",
            f"1..2 step {self.pick('1', '2', '(1 if ' + self.condition(0) + ' else 2)')}",
        )

    def layers(self) -> str:
        return self.pick(
            f"conv({self.count()}, 3)",
            f"(conv({self.count()}, 1) -> relu)",
            f"rows({self.items()})",
            "relu",
            f"wide({self.count()})",
        )

    def statement(self, depth: int = 2) -> str:
        n = self.count()
        stride = self.pick("1", "2", self.numbers[0])
        inner = "relu" if depth == 0 else self.statement(depth - 1)
        return self.pick(
            f"conv({n}, 1)",
            f"conv({n}, 3)",
            f"conv(12, 3, stride = {n})",
            f"conv(24, 1, groups = {n})",
            f"conv({n}, 1, groups = {self.pick('2', n)})",
            f"maxpool({n})",
            f"dropout({self.number()})",
            f"rows({self.items()})",
            f"rows({self.items()})\nrows({self.items()})",
            f"wide({n})",
            f"run({self.layers()})",
            f"run({self.layers()})\nrun({self.layers()})",
            f"let f = {self.layers()}\nrun(f) -> f",
            f"repeat {n} as i {{ conv(8 if i < {self.number(1)} else 4, 1) }}",
            f"for k in {self.items()} {{ conv(4 * k, 1) }}",
            f"if {self.condition()} {{ {inner} }} else {{ conv(4, 1) }}",
            f"branch {self.pick('add', 'concat')} {{ identity; conv({n}, 1) }}",
            f"residual {{ conv({n}, 3, stride = {stride}) }}",
            f"require {self.condition()}",
            f"part: {{ {inner}; relu }}",
            f"choose {{ conv({n}, 1); conv(8, 3); maxpool(2) }}",
            "choose { relu; bn }",
            f"conv([{n}, 8][{self.one()}], 1)",
            f"dense({self.pick('2', n)}) {{ conv(4, 3) }}",
            f"[conv({n}, 1), {self.layers()}]\n{self.turns()}\n{self.pick(*ENDS)}",
            f"[conv({n}, 1), identity]\npart: {{ {self.turns()} }}\n{self.pick(*ENDS)}",
            f"conv({n}, 3) as t\n[t, t]\n{self.turns()}\n{self.pick(*ENDS)}",
            f"let s = shared {{ {self.module()} }}\nconv(4, 1)\n{self.uses()}",
            f"let s = shared {{ {self.module()} }}\nconv(4, 3)\n{self.uses()}\n{self.uses()}",
        )

    def module(self) -> str:
        """The body of a shared module: mostly one that gives four channels."""
        n = self.count()
        inner = self.pick(
            f"conv({n}, 3)", f"rows({self.items()})", "residual { relu }", f"wide({n})"
        )
        return self.pick(f"{inner} -> conv(4, 1)", f"{inner} -> bn -> conv(4, 3)", f"conv({n}, 1)")

    def uses(self) -> str:
        """Uses of the shared module `s`."""
        n = self.count()
        return self.pick(
            "s",
            "run(s)",
            "part: { s; run(s) }",
            "maxpool(2) -> s",
            "residual { s }",
            f"repeat {n} {{ s }}",
            f"repeat {n} {{ run(s) -> conv(4, 1) }}",
            f"conv({n}, 1) -> s",
            f"if {self.condition()} {{ s }} else {{ relu -> s }}",
            "branch add { s; identity; relu -> run(s) }\ns",
            "branch concat { s; identity; relu -> run(s) }\nconv(4, 1) -> s",
            f"[relu, identity]\n[x -> s for x in in.tensors]\n{self.pick(*ENDS)}",
            "let outer = shared { relu -> s }\nouter\nrun(outer)",
        )

    def turns(self) -> str:
        """A loop that carries two tensors."""
        return f"repeat {self.pick('3', self.count())} as k {{ {self.pick(*PAIRS)} }}"

    def text(self) -> str:
        lines = [
            f"arch net({self.head})",
            "input 12x16x16",
            "fn half(n) = n / 2",
            "fn nearest(v) = max(4, round(v / 4) * 4)",
            "fn eighths(v) = nearest(v) + (4 if nearest(v) < 0.9 * v else 0)",
            "block rows(xs) { for i in 1..xs[1] { conv(8, 1) }; conv(4, 1) }",
            f"block wide(n) {{ conv({self.pick('n', 'in.channels + n', '2 * n')}, 1) -> relu }}",
            "block pair(n) { let (a, b) = in.tensors\n"
            "branch concat { a -> conv(n, 3); b -> conv(4, 1) }; [b, conv(n, 1)] }",
            f"block run(f) {{ {self.pick('f', 'f -> f', 'residual { f }', 'relu -> f')} }}",
        ]
        lines += [self.statement() for _ in range(self.rng.randint(1, 4))]
        return "\n".join([*lines, "relu"]) + "\n"


@contextmanager
def no_memory() -> Iterator[None]:
    """Within it nothing is remembered, of other candidates or of the same one."""
    known = Machine.key, Machine.shared, Machine.intern
    Machine.key = lambda self, values, span: object()  # type: ignore[method-assign]
    Machine.shared = lambda self, part: part  # type: ignore[method-assign]
    Machine.intern = lambda self, layer: Op(layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Machine.key, Machine.shared, Machine.intern = known  # type: ignore[method-assign]


def seen(spec: Spec, knobs: dict[str, Any]) -> Any:
    """All that there is to see of a candidate: its nodes and figures, or its first mistake."""
    try:
        arch = spec.candidate(knobs, first_only=True)
        nodes = [(n.path, n.layer, n.inputs, n.shape, n.module) for n in arch.flat.nodes]
        return nodes, arch.figures
    except ArchError as error:
        first = error.diagnostics[0]
        place = first.span and (first.span.start, first.span.end)
        return first.kind, place, first.message


def differs(text: str, seed: int) -> str | None:
    """What does not agree of a spec; nothing where all does."""
    try:
        spec, plain = archdsl.parse(text), archdsl.parse(text)
    except ArchError:
        return None
    plain.families.able = False
    domains = {n: k.domain.enumerate() for n, k in spec.knobs.items() if k.domain is not None}
    candidates = [dict(zip(domains, found, strict=True)) for found in product(*domains.values())]
    random.Random(seed).shuffle(candidates)
    with no_memory():
        alone = [seen(plain, knobs) for knobs in candidates]
    for knobs, single in zip(candidates, alone, strict=True):
        if (found := seen(spec, knobs)) != single:
            return f"with {knobs}: remembered {found}, by itself {single}"
    return _proof(text, candidates, alone) or _closed_forms(text, candidates, alone)


def _proof(text: str, candidates: list[dict[str, Any]], alone: list[Any]) -> str | None:
    spec = archdsl.parse(text)
    proof = prove(spec.program)
    if not proof.complete:  # what is covered in part claims nothing of the rest
        proof = prove(archdsl.parse(text).program, 50 * LIMIT)
    wrong = [k for k, s in zip(candidates, alone, strict=True) if _is_wrong(s)]
    if proof.holds and proof.complete and not spec.program.has_choices:
        excluded = sum(len(s) == 3 for s in alone)
        if (proof.covered, proof.excluded) != (len(candidates), 0 if wrong else excluded):
            return f"proof covers {proof.covered} of {len(candidates)}, rules out {proof.excluded}"
    if proof.holds and proof.complete and wrong:
        return f"proof holds, but not with {wrong[0]}"
    if proof.counterexample is not None:
        try:
            spec.candidate(dict(proof.counterexample.knobs))
        except ArchError:
            return None
        return f"no counterexample: {dict(proof.counterexample.knobs)}"
    return None


def _is_wrong(found: Any) -> bool:
    return len(found) == 3 and found[0] is not codes.REQUIREMENT


def _closed_forms(text: str, candidates: list[dict[str, Any]], alone: list[Any]) -> str | None:
    spec = archdsl.parse(text)
    for knobs, single in list(zip(candidates, alone, strict=True))[:6]:
        if len(single) == 3:
            continue
        # A domain of 1 and exp(0) has one value, of which the first is taken.
        decided = dict(archdsl.parse(text).candidate(knobs, first_only=True).network.knobs)
        for name in knobs:
            form = spec.families.closed_form(decided, name, None)
            if form is None or decided[name] not in form.values:
                continue
            cost = form.params
            said = cost.at({name: decided[name]}) if isinstance(cost, Polynomial) else cost
            if said != single[1].params:
                return f"closed form of {name} with {knobs}: {said}, is {single[1].params}"
    return None


def built_differs(text: str) -> str | None:
    """Whether the figures of the first candidate are those of its module."""
    import torch

    try:
        arch = archdsl.parse(text).with_knobs()
    except ArchError:
        return None
    module = arch.build(device="meta").eval()
    params = sum(p.numel() for p in module.parameters())
    output = tuple(module(torch.empty(2, *arch.input, device="meta")).shape[1:])
    if (params, output) == (arch.params, arch.output):
        return None
    return f"said {arch.params} {arch.output}, the module has {params} {output}"


def check(seed: int, build: bool) -> str | None:
    """What is wrong with the spec of a seed, and its text; nothing where all agrees."""
    text = Writer(seed).text()
    before, family.SMALL = family.SMALL, 1
    try:
        problem = differs(text, seed) or (built_differs(text) if build else None)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    finally:
        family.SMALL = before
    return None if problem is None else f"--seed {seed} --count 1\n{text}{problem}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    problems = 0
    for seed in range(options.seed, options.seed + options.count):
        problem = check(seed, seed % BUILT == 0)
        if problem is not None:
            problems += 1
            print(problem, end="\n\n", flush=True)
    print(f"{options.count:,} specs, {problems} of which differ")
    sys.exit(problems > 0)


if __name__ == "__main__":
    main()

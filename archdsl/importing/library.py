"""Blocks of the library that ships with archdsl, in the place of modules that are equal to them:
largest modules first. Which arguments they have is found by comparing graphs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice, product
from math import prod
from typing import Any

from archdsl.diagnostics.source import Source
from archdsl.files import builtin_folder, read_text
from archdsl.importing.blocks import is_container
from archdsl.importing.known import Known, compared, known_of
from archdsl.importing.proof import pairs
from archdsl.importing.render import Renderer
from archdsl.importing.scope import BlockScope
from archdsl.importing.style import Style
from archdsl.importing.terms import ACTIVATIONS, BareName, Expansion, Term, key, lift, walk
from archdsl.ir.flat import Flat
from archdsl.syntax import tree
from archdsl.syntax.parse import parse as parse_tree

TRIALS = 48  # combinations of arguments that are tried of a block
SMALL = 6  # layers of a module that is not looked for
SURE = ("conv", "attend", "channel_shuffle", "maxpool", "layer_norm", "concat")
FREE = frozenset({"identity", "repeat", "dense", "add", "layer", "none", "mixed", "residual"})
NORMS = frozenset({"bn", "layer_norm", "group_norm", "rms_norm", "instance_norm"})
# Which arguments of the layers in a module are those of a block, by its parameter.
OF_LAYERS = {
    "kernel": ("conv", "kernel"),
    "groups": ("conv", "groups"),
    "dilation": ("conv", "dilation"),
    "pad": ("conv", "pad"),
    "heads": ("attend", "heads"),
    "parts": ("split", "parts"),
}
INSIDE = ("inner", "base", "width")
COUNTS = {"levels": range(1, 6), "n": range(1, 6)}


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the library: how it is called, and the words of its text and of the blocks in
    it; what any use of it has, beside what it is given, is ``always``."""

    known: Known
    required: frozenset[str]
    words: frozenset[str]
    always: frozenset[str]


class Given(BareName):
    """A layer that is given to a block: never what the block has when nothing is given, which a
    `default` of the spec does not reach."""

    def __repr__(self) -> str:
        return f"given {self}"


@dataclass(frozen=True, slots=True)
class Argument:
    """What a parameter may be given: as it is tried, and as it is written in the spec."""

    tried: str
    written: Any


@cache
def library() -> tuple[Block, ...]:
    """The blocks of the library, but for the gates, which are found by themselves."""
    found: list[Block] = []
    bodies: dict[str, str] = {}
    for path in sorted((builtin_folder() / "lib").glob("*.arch")):
        file = f"lib/{path.name}"
        parsed = parse_tree(Source(file, read_text(path, file)))
        for block in parsed.statements:
            if isinstance(block, tree.Block):
                own = {p.name.text for p in block.parameters}
                words = re.split(r"(\w+)", block.span.text)
                bodies[block.name.text] = "".join("given" if w in own else w for w in words)
                if path.stem != "attention":
                    found.append(_entry(file, block))
    return tuple(
        replace(one, words=_words(one.known.name, bodies), always=_always(one.known.name, bodies))
        for one in found
    )


def _entry(file: str, block: tree.Block) -> Block:
    given = {p.name.text: p.default for p in block.parameters}
    defaults: dict[str, Any] = {}
    for name, node in given.items():
        if isinstance(node, tree.Name):
            defaults[name] = BareName(node.span.text)
        elif isinstance(node, tree.Literal):
            text = node.span.text
            defaults[name] = int(text) if text.isdigit() else text
    computed = {n for n, node in given.items() if node is not None} - defaults.keys()
    if "survive" in given:
        defaults["drop"] = 0
    known = Known(block.name.text, tuple(given), defaults, frozenset(computed), file=file)
    required = frozenset(name for name, node in given.items() if node is None)
    return Block(known, required, frozenset(), frozenset())


def _words(name: str, bodies: Mapping[str, str]) -> frozenset[str]:
    """The words of a block, and of the blocks that it names."""
    found, todo = set[str](), {name}
    while todo:
        text = bodies[todo.pop()]
        new = set(re.findall(r"\w+", text)) - found
        found |= new
        todo |= {word for word in new if word in bodies}
    return frozenset(found)


def _always(name: str, bodies: Mapping[str, str]) -> frozenset[str]:
    """Layers that a block has whatever it is given, and those of the blocks that it names."""
    found, depth = set[str](), 0
    for line in bodies[name].split("\n"):
        words = re.findall(r"\w+", line)
        if depth or words[:1] in (["if"], ["else"], ["let"]):
            depth = max(depth + line.count("{") - line.count("}"), 0)
            continue
        found |= {word for word in words if word in SURE}
        for word in set(words) & bodies.keys() - {name}:
            found |= _always(word, bodies)
    return frozenset(found)


def with_library(sequence: list[Term], style: Style) -> bool:
    """Puts blocks of the library in the place of modules that are equal to them, in a sequence and
    within; says whether there were any."""
    groups: dict[str, list[Term]] = defaultdict(list)
    for term in walk(sequence):
        if term.kind == "module" and not is_container(term.op):
            groups[term.op].append(term)
    sizes = {cls: max(sum(1 for _ in walk(t.subs[0])) for t in of) for cls, of in groups.items()}
    found = False
    for cls in sorted(groups, key=lambda cls: -sizes[cls]):
        there = {id(term) for term in walk(sequence)}
        terms = _outermost([term for term in groups[cls] if id(term) in there])
        if not terms or sizes[cls] < SMALL:
            continue
        if (match := _match(terms, style)) is None:
            continue
        known, given, gates = match
        for gate in gates:
            style.blocks.setdefault(gate.name, gate)
        style.blocks[known.name] = known
        _expand(terms, given)
        for term, arguments in zip(terms, given, strict=True):
            term.kind, term.op, term.args, term.subs = "layer", known.name, arguments, []
        found = True
    return found


def _outermost(terms: list[Term]) -> list[Term]:
    """Those of some modules that are in none of the others."""
    inner = {id(t) for term in terms for t in walk(term.subs[0])}
    return [term for term in terms if id(term) not in inner]


def _expand(terms: list[Term], given: list[dict[str, Any]]) -> None:
    """Says how much wider blocks are inside than what comes in, where all of them are so many times
    as wide."""
    inner = [(one.get("inner"), term.channels) for one, term in zip(given, terms, strict=True)]
    if all(isinstance(n, int) and c and n % c == 0 for n, c in inner):
        for one, term in zip(given, terms, strict=True):
            assert term.channels is not None, "it is one of an image"
            one["inner"] = Expansion(one["inner"], term.channels)


Match = tuple[Known, list[dict[str, Any]], list[Known]]


def _match(terms: list[Term], style: Style) -> Match | None:
    """The block that all modules of a class are, what it is given in each, and what is used in
    that."""
    shaped = [term for term in terms if term.shapes is not None and len(term.shapes[0]) == 3]
    plain = all(
        t.kind not in ("output", "result", "shared", "use") and t.op not in style.blocks
        for t in walk(shaped)
        if t.kind == "layer" or not t.keep
    )
    if len(shaped) < len(terms) or not plain:
        return None
    parts = [ModuleParts(term, style) for term in terms]
    if any(part.flat is None for part in parts):
        return None
    for block in library():
        if style.blocks.get(block.known.name, block.known) is not block.known:
            continue
        if block.known.name in style.registry.layers:
            continue
        given: list[dict[str, Any]] = []
        memo: dict[Any, dict[str, Any] | None] = {}
        for part in parts:
            if part.key not in memo:
                memo[part.key] = part.arguments(block)
            if (one := memo[part.key]) is None:
                break
            drop = {"drop": part.place} if part.place and "survive" in block.known.order else {}
            given.append({**one, **drop})
        if len(given) < len(parts):
            continue
        counts = [sum(name in one for one in given) for name in block.known.computed]
        if all(count in (0, len(given)) for count in counts):
            said = " ".join(str(value) for one in given for value in one.values())
            gates = [gate for part in parts for gate in part.gates if gate.name in said]
            return block.known, given, gates
    return None


class ModuleParts:
    """A module whose block is looked for: its graph, and what its layers are given."""

    def __init__(self, term: Term, style: Style) -> None:
        assert term.shapes is not None, "it is one of an image"
        self.term, self.style = term, style
        self.entering, self.leaving = term.shapes
        self.plain = Style([], style.registry)
        self.plain.starts = style.starts
        drops = [t.args["drop"] for t in walk(term.subs[0]) if t.args.get("drop")]
        self.place = drops[0] if drops and set(drops) == {drops[0]} else 0
        self.chance = self.place
        if style.drop_path:
            self.chance = self.place * style.drop_path / style.drops
        body = _copied(term.subs[0], style)
        self.gates: list[Known] = []
        self.gate_ops: set[str] = set()
        self.attention = list(self._gates(body))
        self.layers = [t for t in walk(body) if t.kind == "layer"]
        self.ops = {t.op or t.kind for t in walk(body) if t.kind != "module"}
        self.key = tuple(map(key, body)), term.shapes
        lines = Renderer(BlockScope(self.plain, [term.channels])).lines(lift(_opened(body)), 0)
        self.flat = self._flat(lines)

    def _gates(self, body: list[Term]) -> Iterator[Argument]:
        for term in walk(body):
            if term.kind != "module" or term.channels is None:
                continue
            copy = replace(term, subs=[_opened(_copied(term.subs[0], self.plain))])
            if (found := known_of([copy], self.plain)) is not None:
                known, (given,) = found
                self.gates.append(known)
                self.gate_ops |= {t.op for t in walk(term.subs[0])}
                call = Term("layer", known.name, given, channels=term.channels)
                self.plain.blocks[known.name] = known
                yield self._written(call)

    def _written(self, term: Term) -> Argument:
        texts = []
        for style in (self.plain, self.style):
            kept, style.blocks = style.blocks, {**style.blocks, **self.plain.blocks}
            scope = BlockScope(style, [term.channels])
            texts.append(Renderer(scope).call(lift([replace(term, keep="")])[0]))
            style.blocks = kept
        return Argument(texts[0], Given(texts[1]))

    def _calls(self, ops: frozenset[str]) -> list[Argument]:
        """Layers of some kinds, each as it is called, the most frequent first."""
        found = [self._written(term) for term in self.layers if term.op in ops]
        return [one for one, _ in Counter(found).most_common()]

    def candidates(self, name: str, default: Any) -> list[Argument]:
        """What a parameter may be given, without what it is given when nothing is said."""
        if name == "c":
            return [Argument(str(self.leaving[0]), self.leaving[0])]
        if name == "stride":
            sides = zip(self.entering[1:], self.leaving[1:], strict=True)
            found = {n // m for n, m in sides if n % m == 0} or {1}
            return [Argument(str(by), by) for by in found][:1]
        if name == "norm":
            return self._calls(NORMS) or [Argument("identity", Given("identity"))]
        if name == "act":
            return self._calls(ACTIVATIONS) or [Argument("identity", Given("identity"))]
        if name == "attention":
            return [*self._calls(frozenset({"attend"})), *self.attention]
        if name == "survive":
            return [Argument(f"{1 - self.chance!r}", None)] if self.chance else []
        if name in (
            "inner",
            "base",
            "width",
        ):  # the channels that come into or out of a convolution
            convs = [t for t in self.layers if t.op == "conv"]
            inside = [n for t in convs for n in (t.args["channels"], t.channels) if n]
            return [Argument(str(n), n) for n in dict.fromkeys(inside)]
        if name in OF_LAYERS:
            op, argument = OF_LAYERS[name]
            values = [t.args[argument] for t in self.layers if t.op == op and argument in t.args]
            return [
                Argument(str(v) if v != "same" else '"same"', v if v != "same" else '"same"')
                for v in dict.fromkeys(values)
                if isinstance(v, int) or v == "same"
            ]
        if default is None and name in COUNTS:
            return [Argument(str(n), n) for n in COUNTS[name]]
        return []

    def may_be(self, block: Block) -> bool:
        """Whether it has what the block always has, and nothing that the block never has."""
        ours, given = self.ops, set[str]()
        if "dense" in ours:  # which is a way to concatenate
            ours = ours | {"concat"}
        if "norm" in block.known.order:
            given |= NORMS
        if "act" in block.known.order:
            given |= ACTIVATIONS
        if "attention" in block.known.order:
            given |= self.gate_ops | {"attend"}
        left = {op for op in ours if op not in block.words | given | FREE}
        return block.always <= ours and not left

    def arguments(self, block: Block) -> dict[str, Any] | None:
        """What the block is given so that it is this module; nothing where it is not."""
        known = block.known
        if not self.may_be(block):
            return None
        choices: list[list[tuple[str, Argument | None]]] = []
        for name in known.order:
            usual = known.defaults.get(name)
            options = self.candidates(name, usual)
            options = [one for one in options if one.tried != str(usual) or name in block.required]
            without = name not in block.required and not (name == "survive" and options)
            if name == "stride" and options:
                without = False
            choices.append([(name, None)] * without + [(name, one) for one in options])
        if not all(choices):
            return None
        if prod(map(len, choices)) > 64 * TRIALS:
            return None
        for chosen in islice(product(*choices), TRIALS):
            given = {name: one for name, one in chosen if one is not None}
            flat = self._flat([_call(known.name, given)], (known, *self.gates))
            starts = self.style.starts is not None
            if flat and self.flat and pairs(self.flat, flat, starts=starts) is not None:
                return {n: one.written for n, one in given.items() if one.written is not None}
        return None

    def _flat(self, lines: list[str], used: tuple[Known, ...] = ()) -> Flat | None:
        uses = [f'use "{known.file}": {known.name}' for known in dict.fromkeys(used or self.gates)]
        shape = "x".join(map(str, self.entering))
        starts = [] if used else self.style.start_lines()
        text = "\n".join(["arch part", *uses, f"input {shape}", *starts, *lines]) + "\n"
        return compared(text, self.style.registry)


def _call(name: str, given: dict[str, Argument]) -> str:
    return f"{name}({', '.join(f'{key} = {one.tried}' for key, one in given.items())})"


def _copied(sequence: list[Term], style: Style) -> list[Term]:
    """The same terms, as others; with the chance of a drop, and not its place."""
    out = []
    for term in sequence:
        args = dict(term.args)
        if args.get("drop") and style.drop_path:
            args["drop"] = args["drop"] * style.drop_path / style.drops
        out.append(replace(term, args=args, subs=[_copied(sub, style) for sub in term.subs]))
    return out


def _opened(terms: list[Term]) -> list[Term]:
    out: list[Term] = []
    for term in terms:
        term.subs = [_opened(sub) for sub in term.subs]
        out += term.subs[0] if term.kind == "module" else [term]
    return out

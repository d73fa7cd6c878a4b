"""What can be named, in words: layers, patterns, functions, blocks, knobs, settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

from archdsl.editing.reading import Reading
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.elaborate.knobs import Choices, Knob
from archdsl.elaborate.values import show
from archdsl.layers.base import show_shape, signature
from archdsl.layers.init import FUNCTIONS as INIT_FUNCTIONS
from archdsl.layers.init import InitFunction
from archdsl.resolve.table import Definition
from archdsl.search.settings import BASELINES, PRUNERS, SAMPLERS
from archdsl.syntax import tree
from archdsl.training.recipe import LOSSES, OPTIMIZERS, SCHEDULES, Recipe


@dataclass(frozen=True, slots=True)
class SignatureArgument:
    """An argument: its name, what it may be in words, its default as it is written (nothing where
    it must be given, empty where it is worked out), and the bare words that it understands."""

    name: str
    expected: str = ""
    default: str | None = None
    words: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        if self.default == "":
            return f"{self.name}?"
        return self.name if self.default is None else f"{self.name} = {self.default}"


@dataclass(frozen=True, slots=True)
class CallableSignature:
    """What can be called: its kind in words, what it is, and its arguments."""

    name: str
    kind: str
    about: str
    arguments: tuple[SignatureArgument, ...] = ()
    examples: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        if not self.arguments:
            return self.name
        return f"{self.name}({', '.join(a.label for a in self.arguments)})"

    @property
    def markdown(self) -> str:
        lines = [f"```arch\n{self.label}\n```", f"*{self.kind}*"]
        lines += [self.about] if self.about else []
        taken = [f"- `{a.label}`: {a.expected}" for a in self.arguments if a.expected]
        lines += ["\n".join(taken)] if taken else []
        lines += ["\n".join(self.examples)] if self.examples else []
        return "\n\n".join(lines)


def built_in(name: str, reading: Reading) -> CallableSignature | None:
    """What is built in, or a user has added, under a name of the language."""
    registry = reading.registry
    if (layer := registry.layers.get(name)) is not None:
        examples = tuple(
            f"`{e.call}` makes {show_shape(e.output)} of " + ", ".join(map(show_shape, e.inputs))
            for e in layer.examples
        )
        return CallableSignature(
            name, f"{layer.kind} layer", plain_doc(layer), taken(layer), examples
        )
    if (pattern := registry.patterns.get(name)) is not None:
        return CallableSignature(name, "connection pattern", plain_doc(pattern), taken(pattern))
    if (function := FUNCTIONS.get(name)) is not None:
        return CallableSignature(name, "function", function.doc)
    if (init := INIT_FUNCTIONS.get(name)) is not None:
        words: Mapping[str, Sequence[str]] = InitFunction.words
        parameters = tuple(
            SignatureArgument(
                key,
                "one of " + ", ".join(words[key]) if key in words else "a number",
                None if usual is None else show_default(usual, words.get(key, ())),
                tuple(words.get(key, ())),
            )
            for key, usual in init.parameters
        )
        return CallableSignature(name, "initialisation", "how weights start", parameters)
    return None


def setting(name: str, reading: Reading) -> CallableSignature | None:
    """A record of a .search file: data, an optimizer, a schedule, a sampler."""
    tables: dict[str, Mapping[str, type[Any]]] = {
        "optimizer": OPTIMIZERS,
        "schedule": SCHEDULES,
        "augmentation": reading.registry.augmentations,
        "named recipe": reading.registry.recipes,
        "loss": LOSSES,
        "metric": reading.registry.metrics,
        "sampler": SAMPLERS,
        "pruner": PRUNERS,
        "baseline": BASELINES,
        "data set": reading.registry.data,
    }
    for kind, table in tables.items():
        if name in table:
            return CallableSignature(name, kind, plain_doc(table[name]), taken(table[name]))
    if name == "train":
        return CallableSignature(name, "recipe", plain_doc(Recipe), taken(Recipe))
    return None


def called(name: str, reading: Reading, offset: int) -> CallableSignature | None:
    """What a name that is called at a place of the text means there."""
    if reading.is_search:
        return setting(name, reading)
    found = reading.names.visible(offset).get(name)
    if found is not None:
        return definition(found, reading)
    for other in reading.names.definitions:
        if other.name == name and other.kind == "variant":
            knobs = tuple(knobs_taken(reading))
            return CallableSignature(name, "variant", "", knobs)
    return built_in(name, reading)


def definition(found: Definition, reading: Reading) -> CallableSignature:
    """What the text says of a name that it defines."""
    target = found.target
    if target.kind in ("block", "fn"):
        arguments = tuple(_parameter(p) for p in target.parameters)
        kind = "block" if target.kind == "block" else "function"
        return CallableSignature(found.name, kind, doc_above(target, reading), arguments)
    if target.kind == "knob" and (knob := knob_of(found.name, reading)) is not None:
        return CallableSignature(found.name, f"knob: {knob_words(knob)}", knob.doc)
    titles = {"let": "value", "item": "item of a loop", "turn": "number of the turn"}
    said = f"`{' '.join(target.whole.text.split())[:200]}`" if target.kind != "label" else ""
    return CallableSignature(found.name, titles.get(target.kind, target.kind), said)


def knob_of(name: str, reading: Reading) -> Knob | None:
    """A knob as it was worked out; nothing while the text has mistakes."""
    return None if reading.program is None else reading.program.knobs.get(name)


def knob_words(knob: Knob) -> str:
    """Its default and what it may be: ``64, in 16..128 step 8``."""
    domain = f", in {knob.domain}" if knob.domain is not None else ""
    count = "" if knob.domain is None else _count(knob.domain.count)
    return f"{knob.show(knob.default)}{domain}{count}"


def knob_values(knob: Knob) -> list[str]:
    """The values of a small domain as they are written."""
    domain = knob.domain
    if domain is None:
        return [knob.show(knob.default)]
    if isinstance(domain, Choices) or (domain.count is not None and domain.count <= 32):
        return [knob.show(v) for v in domain.enumerate()]
    return list(dict.fromkeys(knob.show(v) for v in domain.edges()))


def values_of(name: str, reading: Reading) -> list[str] | None:
    """The values that a knob of this name may have, as they are written, also where the text has
    mistakes; nothing where there is no such knob."""
    if (knob := knob_of(name, reading)) is not None:
        return knob_values(knob)
    for node in reading.file.walk():
        if isinstance(node, tree.Knob) and node.name.text == name:
            choices = node.domain.items if isinstance(node.domain, tree.Choices) else ()
            return [item.span.text for item in (choices or (node.default,))]
    return None


def knobs_taken(reading: Reading) -> Iterator[SignatureArgument]:
    """The knobs of a spec as arguments of its variants. A text with mistakes has their names."""
    if reading.program is not None:
        for knob in reading.program.knobs.values():
            yield SignatureArgument(knob.name, knob_words(knob), knob.show(knob.default))
        return
    for node in reading.file.statements:
        if isinstance(node, tree.Arch):
            for written in node.knobs:
                yield SignatureArgument(written.name.text, "", written.default.span.text)


def taken(cls: type[Any]) -> tuple[SignatureArgument, ...]:
    """The arguments of a layer or a setting, from its fields."""
    return tuple(
        SignatureArgument(
            p.name,
            p.reader.expected,
            None if p.required else show_default(p.default, p.reader.words),
            tuple(p.reader.words),
        )
        for p in signature(cls)
    )


def show_default(value: Any, words: Sequence[str] = ()) -> str:
    """A default as a text would say it; nothing where it is worked out."""
    if value is None:
        return ""
    if isinstance(value, str) and value in words:
        return value
    written = getattr(value, "written", None)
    return str(written()) if callable(written) else show(value)


def plain_doc(cls: type[Any]) -> str:
    """The documentation of a class as Markdown."""
    own = cls.__dict__.get("__doc__") or ""
    return (getdoc(cls) or "").replace("``", "`") if own else ""


def doc_above(found: Definition, reading: Reading) -> str:
    """The ``##`` comment above a definition of this file."""
    if found.whole.source is not reading.source:
        return ""
    return reading.file.docs.get(found.whole.line, "")


def _parameter(found: Definition) -> SignatureArgument:
    _, equals, default = found.whole.text.partition("=")
    return SignatureArgument(found.name, "", default.strip() if equals else None)


def _count(count: int | None) -> str:
    if count is None:
        return " (continuous)"
    return f" ({count:,} value{'' if count == 1 else 's'})"

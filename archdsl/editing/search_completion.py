"""What can be written at a place of a .search file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from archdsl.diagnostics.model import ArchError
from archdsl.editing import described
from archdsl.editing.context import CursorContext
from archdsl.editing.item import CompletionChoice
from archdsl.editing.reading import Reading
from archdsl.files import builtin_names
from archdsl.named import beside, builtin_variants, resolve
from archdsl.search.request import TUNABLE, learned
from archdsl.search.settings import BASELINES, PRUNERS, SAMPLERS
from archdsl.spec import Spec
from archdsl.syntax import search_tree
from archdsl.training.recipe import TABLES

STATEMENTS = {
    "search": "the name of the question",
    "spec": "which spec is searched, and the knobs that stay",
    "vary": "the knobs that are tried",
    "hold": "a cost that is held by solving for knobs",
    "data": "what the networks learn",
    "train": "the recipe",
    "tune": "settings of the recipe that are tuned",
    "explore": "for how many epochs the tuned settings are explored",
    "maximize": "what is to be large",
    "minimize": "what is to be small",
    "seeds": "how many seeds explore, then settle",
    "settle": "how many shapes are trained on the fresh seeds",
    "folds": "on how many splits of the data the fresh seeds settle",
    "target": "the smallest difference that matters",
    "trials": "how many networks are trained",
    "timeout": "when it ends at the latest",
    "prune": "when a trial ends early",
    "sampler": "what chooses the next trial",
    "baseline": "what the search is compared with",
}
NAMED = re.compile(r'^[ \t]*spec[ \t]+(?:(\w+)|"([^"\n]*)")', re.MULTILINE)
SETTINGS = {
    "optimizer": "optimizers",
    "schedule": "schedules",
    "loss": "loss functions",
}
REGISTERED = {"augment": "augmentations", "metrics": "metrics", "recipe": "recipes"}


def search_items(
    reading: Reading, context: CursorContext, offset: int
) -> Iterator[CompletionChoice]:
    """What can be written at a place."""
    statement = context.statement
    if not statement:
        yield from (CompletionChoice(k, "keyword", about) for k, about in STATEMENTS.items())
        return
    first = statement[0]
    at = context.argument
    if at is not None and first != "spec":
        yield from _arguments(at.callee, at.given, reading)
    elif first == "spec":
        if at is not None:
            yield from _values(at.name, reading) if at.name else _knobs(reading, at.given)
        else:
            yield from (CompletionChoice(name, "class", "spec") for name in builtin_names())
            for name, stem in builtin_variants().items():
                yield CompletionChoice(name, "class", f"variant of {stem}")
    elif first == "vary":
        yield from _varied(statement, reading)
    elif first == "hold":
        if "by" in statement:
            yield from _knobs(reading)
        else:
            yield from _costs(reading)
            yield from (CompletionChoice(word, "keyword") for word in ("within", "by"))
    elif first == "data":
        yield from _named(reading.registry.data, reading)
    elif first in ("prune", "sampler", "baseline"):
        table = {"prune": PRUNERS, "sampler": SAMPLERS, "baseline": BASELINES}[first]
        yield from _named(table, reading)
    elif first in ("maximize", "minimize"):
        yield from (
            CompletionChoice(name, "cost")
            for name in learned(reading.registry, first == "minimize")
        )
        yield from _costs(reading)
    elif first == "tune":
        yield from (CompletionChoice(name, "argument", insert=f"{name} in ") for name in TUNABLE)
    elif first == "explore":
        yield CompletionChoice("epochs", "argument", insert="epochs = ")
    elif first == "train":
        yield from _recipe(statement, reading)


def _recipe(statement: tuple[str, ...], reading: Reading) -> Iterator[CompletionChoice]:
    last = next((i for i in reversed(range(len(statement))) if statement[i] == "="), None)
    after_comma = "," in statement[last:] if last is not None else True
    if last and (not after_comma or "[" in statement[last:]):
        name = statement[last - 1]
        if name in SETTINGS:
            yield from _named(TABLES[SETTINGS[name]], reading)
            return
        if name in REGISTERED:
            yield from _named(reading.registry.group(REGISTERED[name]), reading)
            return
        found = described.setting("train", reading)
        for argument in found.arguments if found is not None else ():
            if argument.name == name:
                yield from (CompletionChoice(word, "word") for word in argument.words)
        return
    yield from _arguments("train", frozenset(statement), reading)


def _arguments(callee: str, given: frozenset[str], reading: Reading) -> Iterator[CompletionChoice]:
    found = described.setting(callee, reading)
    for argument in found.arguments if found is not None else ():
        if argument.name not in given:
            yield CompletionChoice(
                argument.name,
                "argument",
                argument.label,
                argument.expected,
                f"{argument.name} = ",
            )


def _named(table: Iterable[str], reading: Reading) -> Iterator[CompletionChoice]:
    for name in table:
        found = described.setting(name, reading)
        if found is not None:
            yield CompletionChoice(name, "function", found.label, found.about)


def _costs(reading: Reading) -> Iterator[CompletionChoice]:
    yield from (
        CompletionChoice(name, "cost", cost.title) for name, cost in reading.registry.costs.items()
    )


def _knobs(reading: Reading, given: frozenset[str] = frozenset()) -> Iterator[CompletionChoice]:
    spec = spec_of(reading)
    for knob in spec.knobs.values() if spec is not None else ():
        if knob.name not in given:
            yield CompletionChoice(knob.name, "knob", described.knob_words(knob), knob.doc)


def _varied(statement: tuple[str, ...], reading: Reading) -> Iterator[CompletionChoice]:
    """The knobs, or within braces what one of them may be."""
    opened = [i for i, word in enumerate(statement) if word == "{"]
    if opened and "}" not in statement[opened[-1] :]:
        yield from _values(statement[max(opened[-1] - 2, 0)], reading)
    else:
        yield from _knobs(reading)


def _values(name: str, reading: Reading) -> Iterator[CompletionChoice]:
    spec = spec_of(reading)
    if spec is not None and name in spec.knobs:
        for value in described.knob_values(spec.knobs[name]):
            yield CompletionChoice(value, "value", f"`{name}`")


def spec_of(reading: Reading) -> Spec | None:
    """The spec that a search names, if it is one, also where the search has mistakes."""
    if reading.search is not None:
        return reading.search.spec
    nodes = reading.file.statements
    named = [n.name.text for n in nodes if isinstance(n, search_tree.Spec) and n.name.text]
    named += ["".join(found) for found in NAMED.findall(reading.source.text)]
    named = [name for name in named if name != "-"]  # an editor's messages come by standard input
    try:
        found = resolve(beside(named[0], reading.folder), reading.registry) if named else None
    except ArchError:
        return None
    return None if found is None else found.spec

"""The table of layers: what each of them has, and that names mean one thing."""

import ast
import inspect
import re
from dataclasses import FrozenInstanceError, dataclass, fields
from importlib import import_module
from pathlib import Path

import pytest

import archdsl
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.layers.arguments import Count
from archdsl.layers.base import Layer, Shape, signature
from archdsl.layers.init import FUNCTIONS as INITS
from archdsl.registered import defined_in
from archdsl.registry import BUILT_IN, REGISTRY

TABLE, PATTERNS = REGISTRY.layers, REGISTRY.patterns
each = pytest.mark.parametrize("cls", [pytest.param(c, id=n) for n, c in TABLE.items()])
KINDS = {"conv", "linear", "norm", "activation", "attention", "pool", "drop", "join", "shape"}


@each
def test_it_says_what_it_is(cls: type[Layer]) -> None:
    doc = inspect.getdoc(cls) or ""
    assert not doc.startswith(f"{cls.__name__}("), "dataclass makes a text up where there is none"
    assert len(doc) > 8 and doc.split("\n\n")[0].endswith(".")


@each
def test_it_has_examples_that_are_its_own(cls: type[Layer]) -> None:
    assert cls.examples or cls.is_tied
    for example in cls.examples:
        assert example.call.partition("(")[0] == cls.name


@each
def test_it_is_a_frozen_value(cls: type[Layer]) -> None:
    assert cls.kind in KINDS
    required = {p.name: 1 for p in signature(cls) if p.required}
    first, second = cls(**required), cls(**required)
    assert first == second and hash(first) == hash(second)
    if fields(cls):  # type: ignore[arg-type]
        with pytest.raises(FrozenInstanceError):
            setattr(first, fields(cls)[0].name, 1)  # type: ignore[arg-type]


@each
def test_required_arguments_come_first(cls: type[Layer]) -> None:
    required = [p.required for p in signature(cls)]
    assert required == sorted(required, reverse=True)


@each
def test_a_default_is_what_its_reader_would_read(cls: type[Layer]) -> None:
    for parameter in signature(cls):
        if not parameter.required and parameter.default is not None:
            assert parameter.reader.read(parameter.default) == parameter.default


def test_names_are_unique_in_the_language() -> None:
    names = [*TABLE, *PATTERNS, *FUNCTIONS, *INITS]
    twice = {n for n in names if names.count(n) > 1} - {"max"}  # of numbers, and of tensors
    assert not twice
    assert all(n.isidentifier() and n == n.lower() for n in names)


def test_synonyms_mean_one_layer_and_are_no_name() -> None:
    synonyms = [s for c in TABLE.values() for s in c.synonyms]
    assert len(synonyms) == len(set(synonyms))
    assert not set(synonyms) & set(TABLE), "a synonym is what the language does not call it"
    assert not set(synonyms) & set(PATTERNS)
    assert not set(synonyms) & (set(FUNCTIONS) - {"sum"})
    assert TABLE.synonyms == {s: c.name for c in TABLE.values() for s in c.synonyms}


def test_every_class_of_the_modules_is_in_the_table() -> None:
    written = set()
    for name in BUILT_IN["layers"]:
        for node in ast.parse(inspect.getsource(import_module(name))).body:
            if isinstance(node, ast.ClassDef) and any(
                isinstance(b, ast.Assign) and getattr(b.targets[0], "id", "") == "name"
                for b in node.body
            ):
                written.add(node.name)
    assert written == {c.__name__ for c in TABLE.values()}


@dataclass(frozen=True, slots=True)
class Halve(Layer):
    """Half of the channels."""

    times: Count = 1

    name = "halve"

    def shape(self, *inputs: Shape) -> Shape:
        return (inputs[0][0] // 2**self.times, *inputs[0][1:])


@dataclass(frozen=True, slots=True)
class Mine(Layer):
    """Another identity."""

    name = "identity"


@dataclass(frozen=True, slots=True)
class Spaced(Layer):
    """Not to be written."""

    name = "two words"


@dataclass(frozen=True, slots=True)
class Loose(Layer):
    """An argument that nobody can read."""

    size: int = 1

    name = "loose"


def test_a_layer_of_ones_own() -> None:
    registry = REGISTRY.with_added([Halve])
    spec = archdsl.parse("arch a\ninput 16x8x8\nhalve(2) -> conv(8, 3)", registry=registry)
    assert spec.with_knobs().output == (8, 8, 8)
    assert "halve" not in TABLE and len(registry.layers) == len(TABLE) + 1


@pytest.mark.parametrize(
    ("cls", "error", "text"),
    [
        (Mine, ValueError, "there is a layer `identity` already"),
        (Spaced, ValueError, "`two words` cannot be a layer's name"),
        (Loose, TypeError, "Loose.size: its type says not how to read it"),
    ],
)
def test_a_layer_that_will_not_do(cls: type[Layer], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        REGISTRY.with_added([cls])


def test_what_a_module_brings_is_those_it_defines() -> None:
    import archdsl.layers.shaping as module

    assert {c.name for c in defined_in(module)} >= {"identity", "flatten"}
    assert all(c.__module__ == module.__name__ for c in defined_in(module))


def test_nothing_else_knows_a_layer_by_its_class() -> None:
    """Beside patterns, which make layers of their own: what others ask is a property."""
    classes = {c.__name__ for c in TABLE.values()}
    found = []
    for path in Path(archdsl.__file__).parent.rglob("*.py"):
        if path.parent.name == "layers" or path.parent.name == "patterns":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("archdsl.layers"):
                found += [f"{path.name}: {a.name}" for a in node.names if a.name in classes]
    assert found == []


def test_nothing_else_knows_a_layer_by_its_name() -> None:
    names = "|".join(TABLE)
    compared = re.compile(rf"layer\.name\s*(?:==|!=|in)\s*\(?[\"'](?:{names})[\"']")
    assert compared.search('layer.name == "conv"')
    for path in Path(archdsl.__file__).parent.rglob("*.py"):
        assert compared.findall(path.read_text("utf-8")) == [], path

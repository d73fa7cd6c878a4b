"""The table of published networks, ``figures.json``, as values."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import archdsl
from archdsl.layers.base import Shape


@dataclass(frozen=True)
class Published:
    """An error in percent, and where it was read."""

    dataset: str
    source: str
    provenance: str
    top1: float | None = None
    top5: float | None = None
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """One network of the table."""

    name: str
    spec: str
    knobs: dict[str, Any]
    source: str
    input: str
    params: int
    buffers: int
    macs: int
    conv_activations: int
    activations: int
    depth: int
    layers: dict[str, int]
    shapes: list[str]
    variant: str | None = None
    side_macs: int = 0
    params_confirmed_by: list[str] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)

    @property
    def errors(self) -> list[Published]:
        return [Published(**p) for p in self.published]

    def build(self) -> archdsl.Architecture:
        return spec(self.spec).with_knobs(**self.knobs)


FACTS = [
    Fact(**entry)
    for entry in json.loads(Path(__file__).with_name("figures.json").read_text())["networks"]
]


@cache
def spec(name: str) -> archdsl.Spec:
    return archdsl.read(name)


def read_shape(text: str) -> Shape:
    return tuple(map(int, text.split("x")))

"""What a text such as ``resnet(depth = 101)`` names: a spec or a variant, and its knobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.elaborate.published import Variant
from archdsl.elaborate.work import Work
from archdsl.files import ARCH, Library, builtin_names, read_source
from archdsl.registry import REGISTRY, Registry
from archdsl.settings import split_call
from archdsl.spec import Architecture, Spec, read

VARIANT = re.compile(r"^variant (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class NamedSpec:
    """A spec, the variant of it that was named if one was, and what is set in parentheses."""

    spec: Spec
    variant: Variant | None
    settings: Mapping[str, str]

    @property
    def knobs(self) -> dict[str, Any]:
        return {**(self.variant.knobs if self.variant else {}), **self.settings}


def resolve(text: str, registry: Registry = REGISTRY, work: Work | None = None) -> NamedSpec:
    """The network that a text names. Raises ``ArchError``."""
    name, settings = split_call(text)
    return NamedSpec(*_spec_or_variant(name, registry, work), settings)


def beside(name: str, folder: Path | None) -> str:
    """A spec as a search in a folder names it: a path starts there."""
    return str(folder / name) if folder is not None and name.endswith(ARCH) else name


def how_named(text: str) -> str:
    """What helps where a text in the quotes of a search is no spec."""
    name, settings = split_call(text)
    if settings:
        quoted = name if name.isidentifier() else f'"{name}"'
        return f"put the parentheses after the quotes: `spec {quoted}(...)`"
    return "a spec is a file that ends in .arch, or the name of a built-in one"


def _spec_or_variant(
    name: str, registry: Registry, work: Work | None
) -> tuple[Spec, Variant | None]:
    """A name of no file and no built-in spec is looked for among the variants of those."""
    try:
        return read(name, registry, work), None
    except ArchError as error:
        if error.diagnostics[0].kind is not codes.NO_SUCH_FILE or not name.isidentifier():
            raise
    variants = builtin_variants()
    if name not in variants:
        help = did_you_mean(name, [*builtin_names(), *variants])
        raise ArchError([diagnose(codes.NO_SUCH_FILE, help=help, name=name)])
    source, folder = read_source(variants[name])
    spec = Spec(source, Library(folder), registry, work)
    return spec, spec.variants[name]


def builtin_variants() -> dict[str, str]:
    """The built-in variants, and the spec of each, by their lines: nothing is parsed."""
    return {
        variant: stem
        for stem in builtin_names()
        for variant in VARIANT.findall(read_source(stem)[0].text)
    }


def load(name_or_path: str | Path, /, **knobs: Any) -> Architecture:
    """An architecture: of a spec by path or built-in name, or a built-in variant such as
    ``resnet50``, with knobs in parentheses if there are any to set. Raises ``ArchError``."""
    is_path = isinstance(name_or_path, Path)
    found = NamedSpec(read(name_or_path), None, {}) if is_path else resolve(str(name_or_path))
    arch = found.spec.candidate({**found.knobs, **knobs})
    if found.variant is not None and not found.settings and not knobs:
        arch.title = found.variant.name
    return arch

"""What a text such as ``resnet(depth = 101)`` names: a spec or a variant, and its knobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.facts import Variant
from archdsl.elaborate.work import Work
from archdsl.files import Library, builtin_names, read_source
from archdsl.registry import REGISTRY, Registry
from archdsl.settings import split_call
from archdsl.spec import Architecture, Spec, read


@dataclass(frozen=True)
class Named:
    """A spec, the variant of it that was named if one was, and what is set in parentheses."""

    spec: Spec
    variant: Variant | None
    settings: Mapping[str, str]

    @property
    def knobs(self) -> dict[str, Any]:
        return {**(self.variant.knobs if self.variant else {}), **self.settings}


def resolve(text: str, registry: Registry = REGISTRY, work: Work | None = None) -> Named:
    """The network that a text names. Raises ``ArchError``."""
    name, settings = split_call(text)
    return Named(*_spec_or_variant(name, registry, work), settings)


def _spec_or_variant(
    name: str, registry: Registry, work: Work | None
) -> tuple[Spec, Variant | None]:
    """A name of no file and no built-in spec is looked for among the variants of those."""
    try:
        return read(name, registry, work), None
    except ArchError as error:
        if error.diagnostics[0].kind is not codes.NO_SUCH_FILE or not name.isidentifier():
            raise
        for stem in builtin_names():
            source, folder = read_source(stem)
            if name in source.text:  # the others need not be parsed
                spec = Spec(source, Library(folder), registry, work)
                if name in spec.variants:
                    return spec, spec.variants[name]
        raise


def load(name_or_path: str, /, **knobs: Any) -> Architecture:
    """An architecture: of a spec by path or built-in name, or a built-in variant such as
    ``resnet50``, with knobs in parentheses if there are any to set. Raises ``ArchError``."""
    found = resolve(name_or_path)
    arch = found.spec.candidate({**found.knobs, **knobs})
    if found.variant is not None and not found.settings and not knobs:
        arch.title = found.variant.name
    return arch

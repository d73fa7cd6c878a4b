"""What a user can add to, each kind alike: layers, patterns, costs, data sets, metrics, formats.

A kind is a class; what is of the kind is a subclass with a ``name``. Modules that define
such classes bring them, archdsl's own as a user's: see ``archdsl.registry``.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import ClassVar


class Registered:
    """The base of the kinds. ``group`` is the kind's name, ``noun`` how an error speaks of one of
    it; ``name`` is what a text calls it."""

    __slots__ = ()
    group: ClassVar[str]
    noun: ClassVar[str]
    name: ClassVar[str]

    @classmethod
    def check(cls) -> None:
        """Raises ``ValueError`` or ``TypeError`` where the class cannot be used."""
        if not cls.name.isidentifier():
            raise ValueError(f"`{cls.name}` cannot be a {cls.noun}'s name")


def defined_in(module: ModuleType) -> Iterator[type[Registered]]:
    """What a module brings: the classes that it defines itself and that have a name."""
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Registered)
            and value.__module__ == module.__name__
            and isinstance(vars(value).get("name"), str)
        ):
            yield value

"""Records that a text can set: ``sgd(momentum = 0.9)``. They are plain, as layers are: their
fields are their arguments, with the same readers. Nothing here imports torch."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from archdsl.elaborate.values import show
from archdsl.layers.arguments import (
    Chance,
    Reader,
    Unreadable,
)
from archdsl.layers.base import signature


class Setting:
    """The base of records that a .search file names: ``sgd(momentum = 0.9)``."""

    name: ClassVar[str]
    synonyms: ClassVar[tuple[str, ...]] = ()  # what it is called elsewhere

    def written(self, full: bool = False) -> str:
        """As a text would name it; ``full`` spells out the defaults too."""
        shown = ", ".join(f"{k} = {v}" for k, v in self.arguments(full).items())
        return f"{self.name}({shown})" if shown else self.name

    def arguments(self, full: bool = False) -> dict[str, str]:
        """The values that differ from their defaults, or all, as a text would say them."""
        found = {}
        for parameter in signature(type(self)):
            value = getattr(self, parameter.name)
            if value is not None and (full or parameter.required or value != parameter.default):
                word = value in parameter.reader.words
                found[parameter.name] = str(value) if word else _shown(value, full)
        return found


def _shown(value: Any, full: bool) -> str:
    if isinstance(value, Setting):
        return value.written(full)
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(v, full) for v in value) + "]"
    return repr(value) if isinstance(value, float) else show(value)


@dataclass(frozen=True)
class TextReader(Reader):
    @property
    def expected(self) -> str:
        return "a quoted string"

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Unreadable(self.expected)
        return value


@dataclass(frozen=True)
class NumbersReader(Reader):
    """A list of whole numbers."""

    @property
    def expected(self) -> str:
        return "a list of whole numbers such as [30, 60]"

    def read(self, value: Any) -> tuple[int, ...]:
        items = value if isinstance(value, (tuple, range)) else (value,)
        if not all(type(v) is int and v > 0 for v in items):
            raise Unreadable(self.expected)
        return tuple(items)


@dataclass(frozen=True)
class SettingReader(Reader):
    """One of a table of records, by its name or with arguments."""

    table: str = ""
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(self.words)

    def read(self, value: Any) -> Any:
        if not isinstance(value, Setting) or value.name not in self.words:
            raise Unreadable(self.expected)
        return value


@dataclass(frozen=True)
class SettingsReader(SettingReader):
    """Several of a table of records, in a list."""

    @property
    def expected(self) -> str:
        return "a list of " + ", ".join(self.words)

    def read(self, value: Any) -> tuple[Any, ...]:
        items = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(v, Setting) and v.name in self.words for v in items):
            raise Unreadable(self.expected)
        return items


@dataclass(frozen=True)
class TextsReader(Reader):
    """One text, or a list of them; ``none``: or an empty list."""

    none: bool = False

    @property
    def expected(self) -> str:
        return "text in quotation marks, or a list of such texts"

    def read(self, value: Any) -> tuple[str, ...]:
        items = value if isinstance(value, tuple) else (value,)
        if not (items or self.none) or not all(isinstance(v, str) for v in items):
            raise Unreadable(self.expected)
        return items


Text = Annotated[str, TextReader()]
Texts = Annotated[tuple[str, ...], TextsReader()]
MaybeTexts = Annotated[tuple[str, ...], TextsReader(none=True)]
Numbers = Annotated[tuple[int, ...], NumbersReader()]
Share = Chance


def table_of(*kinds: type[Setting]) -> dict[str, type[Setting]]:
    return {kind.name: kind for kind in kinds}

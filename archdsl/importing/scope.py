"""How the values of several instances are written once: as a literal, as an expression of what is
known in a block, or as a parameter of it.

Values are lists, one for each instance. An expression is taken only where it holds for all of them:
what is known are the parameters found so far and the channels that come in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from fractions import Fraction
from typing import Any

from archdsl.importing.across import Across
from archdsl.importing.style import Style
from archdsl.importing.terms import Classes, Expansion, FirstTurn, Ramp

MOST_TIMES = 16  # a factor that is taken for meant
MOST_PARTS = 32
KEYWORDS = frozenset(
    "if else for in repeat as match and or not true false arch input default let fn require use "
    "block output paper variant fix step log auto".split()
)
SHORT = {"channels": "c", "features": "c", "size": "to"}
CHANNELS = ("channels", "features", "groups", "to", "reduced")


class BlockScope:
    """The names of a block, or of a loop's body, and the values that they have in each instance."""

    def __init__(
        self,
        style: Style,
        entering: list[int | None],
        outside: bool = False,
        tensors: Collection[str] = (),
    ) -> None:
        self.style = style
        self.outside = outside  # of all blocks, where depths may be knobs
        self.entering = entering  # the channels that come into the block
        self.tensors = tensors  # the names of those that come in, too
        self.params: dict[str, list[Any]] = {}
        self.uses_entering = False
        self._roles: Counter[str] = Counter()

    def literal(self, value: Any, role: str = "") -> str:
        """A value as it is written; a number of channels may be a multiple of the knob."""
        style = self.style
        if isinstance(value, Classes):
            if value != style.classes:
                return str(value)
            style.turned.add("classes")
            return "classes"
        if isinstance(value, Across):
            return style.family.written(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int) and (role in style.wide or re.fullmatch(r"c\d*", role)):
            style.widths.append(value)
            if style.width > 1 and value % style.width == 0:
                return "width" if value == style.width else f"{value // style.width} * width"
        if role == "n" and self.outside and value >= style.least > 0:
            style.depths.append(value)
            return f"depth{len(style.depths)}"
        if isinstance(value, tuple):
            if len(value) > 1 and all(isinstance(n, int) and n > 0 for n in value):
                return "x".join(map(str, value))
            return "[" + ", ".join(self.literal(n) for n in value) + "]"
        if isinstance(value, float):
            return f"{value:.12g}"
        if role == "act" and value == style.act:
            style.turned.add("act")
            return "act"
        return str(value)

    def relate(
        self, values: list[Any], local: list[int | None] | None, role: str, inward: bool = False
    ) -> str:
        """An expression of these values. ``local`` are the channels where it stands, ``inward``
        prefers them to parameters. ``None`` is any value, of an instance that has none."""
        if any(isinstance(v, FirstTurn) for v in values):
            first = [v.first if isinstance(v, FirstTurn) else v for v in values]
            rest = [v.rest if isinstance(v, FirstTurn) else v for v in values]
            one, other = self.relate(first, local, role), self.relate(rest, None, role)
            return one if one == other else f"{one} if j == 1 else {other}"
        if any(isinstance(v, Ramp) for v in values):
            return self._ramp(values, role)
        if (
            any(isinstance(v, Expansion) for v in values)
            and len({*map(repr, values)} - {"None"}) > 1
        ):
            values = [int(v) if isinstance(v, Expansion) else v for v in values]
        known = [v for v in values if v is not None]
        if any(isinstance(v, Classes) for v in known) and not self.outside:
            return self.param(role, values)
        if role == "groups" and local is not None:
            pairs = [(v, c) for v, c in zip(values, local, strict=True) if v is not None]
            if pairs and all(v == c and v != 1 for v, c in pairs):
                return "in.channels"
        if len(set(map(repr, known))) == 1:
            return self._of_some(values, role) or self.literal(known[0], role)
        whole = all(map(_is_number, known))
        found = self._related(values, local, role, inward, whole)
        return found or self.param(role, values)

    def _of_some(self, values: list[Any], role: str) -> str | None:
        """A parameter of channels that has this value in those instances, one or more but not all,
        that have any: of the others it is another number."""
        if None not in values or role != "channels" or not any(map(_is_number, values)):
            return None
        for name, known in self.params.items():
            both = zip(values, known, strict=True)
            if re.fullmatch(r"c\d*", name) and all(v in (None, b) for v, b in both):
                return name
        return None

    def known(self, values: list[Any], local: list[int | None] | None) -> str | None:
        """Numbers of channels as one, or by others that are known; nothing where they are new."""
        known = [v for v in values if v is not None]
        if len(set(known)) == 1:
            return self.literal(known[0], "channels")
        return self._related(values, local, "channels", False, all(map(_is_number, known)))

    def _ramp(self, values: list[Any], role: str) -> str:
        starts = [v.start if isinstance(v, Ramp) else v for v in values]
        start = self.relate(starts, None, role)
        if start.isdigit():
            return {0: "j - 1", 1: "j"}.get(int(start), f"j + {int(start) - 1}")
        return f"{start} + j - 1"

    def _related(
        self,
        values: list[Any],
        local: list[int | None] | None,
        role: str,
        inward: bool,
        whole: bool,
    ) -> str | None:
        """Numbers of channels by others; of all else, that two are equal is taken for chance."""
        if not whole or not (role in CHANNELS or re.fullmatch(r"c\d*", role)):
            return None
        named = [(n, v) for n, v in self.params.items() if re.fullmatch(r"c\d*", n)]
        bases = [(n, v) for n, v in named if all(b is None or _is_number(b) for b in v)]
        inner: list[tuple[str, list[Any]]] = [] if local is None else [("in.channels", local)]
        inner.append(("entering", self.entering))
        bases = inner + bases if inward else bases + inner
        pairs = [(name, list(zip(values, base, strict=True))) for name, base in bases]
        pairs = [(name, [(v, b) for v, b in two if v is not None]) for name, two in pairs]
        for name, two in pairs:
            if all(repr(v) == repr(b) for v, b in two):
                return self.use(name)
        for name, two in pairs:
            if not all(isinstance(b, int) and not isinstance(b, bool) and b for _, b in two):
                continue
            ratios = {Fraction(v, b) for v, b in two}
            if len(ratios) == 1:
                ratio = ratios.pop()
                if ratio.denominator == 1 and ratio <= MOST_TIMES:
                    return f"{ratio} * {self.use(name)}"
                if ratio.numerator == 1 and ratio.denominator <= MOST_PARTS:
                    return f"{self.use(name)} / {ratio.denominator}"
            for parts in (2, 4, 8, 16):
                if all(v == b // parts for v, b in two):
                    return f"{self.use(name)} // {parts}"
        return None

    def use(self, name: str) -> str:
        if name == "entering":
            self.uses_entering = True
            return "entering"
        return name

    def param(self, role: str, values: list[Any]) -> str:
        """A parameter of these values: one that there is, or a new one."""
        base = self.word(role)
        for name, known in self.params.items():
            agree = all(
                a is None or b is None or repr(a) == repr(b)
                for a, b in zip(values, known, strict=True)
            )
            if agree and name.rstrip("0123456789_") == base:
                self.params[name] = [
                    b if a is None else a for a, b in zip(values, known, strict=True)
                ]
                return name
        self._roles[base] += 1
        name = base if self._roles[base] == 1 else f"{base}{self._roles[base]}"
        while name in self.params or name in KEYWORDS or name in self.tensors:
            self._roles[base] += 1
            name = f"{base}{self._roles[base]}"
        self.params[name] = list(values)
        return name

    def word(self, role: str) -> str:
        """What a parameter is called, but for a number."""
        return SHORT.get(role, role).rstrip("0123456789")

    def condition(self, wanted: list[bool | None]) -> str:
        """An expression that is true for these instances."""
        stride = self.params.get("stride")
        entering = self.entering
        for negated in (False, True):
            want = [None if w is None else w != negated for w in wanted]

            def holds(test: Callable[[int], bool], want: list[bool | None] = want) -> bool:
                return all(test(i) == w for i, w in enumerate(want) if w is not None)

            def is_one(i: int) -> bool:
                return stride is not None and stride[i] in (1, None)

            if stride is not None and holds(lambda i: not is_one(i)):
                self._one_where_none(wanted)
                return "stride == 1" if negated else "stride > 1"
            for name, values in self.params.items():
                if not _is_number(values[0]):
                    continue
                if holds(lambda i, v=values: v[i] != entering[i]):  # type: ignore[misc]
                    return f"{name} {'==' if negated else '!='} {self.use('entering')}"
                if stride is not None and holds(
                    lambda i, v=values: is_one(i) and v[i] == entering[i]  # type: ignore[misc]
                ):
                    self._one_where_none(wanted)
                    both = f"stride == 1 and {name} == {self.use('entering')}"
                    return f"not ({both})" if negated else both
            for name, values in self.params.items():
                if all(isinstance(v, bool) for v in values) and holds(
                    lambda i, v=values: v[i]  # type: ignore[misc]
                ):
                    return f"not {name}" if negated else name
        return self.param("with_part", list(wanted))

    def _one_where_none(self, wanted: list[bool | None]) -> None:
        """Gives instances that need no stride, but that a condition is asked of, one of 1."""
        given = zip(self.params["stride"], wanted, strict=True)
        self.params["stride"] = [1 if s is None and w is not None else s for s, w in given]


def _is_number(value: Any) -> bool:
    """Whether a value is a whole number that others may be related to."""
    return isinstance(value, int) and not isinstance(value, (bool, Classes))

"""What equals what: in the language, and in what is remembered. There is no third notion.

``same`` is the `==` of a spec, and ``meaning`` is what equal values share. They ask what values
mean: 1 equals 1.0, a list equals its range, and a boolean equals no number.

``key`` is what results are remembered by: blocks, layers, patterns. Values of equal keys cannot
be told apart by any spec: whatever is done with the one leaves what it would leave with the
other, message and printed text included. So it is finer than ``same``, and finer than Python's
equality, which takes ``(1,)``, ``(1.0,)`` and ``(True,)`` for one:

- numbers go by their class too (a range takes 1 and not 1.0), and 0.0 is not -0.0;
- a range goes by its ends and its step, as ``xs[1..1]`` is a list and ``xs[1..1 step 2]`` a fault;
- lists, closures and presets go by the keys of all that they hold;
- code, tensors and knobs of which nothing is known go by what they are, not by what they are like.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from typing import Any

from archdsl.elaborate.code import BlockCode
from archdsl.elaborate.values import MAX_LIST, Closure, LayerRef, Preset, SharedLayer, Tensor
from archdsl.layers.init import Init
from archdsl.layers.polynomial import Polynomial, decided
from archdsl.layers.unknowns import Unknown

# Equal values of one of these classes cannot be told apart.
PLAIN = frozenset(
    (
        *(int, bool, str, Fraction, type(None), object),
        *(Polynomial, Unknown, LayerRef, BlockCode, Tensor, SharedLayer),
    )
)


def same(a: Any, b: Any) -> bool:
    """Equality of the language."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, range) != isinstance(b, range):
        a, b = (tuple(v) if isinstance(v, range) and len(v) <= MAX_LIST else v for v in (a, b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Closure) and isinstance(b, Closure):
        return a.code is b.code and same(a.captured, b.captured)
    if isinstance(a, Preset) and isinstance(b, Preset):
        mine, theirs = ({name: value for name, value, _ in p.given} for p in (a, b))
        return (
            same(a.callee, b.callee)
            and mine.keys() == theirs.keys()
            and all(same(value, theirs[name]) for name, value in mine.items())
        )
    return bool(a == b)


def meaning(value: Any) -> Hashable:
    """What two values have in common exactly where they are the ``same``: to find one among many.
    Raises ``Undecided`` for numbers that are not decided."""
    kind = value.__class__
    if kind is bool:
        return kind, value
    if kind is range and len(value) <= MAX_LIST:
        return tuple(value)
    if kind is tuple:
        return tuple(map(meaning, value))
    if kind is Closure:
        return kind, value.code, meaning(value.captured)
    if kind is Preset:
        given = [(name, meaning(held)) for name, held, _ in value.given]
        return kind, value.callee, frozenset(given)
    found: Hashable = decided(value)
    return found


def key(values: tuple[Any, ...]) -> Hashable:
    """What results that follow from these values are remembered by."""
    kinds = tuple(map(type, values))
    return (values, kinds) if PLAIN.issuperset(kinds) else tuple(map(_key, values))


def _key(value: Any) -> Hashable:
    kind = value.__class__
    if kind is tuple:
        return kind, key(value)
    if kind is float:
        return kind, value.hex()
    if kind is range:
        return kind, value.start, value.stop, value.step
    if kind is Closure:
        return kind, value.code, key(value.captured)
    if kind is Preset:
        given = [(name, span, _key(held)) for name, held, span in value.given]
        return kind, value.callee, tuple(given)
    if kind is Init:
        return kind, value.name, value.call, key(tuple([held for _, held in value.arguments]))
    return kind, value

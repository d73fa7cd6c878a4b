"""Verdicts as plain dictionaries, for JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from archdsl.verdict.answer import Verdict


def to_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as dictionaries, lists, numbers and texts; keys are the names of fields."""
    whole = asdict(verdict)
    return {f.name: listed(whole[f.name]) for f in fields(Verdict)}


def from_json(data: Mapping[str, Any]) -> Verdict:
    """The verdict that ``to_json`` has written down."""
    if data.get("format") != 2:
        raise ValueError(f"a verdict of format {data.get('format')!r}: only 2 is known")
    verdict: Verdict = made(Verdict, data)
    return verdict


def listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: listed(v) for k, v in value.items()}
    return [listed(v) for v in value] if isinstance(value, tuple | list) else value


def made(hint: Any, value: Any) -> Any:
    """A value of the type that a hint asks for."""
    if value is None:
        return None
    if get_origin(hint) in (UnionType, Union):
        (hint,) = (h for h in get_args(hint) if h is not type(None))
    if get_origin(hint) is tuple:
        return tuple(made(get_args(hint)[0], v) for v in value)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        known = [f.name for f in fields(hint) if f.name in value]  # older ones have fewer
        return hint(**{name: made(hints[name], value[name]) for name in known})
    return value

"""What the parameters of a ``forward`` are called."""

from __future__ import annotations

from collections.abc import Container, Sequence

from archdsl.backend.names import SPOKEN, UNCLEAR, identifier
from archdsl.backend.scope import Unrolled
from archdsl.backend.variables import RUNNING
from archdsl.ir.network import Part


def incoming_name(name: str, taken: Container[str]) -> str:
    """The parameter for what comes in: as the spec calls it, or ``x``."""
    wanted = identifier(name) if name else RUNNING
    return RUNNING if wanted in {*SPOKEN, *UNCLEAR} or wanted in taken else wanted


def unlike(name: str, others: Container[str]) -> str:
    """The parameter for what comes in, where the spec calls other tensors as it: ``x`` gives
    way."""
    return next(n for n in (name, "h", "input_", "given") if n not in others)


def lent_names(scopes: Sequence[Unrolled], taken: Container[str]) -> list[str]:
    """The parameters for shared modules from outside: as the spec calls them, if it calls them so
    in all instances of a class; else ``layer``, ``layer2``."""
    found: list[str] = []
    for i in range(len(scopes[0].lent)):
        names = {scope.lent[i] for scope in scopes}
        wanted = identifier(names.pop()) if len(names) == 1 else "layer"
        used = {*SPOKEN, *UNCLEAR, *found}
        if wanted in used or wanted in taken:
            wanted = "layer" if "layer" not in used else f"layer{i + 1}"
        found.append(identifier(wanted, used))
    return found


def import_names(parts: Sequence[Part], taken: Container[str]) -> list[str]:
    """The parameters for tensors from outside: as the block calls them, or else as the spec does,
    if it calls them so in all instances of a class; else ``skip``, ``skip2``."""
    found: list[str] = []
    for i in range(len(parts[0].imports)):
        called = {_argument(part, i) for part in parts}
        names = {part.tensors[i] if i < len(part.tensors) else "" for part in parts}
        names = names if called == {""} or len(called) > 1 else called
        wanted = identifier(names.pop()) if len(names) == 1 else ""
        used = {*(SPOKEN - {RUNNING}), *UNCLEAR, *found}
        if not wanted or wanted in used or wanted in taken:
            wanted = "skip" if i == 0 else f"skip{i + 1}"
        found.append(identifier(wanted, used))
    return found


def _argument(part: Part, place: int) -> str:
    """The parameter of a block that a tensor from outside is given as; numbered, of a list."""
    given = part.imported[place] if place < len(part.imported) else None
    for name, value in part.arguments if given is not None else ():
        several = value if isinstance(value, tuple) else ()
        number = next((i for i, one in enumerate(several, 1) if one is given), 0)
        if number or value is given:
            return f"{name}{number or ''}"
    return ""


def returned(part: Part, outputs: bool, results: bool) -> str:
    """The type of what a ``forward`` gives: ``outputs`` says whether a network has some beside its
    result in training, ``results`` whether it has several in evaluation."""
    if len(part.given) > 1:
        return f"tuple[{', '.join(['Tensor'] * len(part.given))}]"
    if results:
        return "dict[str, Tensor]"
    return "Tensor | dict[str, Tensor]" if outputs else "Tensor"

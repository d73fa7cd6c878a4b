"""Taking weights over from another implementation, by structure and shape alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

if TYPE_CHECKING:
    import torch
    from torch import nn

# The tensors of one layer by their names in it; `num_batches_tracked` is a counter that old
# checkpoints lack.
Tensors = dict[str, Any]
Group = tuple[str, Tensors]
COUNTER = "num_batches_tracked"


def transfer(weights: Mapping[str, torch.Tensor] | str | Path, module: nn.Module) -> dict[str, str]:
    """Loads the weights of another implementation into a compiled module.

    ``weights`` is a ``state_dict``, or the path of one. Layers are matched in their order and
    by the shapes of their tensors, whatever they are called. Where implementations list the
    same layers in another order (shortcuts before or behind the branch, auxiliary heads at the
    end), that is tried too. Returns the checkpoint's key for each key of the module.

    Raises ``ArchError`` naming the first place that does not fit; then nothing is loaded.
    """
    found = read_checkpoint(weights) if isinstance(weights, (str, Path)) else dict(weights)
    source = _groups(found)
    best: tuple[int, str] = (-1, "")
    for target in _orders(module):
        reached, problem = _compare(source, target)
        if not problem:
            return _load(source, target, module)
        if reached > best[0]:
            best = (reached, problem)
    raise ArchError([diagnose(codes.NO_FIT, reason=best[1])])


def read_checkpoint(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a file. Nothing that stands in it is run. Raises ``ArchError``."""
    import torch

    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file") from None
    except ImportError:
        raise ArchError(
            [diagnose(codes.NEEDS_PACKAGE, package="safetensors", extra="safetensors")]
        ) from None
    except Exception as problem:  # torch and safetensors raise many kinds for a bad file
        reason = str(problem).split("\n", 1)[0].split(". ", 1)[0]
        raise _unreadable(path, reason or type(problem).__name__) from None
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(
        isinstance(v, torch.Tensor) for v in content.values()
    ):
        raise _unreadable(path, "it holds no state_dict")
    return dict(content)


def _unreadable(path: Path, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_CHECKPOINT, name=str(path), reason=reason)])


def _groups(tensors: Mapping[str, Any]) -> list[Group]:
    """The tensors by the layer that has them, in their order."""
    groups: dict[str, Tensors] = {}
    for key, tensor in tensors.items():
        layer, _, name = key.rpartition(".")
        groups.setdefault(layer, {})[name] = tensor
    return list(groups.items())


def _orders(module: nn.Module) -> Iterator[list[Group]]:
    """The module's layers in the orders in which implementations list them."""
    base = _groups(module.state_dict())
    sides = [n for n in getattr(module, "output_weights", {}) if n != "main"]
    seen: set[tuple[str, ...]] = set()
    for shortcut, side in product(_SHORTCUTS, _SIDES):
        order = side(shortcut(base), sides)
        key = tuple(layer for layer, _ in order)
        if key not in seen:
            seen.add(key)
            yield order


def _as_it_is(groups: list[Group]) -> list[Group]:
    return groups


def _shortcuts_first(groups: list[Group]) -> list[Group]:
    """Every shortcut before the other layers of its block."""
    blocks: dict[str, list[Group]] = {}
    for group in groups:
        parts = group[0].split(".")
        at = next((i for i, p in enumerate(parts) if p.startswith("shortcut")), None)
        block = ".".join(parts[:at]) if at is not None else group[0].rpartition(".")[0]
        blocks.setdefault(block, []).append(group)
    ordered = []
    for members in blocks.values():
        members.sort(key=lambda g: not any(p.startswith("shortcut") for p in g[0].split(".")))
        ordered.extend(members)
    return ordered


def _sides_in_place(groups: list[Group], sides: list[str]) -> list[Group]:
    return groups


def _sides_before_the_last(groups: list[Group], sides: list[str]) -> list[Group]:
    main, side = _apart(groups, sides)
    return main[:-1] + side + main[-1:]


def _sides_at_the_end(groups: list[Group], sides: list[str]) -> list[Group]:
    main, side = _apart(groups, sides)
    return main + side


def _apart(groups: list[Group], sides: list[str]) -> tuple[list[Group], list[Group]]:
    side = [g for g in groups if g[0].split(".")[0] in sides]
    return [g for g in groups if g not in side], side


_SHORTCUTS: tuple[Callable[[list[Group]], list[Group]], ...] = (_as_it_is, _shortcuts_first)
_SIDES: tuple[Callable[[list[Group], list[str]], list[Group]], ...] = (
    _sides_in_place,
    _sides_before_the_last,
    _sides_at_the_end,
)


def _shapes(tensors: Tensors) -> dict[str, tuple[int, ...]]:
    return {n: tuple(t.shape) for n, t in tensors.items() if n != COUNTER}


def _compare(source: list[Group], target: list[Group]) -> tuple[int, str]:
    """How many layers fit, and what is wrong with the first that does not."""
    for place, ((theirs, a), (ours, b)) in enumerate(zip(source, target, strict=False)):
        x, y = _shapes(a), _shapes(b)
        if set(x) != set(y):
            return place, f"`{theirs}` has {_names(x)}, but `{ours}` has {_names(y)}"
        for name, shape in x.items():
            if not _fits(shape, y[name]):
                return place, (
                    f"`{theirs}.{name}` is {_show(shape)}, but `{ours}.{name}` is {_show(y[name])}"
                )
    if len(source) > len(target):
        extra = source[len(target)][0]
        return len(target), f"`{extra}` is left over: the network has no more layers"
    if len(target) > len(source):
        missing = target[len(source)][0]
        return len(source), f"nothing is left for `{missing}`"
    return len(source), ""


def _fits(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Equal shapes; a 1x1 convolution is a linear layer's equal."""
    core_a = a[:2] if prod(a[2:]) == 1 else a
    core_b = b[:2] if prod(b[2:]) == 1 else b
    return core_a == core_b


def _names(shapes: Mapping[str, Any]) -> str:
    return " and ".join(shapes) or "nothing"


def _show(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"


def _load(source: list[Group], target: list[Group], module: nn.Module) -> dict[str, str]:
    values: dict[str, Any] = {}
    taken: dict[str, str] = {}
    for (theirs, a), (ours, b) in zip(source, target, strict=True):
        for name, old in b.items():
            key = f"{ours}.{name}" if ours else name
            if name in a:
                values[key] = a[name].reshape(old.shape)
                taken[key] = f"{theirs}.{name}" if theirs else name
            else:
                values[key] = old
    module.load_state_dict(values)
    return taken

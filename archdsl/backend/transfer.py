"""Taking weights over from another implementation, by structure and shape alone.

A checkpoint is a tree of layers, the network a list of them in the order in which they run. The
tree is walked as it is listed; where that does not fit, its branches are put in another order,
which is all that a sorted file, a shortcut listed first or a parameter beside modules changes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from pathlib import Path
from pickle import UnpicklingError
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
    by the shapes of their tensors, whatever they are called; where the order does not fit,
    layers and groups of layers that stand beside each other change places, but never those
    that differ in a number alone. A checkpoint with the module's own keys is taken by them.
    Returns the checkpoint's key for each key of the module.

    Raises ``ArchError`` naming the first place that does not fit; then nothing is loaded.
    """
    if isinstance(weights, (str, Path)):
        found = read_checkpoint(weights)
    else:
        found = _state_dict(weights, f"a {type(weights).__name__}")
    source, root = _groups(found), tree(_groups(found))
    searches = [Search(target) for target in _orders(_groups(module.state_dict()), module)]
    orders = chain(
        ((search, _by_name(source, search.target)) for search in searches[:1]),
        ((search, source) for search in searches),
        ((search, search.arrange(root, 0)) for search in searches),
    )
    for search, order in orders:
        if order is not None and search.fits(order):
            return _load(order, search.target, module)
    furthest = max(searches, key=lambda search: search.reached)
    raise ArchError([diagnose(codes.NO_FIT, reason=furthest.problem)])


def read_checkpoint(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a file. Nothing that stands in it is run. Raises ``ArchError``."""
    import torch

    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats of pickle
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except ImportError:
        raise ArchError(
            [diagnose(codes.NEEDS_PACKAGE, package="safetensors", extra="safetensors")]
        ) from None
    except Exception as problem:  # torch and safetensors raise many kinds for a bad file
        raise _unreadable(str(path), _why(path, problem)) from None
    return _state_dict(content, str(path))


def _why(path: Path, problem: Exception) -> str:
    """What is the matter with a file that could not be read."""
    import zipfile

    if not path.exists():
        return "there is no such file"
    if not path.is_file():
        return "it is a folder" if path.is_dir() else "it is no file"
    if isinstance(problem, PermissionError):
        return "reading it is not allowed"
    start = path.open("rb").read(2)
    if not start:
        return "it is empty"
    if start == b"PK" and not zipfile.is_zipfile(path):
        return "it is cut short"
    if isinstance(problem, UnpicklingError):
        if "Unsupported global" in str(problem):
            return "it holds more than tensors, and reading that would run it"
        return "it is neither written by torch.save nor called .safetensors"
    return str(problem).split("\n", 1)[0] or type(problem).__name__


def _state_dict(content: Any, name: str) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, which may lie in it beside other things."""
    import torch

    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in content.items()
    ):
        raise _unreadable(name, "it holds no state_dict")
    return dict(content)


def _unreadable(name: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_CHECKPOINT, name=name, reason=reason)])


def _groups(tensors: Mapping[str, Any]) -> list[Group]:
    """The tensors by the layer that has them, in their order."""
    groups: dict[str, Tensors] = {}
    for key, tensor in tensors.items():
        layer, _, name = key.rpartition(".")
        groups.setdefault(layer, {})[name] = tensor
    return list(groups.items())


def _orders(groups: list[Group], module: nn.Module) -> Iterator[list[Group]]:
    """The module's layers, and then with its side outputs at the end."""
    yield groups
    sides = [n for n in getattr(module, "output_weights", {}) if n != "main"]
    if sides:
        yield sorted(groups, key=lambda g: g[0].split(".")[0] in sides)


def _by_name(source: list[Group], target: list[Group]) -> list[Group] | None:
    """The checkpoint's layers in the module's order, if they are called as the module's."""
    named = dict(source)
    return [(n, named[n]) for n, _ in target] if named.keys() == {n for n, _ in target} else None


@dataclass(eq=False, slots=True)
class Node:
    """Layers and groups of layers. In a queue are those whose names differ in the number at
    the end, in its order; an inner node has its own tensors as a layer."""

    queues: list[list[Node | Group]] = field(default_factory=list)


def tree(groups: Sequence[Group], depth: int = 0) -> Node:
    """The layers by the parts of their names from ``depth`` on."""
    children: dict[str, list[Group]] = {}
    for group in groups:
        parts = group[0].split(".")
        children.setdefault(parts[depth] if depth < len(parts) else "", []).append(group)
    queues: dict[str, list[tuple[int, Node | Group]]] = {}
    for name, members in children.items():
        alone = len(members) == 1 and members[0][0].count(".") <= depth
        stem = name.rstrip("0123456789")
        child = members[0] if alone else tree(members, depth + 1)
        queues.setdefault(stem, []).append((int(name[len(stem) :] or -1), child))
    return Node([[c for _, c in sorted(q, key=lambda x: x[0])] for q in queues.values()])


class Search:
    """Looks for an order of a checkpoint's layers in which they fit a network's.

    ``problem`` is what is wrong with the layer at which it got furthest, if possible with one
    that has the right tensors; ``reached`` says where that is, and whether it has.
    """

    def __init__(self, target: list[Group]) -> None:
        self.target = target
        self.reached, self.problem = (-1, False), ""
        self.known: dict[tuple[int, int], list[Group] | None] = {}

    def fits(self, order: list[Group]) -> bool:
        """Whether the layers fit in this very order, and are all that is needed."""
        if not all(self.fit(group, place) for place, group in enumerate(order)):
            return False
        if len(order) < len(self.target):
            self.note((len(order), False), f"nothing is left for `{self.target[len(order)][0]}`")
        return len(order) == len(self.target)

    def fit(self, group: Group, place: int) -> bool:
        if place == len(self.target):
            problem = f"`{group[0]}` is left over: the network has no more layers"
            self.note((place, False), problem)
            return False
        names, problem = _difference(group, self.target[place])
        if problem:
            self.note((place, names), problem)
        return not problem

    def note(self, reached: tuple[int, bool], problem: str) -> None:
        if reached > self.reached:
            self.reached, self.problem = reached, problem

    def arrange(self, node: Node | Group, start: int) -> list[Group] | None:
        """The layers of a node in an order that fits the network's from ``start`` on."""
        if not isinstance(node, Node):
            return [node] if self.fit(node, start) else None
        key = (id(node), start)
        if key not in self.known:
            self.known[key] = self.arrange_queues(node.queues, start)
        return self.known[key]

    def arrange_queues(self, queues: list[list[Node | Group]], start: int) -> list[Group] | None:
        """Takes the head of one queue after the other; goes back where none fits."""
        taken = tuple(0 for _ in queues)
        ways = [iter(_heads(queues, taken))]
        states, seen = [taken], {taken}
        parts: list[list[Group]] = []
        while ways:
            place = start + sum(map(len, parts))
            for q in ways[-1]:
                after = tuple(n + (i == q) for i, n in enumerate(states[-1]))
                part = None if after in seen else self.arrange(queues[q][after[q] - 1], place)
                if part is not None:
                    seen.add(after)
                    parts.append(part)
                    states.append(after)
                    ways.append(iter(_heads(queues, after)))
                    break
            else:
                if all(n == len(q) for n, q in zip(states[-1], queues, strict=True)):
                    return [group for part in parts for group in part]
                ways.pop()
                states.pop()
                if parts:
                    parts.pop()
        return None


def _heads(queues: list[list[Node | Group]], taken: tuple[int, ...]) -> list[int]:
    """The queues that are not empty, the likeliest to go on with first: layers before groups,
    a count that has begun before others."""
    left = [i for i, (n, q) in enumerate(zip(taken, queues, strict=True)) if n < len(q)]
    return sorted(left, key=lambda i: (isinstance(queues[i][taken[i]], Node), not taken[i]))


def _pairs(ours: Tensors, theirs: Tensors) -> dict[str, str] | None:
    """The name of their tensor for each of ours, but for the counter; of one alone any name."""
    x, y = ([n for n in tensors if n != COUNTER] for tensors in (theirs, ours))
    if len(x) == len(y) == 1:
        return {y[0]: x[0]}
    return {n: n for n in y} if set(x) == set(y) else None


def _difference(theirs: Group, ours: Group) -> tuple[bool, str]:
    """Whether a layer has the tensors of another, and why it does not fit that, or nothing."""
    pairs = _pairs(ours[1], theirs[1])
    if pairs is None:
        a, b = _names(theirs[1]), _names(ours[1])
        return False, f"`{theirs[0]}` has {a}, but `{ours[0]}` has {b}"
    for name, other in pairs.items():
        x, y = tuple(theirs[1][other].shape), tuple(ours[1][name].shape)
        if not _same(x, y):
            a, b = _key(theirs[0], other), _key(ours[0], name)
            return True, f"`{a}` is {_show(x)}, but `{b}` is {_show(y)}"
    return True, ""


def _same(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Equal shapes but for axes of 1 at the end; a linear layer on a flattened image is a
    convolution of the image's size."""
    a, b = _core(a), _core(b)
    if min(len(a), len(b)) == 2 and a[0] == b[0]:
        return prod(a) == prod(b)
    return a == b


def _core(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _key(layer: str, name: str) -> str:
    return f"{layer}.{name}" if layer else name


def _names(tensors: Tensors) -> str:
    return " and ".join(n for n in tensors if n != COUNTER) or "nothing"


def _show(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"


def _load(source: list[Group], target: list[Group], module: nn.Module) -> dict[str, str]:
    values: dict[str, Any] = {}
    taken: dict[str, str] = {}
    for (theirs, a), (ours, b) in zip(source, target, strict=True):
        names = (_pairs(b, a) or {}) | ({COUNTER: COUNTER} if COUNTER in a else {})
        for name, old in b.items():
            key = _key(ours, name)
            values[key] = old
            if name in names:
                values[key] = a[names[name]].reshape(old.shape)
                taken[key] = _key(theirs, names[name])
    module.load_state_dict(values)
    return taken

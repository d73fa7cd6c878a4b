"""Taking weights over from another implementation, by structure and shape; where several orders
fit, by names; and where those do not decide, not at all."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.backend.arrangement import OrderSearch, Way, tree
from archdsl.backend.example_inputs import several
from archdsl.backend.layer_tensors import COUNTER, Group, difference, groups, key_of, pairs
from archdsl.backend.out_of_memory import is_shortage, shortage
from archdsl.backend.saved import NOT_TORCHS, read_saved, refusal, trouble
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import named_like, opened
from archdsl.layers.base import show_shape

if TYPE_CHECKING:
    import torch
    from torch import nn

TRIED = 8  # orders that are run where a module can be asked
CLOSE = 1e-3  # how far results may be off, relative to the largest: rounding
SHOWN = 3  # layers that are named where two orders fit
UNSEEN = (
    "the names of the weights are not this network's. Weights do not show strides, slopes and the"
    " constants of norms: those of the spec are used. Given the other module and an `example`,"
    " `transfer` runs both and compares their results."
)
DEEPEST = 100  # modules that a tensor may be in


def transfer(
    weights: Mapping[str, torch.Tensor] | str | Path | nn.Module,
    module: nn.Module,
    *,
    order: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    example: torch.Tensor | Sequence[torch.Tensor] | None = None,
) -> dict[str, str]:
    """Loads the weights of another implementation into a compiled module.

    ``weights`` is a ``state_dict``, the path of one, or a module. Layers are matched by the
    shapes of their tensors and by the order in which they run, whatever they are called and
    however the file is sorted. Where several orders fit, names decide: equal ones, shortcuts
    (``downsample``, ``proj``), numbers and letters at the end. Where they do not, nothing is
    loaded. Then ``order`` names layers or groups in the order in which they run, by their whole
    names or the last parts of these; ``names`` maps their names, or patterns of them with
    ``*``, to the module's. With a module and an ``example`` (a batch of images, or several
    tensors), both are run in evaluation, and the order is taken with which they give the same;
    of several results, those of one name, or all in their order.
    Returns the checkpoint's key for each key of the module.

    Without an example it warns where the names are another network's, as weights do not show all
    in which two networks may differ. Raises ``ArchError`` (A603) naming the first place that does
    not fit, or the orders that fit; then nothing is loaded.
    """
    taken = load_weights(weights, module, order=order, names=names, example=example)
    if example is None and are_renamed(taken):
        warnings.warn(UNSEEN, stacklevel=2)
    return taken


def are_renamed(taken: Mapping[str, str]) -> bool:
    """Whether names here and in a file differ, by more than one prefix of all that are in the
    file: ``module.`` of `DataParallel`, ``_orig_mod.`` of `torch.compile`."""
    ours, theirs = next(iter(taken.items()), ("", ""))
    prefix = theirs.removesuffix(ours)
    same = all(theirs == prefix + ours for ours, theirs in taken.items())
    return not same or (bool(prefix) and not prefix.endswith("."))


def load_weights(
    weights: Mapping[str, torch.Tensor] | str | Path | nn.Module,
    module: nn.Module,
    *,
    order: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    example: torch.Tensor | Sequence[torch.Tensor] | None = None,
) -> dict[str, str]:
    """As ``transfer``, and warns of nothing."""
    tensors, ours = _tensors(weights), module.state_dict()
    source, target = groups(tensors), groups(ours)
    if len(tensors) > len(ours):
        source = groups(_once(tensors))
    _check_told([layer for layer, _ in source], order, names or {})
    fixed = _named(source, target, names or {})
    told, given = ({group[at][0] for group in fixed} for at in (0, 1))
    left = [group for group in source if group[0] not in told]
    root = tree(left, order)
    orders = _orders([group for group in target if group[0] not in given], module)
    searches = [OrderSearch(ours, kept=TRIED if example is not None else 2) for ours in orders]
    ways: list[tuple[Way, list[Group]]] = []
    for search in searches:
        named = None if order else _by_name(left, search.target)
        if named is not None and search.fits(named):
            ways = [(Way((0, 0, 0, 0), tuple(named)), search.target)]
            break
        search.fits(left)  # for the message: the first layer of the file that does not fit
        ways += [(way, search.target) for way in search.best(root)]
    if not ways:
        furthest = max(searches, key=lambda search: search.reached)
        raise _no_fit(furthest.problem)
    least = min(way.cost for way, _ in ways)
    ways = [(way, ours) for way, ours in ways if way.cost == least]
    fitted = [[*fixed, *zip(way.groups, ours, strict=True)] for way, ours in ways]
    if example is not None:
        if isinstance(weights, (Mapping, str, Path)):
            raise TypeError("an example needs the module that the weights belong to")
        return _load_running(fitted, weights, module, example)
    if len(ways) > 1:
        raise _several(ways[0][0], ways[1][0], ways[0][1])
    return _load(fitted[0], module)


def _tensors(weights: Any) -> dict[str, torch.Tensor]:
    from torch import nn

    if isinstance(weights, (str, Path)):
        return read_checkpoint(weights)
    name = f"a {type(weights).__name__}"
    return _state_dict(weights.state_dict() if isinstance(weights, nn.Module) else weights, name)


def _once(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors without those that lie in the memory of an earlier one: of tied weights, a
    checkpoint has a key for each layer that has them."""
    found: dict[str, torch.Tensor] = {}
    met: set[tuple[int, torch.Size]] = set()
    for key, tensor in tensors.items():
        place = tensor.data_ptr(), tensor.shape
        if place not in met or not tensor.numel():
            found[key] = tensor
        met.add(place)
    return found


def _load_running(
    fitted: list[list[tuple[Group, Group]]],
    theirs: nn.Module,
    module: nn.Module,
    example: torch.Tensor | Sequence[torch.Tensor],
) -> dict[str, str]:
    """Loads the first of several orders with which a module gives what the other gives."""
    import torch

    given = several(example)

    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    modes = [(m, m.training) for m in (module, theirs)]
    off = []
    try:
        module.eval(), theirs.eval()
        with torch.no_grad():
            wanted = theirs(*given)
            for pairs in fitted:
                taken = _load(pairs, module)
                off.append(max(_apart(module(*given), wanted)))
                if off[-1] <= CLOSE:
                    return taken
    except ArchError:
        module.load_state_dict(before)
        raise
    finally:
        for m, training in modes:
            m.train(training)
    module.load_state_dict(before)
    tried = f"of {len(off)} orders that fit, none gives" if len(off) > 1 else "they do not give"
    raise _no_fit(
        f"{tried} the results of the other module: off by {min(off):.2g} of the largest",
        _exchanged([theirs for theirs, _ in fitted[0]]),
    )


def _exchanged(groups: Sequence[Group]) -> list[str]:
    """What to say of layers that could stand for each other."""
    alike: dict[object, list[str]] = {}
    for name, tensors in groups:
        shapes = tuple(sorted(tuple(t.shape) for t in tensors.values()))
        alike.setdefault(shapes, []).append(name)
    found = [names for names in alike.values() if len(names) > 1]
    if not found:
        return []
    names = max(found, key=len)
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return [
        f"layers of one shape may stand for each other, as {_list(names[:SHOWN])}{more}:"
        " `order` says which runs first, `names` which is which"
    ]


def _apart(found: Any, wanted: Any) -> Iterator[float]:
    """How far results are from those of another module, relative to the largest of each. Raises
    ``ArchError`` (A603) where there is no telling which is which."""
    ours, theirs = _results(found), _results(wanted)
    shared = [name for name in ours if name in theirs]
    pairs = [(ours[name], theirs[name]) for name in shared]
    if not shared and len(ours) == len(theirs):
        pairs = list(zip(ours.values(), theirs.values(), strict=True))
    if not pairs:
        raise _no_fit(
            f"the results cannot be compared: {_list([*theirs])} there, {_list([*ours])} here"
        )
    for a, b in pairs:
        if a.shape != b.shape:
            shapes = [show_shape(t.shape[1:]) for t in (b, a)]
            raise _no_fit(f"the results cannot be compared: {shapes[0]} there, {shapes[1]} here")
        yield float((a - b).abs().max()) / max(float(b.abs().max()), 1e-12)


def _results(given: Any) -> dict[str, torch.Tensor]:
    """The tensors that a module gives, by their names or numbers."""
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, (list, tuple)):
        return {str(i): tensor for i, tensor in enumerate(given)}
    return {"main": given}


def read_checkpoint(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a file. Nothing that stands in it is run. Raises ``ArchError``."""
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            opened(path).close()  # a pipe would be waited for
            content: Any = dict(load_file(path))
        else:
            content = read_saved(path)
        size = path.stat().st_size
    except ImportError:
        raise ArchError(
            [diagnose(codes.NEEDS_PACKAGE, package="safetensors", extra="torch")]
        ) from None
    except Exception as problem:  # torch and safetensors raise many kinds for a bad file
        if is_shortage(problem):
            raise shortage("cpu", f"the weights of {path}") from None
        raise _unreadable(str(path), _why(path, problem), named_like(path)) from None
    return _state_dict(content, str(path), size)


def _why(path: Path, problem: Exception) -> str:
    """What is the matter with a file that could not be read."""
    import zipfile

    if not path.exists():
        return "there is no such file"
    if not path.is_file():
        return "it is a folder" if path.is_dir() else "it is not a file"
    if isinstance(problem, PermissionError):
        return "reading it is not allowed"
    start = path.open("rb").read(2)
    if not start:
        return "it is empty"
    if start == b"PK" and not zipfile.is_zipfile(path):
        return "it is cut short"
    if why := refusal(problem):
        other = "torch.save did not write it, and its name does not end in .safetensors"
        return other if why == NOT_TORCHS else why
    return str(problem).split("\n", 1)[0] or type(problem).__name__


def _state_dict(content: Any, name: str, size: int | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, which may lie in it beside other things. ``size`` is that of
    its file."""
    import torch

    for key in ("state_dict", "model", "model_state_dict", "net"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in content.items()
    ):
        raise _unreadable(name, "it holds no state_dict")
    for key, tensor in content.items():
        if why := trouble(tensor, size):
            raise _unreadable(name, f"its tensor `{key:.200}` is {why}")
        if key.count(".") > DEEPEST:
            raise _unreadable(name, f"a name in it has more than {DEEPEST} parts: `{key:.40}...`")
    return dict(content)


def _unreadable(name: str, reason: str, help: Sequence[str] = ()) -> ArchError:
    return ArchError([diagnose(codes.BAD_CHECKPOINT, help=help, name=name, reason=reason)])


def _orders(found: list[Group], module: nn.Module) -> Iterator[list[Group]]:
    """The module's layers, and then with its side outputs at the end."""
    yield found
    sides = [n for n in getattr(module, "output_weights", {}) if n != "main"]
    if sides:
        yield sorted(found, key=lambda g: g[0].split(".")[0] in sides)


def _by_name(source: list[Group], target: list[Group]) -> list[Group] | None:
    """The checkpoint's layers in the module's order, if they are called as the module's."""
    named = dict(source)
    return [(n, named[n]) for n, _ in target] if named.keys() == {n for n, _ in target} else None


def _named(
    source: list[Group], target: list[Group], names: Mapping[str, str]
) -> list[tuple[Group, Group]]:
    """The layers that are named, each with that of the module. Raises ``ArchError`` (A603)."""
    ours, taken = dict(target), dict[str, str]()
    found = []
    for layer, tensors in source:
        wanted = next((w for k, v in names.items() if (w := _renamed(layer, k, v))), None)
        if wanted is None:
            continue
        if wanted not in ours:
            raise _no_fit(f"`{layer}` is to be `{wanted}`, which the network does not have")
        if wanted in taken:
            raise _no_fit(f"both `{taken[wanted]}` and `{layer}` are to be `{wanted}`")
        taken[wanted] = layer
        _, problem = difference((layer, tensors), (wanted, ours[wanted]))
        if problem:
            raise _no_fit(problem)
        found.append(((layer, tensors), (wanted, ours[wanted])))
    return found


def _renamed(layer: str, pattern: str, name: str) -> str | None:
    """A layer's new name by a pattern, of which it may be a part: what ``*`` stands for in the
    one, it stands for in the other."""
    match = re.fullmatch(re.escape(pattern).replace(r"\*", "([^.]*)") + r"(\..*)?", layer)
    if match is None:
        return None
    *stars, rest = match.groups()
    values = iter(stars)
    return re.sub(r"\*", lambda _: next(values, "*"), name) + (rest or "")


def _check_told(layers: list[str], order: Sequence[str], names: Mapping[str, str]) -> None:
    """Raises ``ArchError`` (A603) for a name that no layer and no group of the file has."""
    parts = [layer.split(".") for layer in layers]
    known = {part for layer in parts for part in layer}
    known |= {".".join(layer[:end]) for layer in parts for end in range(1, len(layer) + 1)}
    for name in order:
        if name not in known:
            raise _no_fit(f"no layer of the checkpoint is called `{name}`, which `order` names")
    for name in names:
        if not any(_renamed(layer, name, "x") for layer in layers):
            raise _no_fit(f"no layer of the checkpoint is called `{name}`, which `names` names")


def _several(one: Way, other: Way, target: list[Group]) -> ArchError:
    """Both orders, where they differ first, and what to write."""
    at = [i for i, (a, b) in enumerate(zip(one.names, other.names, strict=True)) if a != b]
    first, ours = at[:SHOWN], [target[i][0] for i in at[:SHOWN]]
    a, b = [one.names[i] for i in first], [other.names[i] for i in first]
    more = f" and {len(at) - SHOWN:,} more" if len(at) > SHOWN else ""
    reason = (
        f"two orders fit, and names do not say which is meant: {_list(a)} or {_list(b)} "
        f"for {_list(ours)}{more}"
    )
    parts = a[0].split("."), b[0].split(".")
    same = next((i for i, (x, y) in enumerate(zip(*parts, strict=False)) if x != y), 0)
    first_two = [".".join(p[same : same + 1]) for p in parts]
    pair = ", ".join(f'"{name}"' for name in first_two)
    call = f"--order {','.join(first_two)}, or transfer(..., order=[{pair}])"
    help = [f"say which comes first: {call}; or the other way round"]
    return ArchError([diagnose(codes.NO_FIT, help=help, reason=reason)])


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _no_fit(reason: str, help: Sequence[str] = ()) -> ArchError:
    return ArchError([diagnose(codes.NO_FIT, help=help, reason=reason)])


def _kind(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _load(fitted: list[tuple[Group, Group]], module: nn.Module) -> dict[str, str]:
    values: dict[str, Any] = {}
    taken: dict[str, str] = {}
    for (theirs, a), (ours, b) in fitted:
        names = (pairs(b, a) or {}) | ({COUNTER: COUNTER} if COUNTER in a else {})
        for name, old in b.items():
            key = key_of(ours, name)
            values[key] = old
            if name in names:
                given = a[names[name]]
                if old.is_floating_point() and not given.is_floating_point():
                    other, has, wants = key_of(theirs, names[name]), *map(_kind, (given, old))
                    what = f"whole numbers ({has}), as quantised weights do"
                    raise _no_fit(f"`{other}` holds {what}, but `{key}` takes {wants}")
                values[key] = given.reshape(old.shape)
                taken[key] = key_of(theirs, names[name])
    module.load_state_dict(values)
    return taken

"""Where a training starts: from weights of an earlier one, of which is taken what fits; and what of
the network stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from torch import Tensor, nn

from archdsl.backend.transfer import load_weights, read_checkpoint
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.layers.base import show_shape
from archdsl.spec import Architecture
from archdsl.training.fit import CLASSES

TRIED = 24  # numbers of classes and of channels that a file may be of
FEW = 4  # channels of an image, and of no layer inside
ENOUGH = 0.5  # of the parameters, where only names say what is what


@dataclass(frozen=True)
class TakenWeights:
    """What of a network is from a file: so many tensors of all; and the layers that are new, each
    with its shape, and the shape that it has in the file."""

    tensors: int
    of: int
    new: tuple[str, ...]

    def words(self, name: str) -> str:
        said = f"{self.tensors} of {self.of} tensors come from {name}"
        return f"{said}; new: {', '.join(self.new)}" if self.new else said


def start_from(path: Path, arch: Architecture, module: nn.Module) -> TakenWeights:
    """Loads into a module what fits of a file of weights: all of it, or all but what differs in the
    number of classes or of channels. Of weights with the module's own names, those are taken that
    have the same shape.

    Raises ``ArchError`` for a file that cannot be read (A602), and one of another network (A603).
    """
    weights = read_checkpoint(path)
    try:
        load_weights(weights, module)
        return _taken(module.state_dict(), {}, module)
    except ArchError as problem:
        first = problem
    for relative in _relatives(arch, weights):
        donor = relative.build()
        try:
            load_weights(weights, donor)
        except ArchError:
            continue
        return _copied(donor.state_dict(), module)
    own = {k: t for k, t in module.state_dict().items() if k in weights}
    alike = sum(t.numel() for k, t in own.items() if weights[k].shape == t.shape)
    if alike < ENOUGH * sum(p.numel() for p in module.parameters()):
        raise first
    return _copied(weights, module)


def _relatives(arch: Architecture, weights: Mapping[str, Tensor]) -> Iterator[Architecture]:
    """The same network with other numbers of classes and of channels, as the file may have them."""
    shapes = [tuple(t.shape) for t in weights.values()]
    rows = [s[0] for s in shapes if len(s) == 2] + [s[0] for s in shapes if len(s) > 2]
    classes = [None, *dict.fromkeys(rows)] if CLASSES in arch.spec.knobs else [None]
    few = {s[1] for s in shapes if len(s) > 2 and s[1] <= FEW} - {arch.input[0]}
    channels = [arch.input[0], *sorted(few)]
    ways = ((c, n) for c in channels for n in classes if (c, n) != (arch.input[0], None))
    for count, number in islice(ways, TRIED):
        knobs = {**arch.shown_knobs, **({} if number is None else {CLASSES: str(number)})}
        try:
            yield arch.spec.candidate(knobs, (count, *arch.input[1:]))
        except ArchError:
            continue


def _copied(found: Mapping[str, Tensor], module: nn.Module) -> TakenWeights:
    """Loads the tensors that have the same name and shape."""
    own = module.state_dict()
    alike = {k: found[k] for k, t in own.items() if k in found and found[k].shape == t.shape}
    module.load_state_dict({**own, **alike})
    return _taken(alike, found, module)


def _taken(
    alike: Mapping[str, Tensor], found: Mapping[str, Tensor], module: nn.Module
) -> TakenWeights:
    own = module.state_dict()
    layers: dict[str, str] = {}
    for key, tensor in own.items():
        layer = key.rpartition(".")[0]
        if key in alike or layer in layers:
            continue
        there = f", {show_shape(tuple(found[key].shape))} there" if key in found else ""
        layers[layer] = f"{layer} ({show_shape(tuple(tensor.shape))}{there})"
    return TakenWeights(len(alike), len(own), tuple(layers.values()))


def freeze_parts(module: nn.Module, paths: Sequence[str]) -> list[nn.Module]:
    """Lets no training change the parts of a network that are named by their paths. Gives these:
    they have to be in evaluation, so that running statistics stay too. Raises ``ArchError`` (A823)
    where there is no such part, and where nothing is left to be trained."""
    parts = dict(module.named_modules())
    for path in paths:
        if not path or path not in parts:
            help = did_you_mean(path, parts) or [f"there are {', '.join(_first(parts))}"]
            raise ArchError([diagnose(codes.NO_PART, help=help, name=path, reason="not a part")])
        parts[path].requires_grad_(False)
    if paths and not any(p.requires_grad for p in module.parameters()):
        names = " and ".join(paths)
        raise ArchError([diagnose(codes.NO_PART, name=names, reason="all that there is")])
    return [parts[path] for path in paths]


def _first(parts: Mapping[str, nn.Module]) -> list[str]:
    """The outermost parts."""
    return [name for name in parts if name and "." not in name]

"""Both networks run: results and gradients in double precision, in evaluation and in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from archdsl.importing.copied import copied
from archdsl.importing.incoming import Inputs, called, shown, tensors_of
from archdsl.importing.places import run_theirs
from archdsl.importing.record import Tied
from archdsl.importing.returned import outputs_of
from archdsl.importing.single import DROPS

CLOSE = 1e-9  # how far results may be off, relative to the largest
NO_NUMBERS = "inf or nan, which cannot be compared"
MOST = 150_000_000  # parameters of a network that is run


def prepared(module: nn.Module) -> nn.Module:
    """A copy in double precision with random statistics and without randomness: factors that start
    at zero would hide what is behind them. Random numbers outside are not touched."""
    copy = copied(module).to(torch.float64)
    generator = torch.Generator().manual_seed(0)

    def noise(tensor: torch.Tensor) -> torch.Tensor:
        return torch.randn(tensor.shape, generator=generator, dtype=torch.float64)

    with torch.no_grad():
        for buffer, given in zip(copy.buffers(), module.buffers(), strict=True):
            if is_one_number(given):
                buffer.fill_(as_written(given))
        for parameter in filter(torch.is_floating_point, copy.parameters()):
            if parameter.dim() <= 1 or not parameter.any():
                parameter.add_(0.1 * noise(parameter))
        for part in copy.modules():
            mean, variance = (getattr(part, f"running_{n}", None) for n in ("mean", "var"))
            if isinstance(mean, torch.Tensor) and isinstance(variance, torch.Tensor):
                variance.copy_(0.5 + noise(variance).abs())
                mean.copy_(0.1 * noise(mean))
    without_chance(copy)
    return copy


def is_one_number(tensor: torch.Tensor) -> bool:
    """Whether a tensor that is no weight holds one number alone, once or several times."""
    known = tensor.is_floating_point() and not tensor.is_meta and tensor.numel() > 0
    return known and bool((tensor == tensor.flatten()[0]).all())


def as_written(tensor: torch.Tensor) -> float:
    """The number of a tensor of one, in as few digits as it takes: 0.3, and not 0.300000012."""
    number = float(tensor.flatten()[0])
    short = (float(f"{number:.{digits}g}") for digits in range(1, 17))
    return next((n for n in short if torch.tensor(n, dtype=tensor.dtype) == number), number)


def without_chance(module: nn.Module) -> None:
    """Sets all probabilities of dropping to zero."""
    for part in module.modules():
        name = type(part).__name__
        if isinstance(part, nn.modules.dropout._DropoutNd) or name in DROPS:
            for attribute in ("p", "drop_prob"):
                if hasattr(part, attribute):
                    setattr(part, attribute, 0.0)
        if isinstance(part, nn.MultiheadAttention):
            part.dropout = 0.0
        if hasattr(part, "survive"):
            part.survive = 1.0  # type: ignore[assignment]


SCALED = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


def _double_of(value: Any) -> Any:
    """Double precision for single."""
    return torch.float64 if value is torch.float32 else value


class Certain(TorchFunctionMode):
    """Dropout leaves everything in its place, wherever it is called; and what is in double
    precision stays there, where a module asks for single."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        args = tuple(map(_double_of, args))
        kwargs = {key: _double_of(value) for key, value in (kwargs or {}).items()}
        if name == "scaled_dot_product_attention":
            given = {**dict(zip(SCALED, args, strict=False)), **kwargs}
            return run_theirs(func, (), {**given, "dropout_p": 0.0})
        if name == "bernoulli_":  # a mask as it is on average
            return args[0].fill_(*args[1:2] or [kwargs.get("p", 0.5)])
        if args and ("dropout" in name or (name == "float" and args[0].dtype == torch.float64)):
            return args[0]
        return run_theirs(func, args, kwargs)


@contextmanager
def _double() -> Iterator[None]:
    """Tensors that a module makes while it runs are in double precision, too."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(usual)


def carry(weights: Mapping[str, Tied], theirs: nn.Module, ours: nn.Module) -> None:
    """The weights of one module, loaded into the other."""
    given, wanted = theirs.state_dict(), ours.state_dict()
    taken = {
        key: weights[key].theirs(given[weights[key].key]).reshape(old.shape)
        if key in weights
        else old
        for key, old in wanted.items()
    }
    ours.load_state_dict(taken)


def compare(
    theirs: nn.Module,
    ours: nn.Module,
    weights: Mapping[str, Tied],
    batch: int,
    inputs: Inputs,
    names: Mapping[str, str],
) -> str:
    """In what two modules with the same weights differ on a random batch; nothing where they do
    not. Both are as ``prepared`` makes them, and their weights stay as they are; ``names`` has our
    names of their results."""
    generator = torch.Generator().manual_seed(1)
    x, at = tensors_of(inputs, batch, torch.float64, generator=generator), shown(inputs)
    for training in (False, True):
        mode = "in training" if training else "in evaluation"
        state = {k: v.clone() for k, v in theirs.state_dict().items()}
        one = _run(theirs, *called(inputs, x), training, names)
        _put_back(theirs, state)
        state = {k: v.clone() for k, v in ours.state_dict().items()}
        other = _run(ours, tuple(x), {}, training)
        ours.load_state_dict(state)
        if list(one.results) != list(other.results):
            given, wanted = ", ".join(other.results), ", ".join(one.results)
            return f"{mode} it gives {given}, and not {wanted}"
        for name, a in one.results.items():
            if not a.isfinite().all():
                return f"results {mode} hold {NO_NUMBERS}, for {batch} of {at}"
            if not (off := _off(a, other.results[name])) <= CLOSE:
                return f"results {mode} are off by {off:.2g} of the largest, for {batch} of {at}"
        keys = {key: tied.key for key, tied in weights.items()}
        largest = max(float(g.abs().max()) for g in one.gradients.values())
        for key, gradient in other.gradients.items():
            known = one.gradients.get(keys.get(key, key))
            if known is None:
                return f"`{key}` has a gradient {mode}, and `{keys.get(key, '')}` has none"
            if not known.isfinite().all():
                return f"the gradient of `{keys.get(key, key)}` {mode} holds {NO_NUMBERS}"
            known = weights[key].theirs(known) if key in weights else known
            off = float((known.reshape(gradient.shape) - gradient).abs().max())
            if not off <= CLOSE * 100 * max(largest, 1e-30):
                return f"the gradient of `{keys.get(key, key)}` {mode} is off by {off:.2g}"
    return ""


def _put_back(module: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """The numbers of a model as they were. Its own way of loading may ask for others, as that of
    PyTorch's older spectral norm does after this was removed."""
    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            tensor.copy_(state[key])


class Ran(NamedTuple):
    """Results by their names, and gradients of a sum of them: by keys, and of what came in, by
    its place."""

    results: dict[str, torch.Tensor]
    gradients: dict[str, torch.Tensor]


def _run(
    module: nn.Module,
    args: tuple[Any, ...],
    named: dict[str, Any],
    training: bool,
    names: Mapping[str, str] | None = None,
) -> Ran:
    module.train(training)
    floats = ((n, p) for n, p in module.named_parameters() if p.is_floating_point())
    # Whether it is frozen, by who made it or by its `train`, is no part of a network.
    wanted = {name: parameter.requires_grad_() for name, parameter in floats}
    given = [*args, *named.values()]
    free = [x.clone().requires_grad_() if x.is_floating_point() else x for x in given]
    taken = [x.clone() for x in free]  # which a layer may change in its place
    with torch.random.fork_rng(devices=[]), Certain(), _double():
        torch.manual_seed(3)  # what both draw is the same
        out = module(*taken[: len(args)], **dict(zip(named, taken[len(args) :], strict=True)))
    found = outputs(out, names)
    generator = torch.Generator().manual_seed(2)
    total = sum(
        (o * torch.randn(o.shape, generator=generator, dtype=o.dtype)).sum() for o in found.values()
    )
    wanted |= {f"input {n}": x for n, x in enumerate(free) if x.requires_grad}
    assert isinstance(total, torch.Tensor)
    grads = torch.autograd.grad(total, list(wanted.values()), allow_unused=True)
    gradients = {n: g for n, g in zip(wanted, grads, strict=True) if g is not None}
    return Ran({name: o.detach() for name, o in found.items()}, gradients)


def outputs(out: Any, names: Mapping[str, str] | None) -> dict[str, torch.Tensor]:
    """The tensors of what a module gives, in the order of our names: ``names`` has them for those
    of a module that is not ours."""
    if names is not None:
        found = {names[name]: tensor for name, tensor in outputs_of(out).items()}
    else:
        found = out if isinstance(out, dict) else {"main": out}
    return dict(sorted(found.items()))


def _off(a: torch.Tensor, b: torch.Tensor) -> float:
    scale = max(float(a.abs().max()), 1e-30)
    return float((a - b.reshape(a.shape)).abs().max()) / scale

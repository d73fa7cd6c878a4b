"""Parts of a model through which no gradient goes are refused by name, whether or not it is run."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import archdsl

SHAPE = (3, 8, 8)
Body = Callable[["Net", torch.Tensor], torch.Tensor]


class Net(nn.Module):
    def __init__(self, body: Body) -> None:
        super().__init__()
        self.back = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(8, 5)
        self.body = body
        self.seen = torch.zeros(())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.body(self, x).mean((2, 3)))
        return out


def no_grad(net: Net, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return net.back(x)


def inference(net: Net, x: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        x = net.back(x)
    return x.clone()


def switched(net: Net, x: torch.Tensor) -> torch.Tensor:
    torch.set_grad_enabled(False)
    x = net.back(x)
    torch.set_grad_enabled(True)
    return x


def in_evaluation(net: Net, x: torch.Tensor) -> torch.Tensor:
    with torch.set_grad_enabled(net.training):
        return net.back(x)


def of_input(net: Net, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        x = x - 0.5
    return net.back(x)


@pytest.mark.parametrize("run", [True, False])
@pytest.mark.parametrize("body", [no_grad, inference, switched, in_evaluation])
def test_a_part_without_gradients(body: Body, run: bool) -> None:
    """Of the second, ``--partial`` writes no layers either: they would have gradients."""
    for partial in (False, True):
        with pytest.raises(archdsl.ArchError) as caught:
            archdsl.import_module(Net(body), SHAPE, run=run, partial=partial)
        (found,) = caught.value.diagnostics
        wanted = "the model computes `Conv2d` in `back.0` and 1 more operation without gradients"
        assert (found.code, found.message) == ("A669", wanted)
        assert found.span is not None and "net.back(x)" in found.span.text
        assert re.search(r"leave out the `torch.no_grad\(\)`.*`requires_grad_", found.helps[0])


def test_what_comes_in_has_a_gradient_too() -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Net(of_input), SHAPE)
    (found,) = caught.value.diagnostics
    assert found.message == "the model computes `sub` without gradients"


def test_the_whole_model_without_gradients() -> None:
    class Whole(Net):
        @torch.no_grad()
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)

    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Whole(lambda net, x: net.back(x)), SHAPE, run=False)
    (found,) = caught.value.diagnostics
    assert "`Conv2d` in `back.0` and 3 more operations" in found.message


class Swish(torch.autograd.Function):
    """As people write it to save memory: PyTorch runs it without gradients."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad * s * (1 + x * (1 - s))


class NewSwish(torch.autograd.Function):
    """The same as it is written since PyTorch 2.0: `forward` takes no context."""

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(x)

    @staticmethod
    def setup_context(ctx, inputs, output):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(*inputs)

    backward = Swish.backward


def watched(net: Net, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        factor = torch.ones_like(net.seen) * 2
        net.seen = x.mean()
    return net.back(x) * 2 if factor.dim() == 0 else x


def shaped(net: Net, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        zero = torch.zeros_like(x)
    return net.back(torch.maximum(x, zero))


USED = {
    "a checkpoint": (lambda net, x: checkpoint(net.back, x, use_reentrant=False), "relu"),
    "a function": (lambda net, x: Swish.apply(net.back(x)), "relu -> silu"),
    "a function without a context": (lambda net, x: NewSwish.apply(net.back(x)), "relu -> silu"),
    "what no result needs": (watched, "relu -> times(2)"),
    "what depends on a shape": (shaped, "relu"),
}


@pytest.mark.parametrize("case", USED)
def test_what_has_gradients_all_the_same(case: str) -> None:
    body, text = USED[case]
    found = archdsl.import_module(Net(body), SHAPE)
    assert f"conv(8, 3) -> {text} -> global_avgpool" in found.text
    assert "results and gradients" in found.checked[1]

"""Measured latency: the median of warm runs, and nothing is left of them."""

from collections.abc import Iterator

import pytest
import torch
from small import NORMED, SIDE, network
from torch import Tensor, nn

from archdsl.training import timing
from archdsl.training.timing import RUNS, WARM_UP, measure

DENSE = "arch dense\ninput 1x8x8\nconv(5, 3)\n"


class Counted(nn.Module):
    """Notes in which mode it was called, and with what."""

    def __init__(self, calls: list[tuple[bool, bool, Tensor]]) -> None:
        super().__init__()
        self.linear, self.calls = nn.Linear(64, 3), calls

    def __deepcopy__(self, memo: object) -> "Counted":
        return Counted(self.calls)

    def forward(self, x: Tensor) -> Tensor:
        self.calls.append((self.training, torch.is_grad_enabled(), x))
        made: Tensor = self.linear(x.flatten(1))
        return made


def test_seconds_are_the_median_of_warm_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of our own: run i takes i squared seconds."""
    lengths = [i * i for i in range(RUNS)]

    def clock() -> Iterator[float]:
        now = 0.0
        while True:
            for length in lengths:
                yield now
                now += length
                yield now

    ticks = clock()
    monkeypatch.setattr(timing, "perf_counter", lambda: next(ticks))
    calls: list[tuple[bool, bool, Tensor]] = []
    found = measure(Counted(calls), (1, 8, 8), batch=5)
    assert found.inference_seconds == found.training_step_seconds == (RUNS // 2) ** 2
    assert len(calls) == 2 * (WARM_UP + RUNS)
    half = WARM_UP + RUNS
    assert {(training, grad) for training, grad, _ in calls[:half]} == {(False, False)}
    assert {(training, grad) for training, grad, _ in calls[half:]} == {(True, True)}
    assert {tuple(x.shape) for *_, x in calls} == {(5, 1, 8, 8)}


@pytest.mark.parametrize("text", [NORMED, SIDE, DENSE])
def test_a_network(text: str) -> None:
    found = measure(network(text), (1, 8, 8), batch=2, runs=3)
    assert found.inference_seconds > 0 and found.training_step_seconds > 0


def test_half_precision() -> None:
    calls: list[tuple[bool, bool, Tensor]] = []
    measure(Counted(calls), (1, 8, 8), dtype=torch.bfloat16, runs=1)
    assert {x.dtype for *_, x in calls} == {torch.bfloat16}


def test_module_and_random_state_stay_as_they_are() -> None:
    module = network(NORMED).build().eval()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    measure(module, (1, 8, 8), batch=4, runs=2)
    assert torch.equal(torch.rand(2), expected)
    assert not module.training
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())

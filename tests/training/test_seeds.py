"""Seeds: one for each purpose, and nothing outside is touched. Devices: found, or an error."""

import pytest
import torch

from archdsl import ArchError
from archdsl.training.devices import choose_device
from archdsl.training.seeds import derived, generator, kept_apart, seed_all

CPU = torch.device("cpu")


def test_seeds_are_those_of_the_first_day() -> None:
    """They must never change: a training goes on with the numbers that it began with."""
    assert derived(0, "start") == 4338354292723995469
    assert derived(7, "order", 3) == 8407891923091052894


def test_purposes_have_seeds_of_their_own() -> None:
    found = {derived(s, of, n) for s in range(20) for of in ("order", "network") for n in range(20)}
    assert len(found) == 800
    assert all(0 <= seed < 2**63 for seed in found)
    one, two = (torch.rand(4, generator=generator("cpu", 1, "x")) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, torch.rand(4, generator=generator("cpu", 1, "y")))


def test_seeding_is_that_of_pytorch() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    seed_all(CPU, 5)
    assert torch.equal(torch.rand(3), expected)


def test_what_is_drawn_apart_leaves_no_trace() -> None:
    torch.manual_seed(5)
    expected = torch.rand(6)
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    torch.manual_seed(5)
    first = torch.rand(3)
    with pytest.raises(KeyError), kept_apart(CPU):
        assert (cudnn.deterministic, cudnn.benchmark) == (True, False)
        seed_all(CPU, 9)
        raise KeyError
    assert torch.equal(torch.cat([first, torch.rand(3)]), expected)
    assert (cudnn.deterministic, cudnn.benchmark) == before


# ----------------------------------------------------------------------------- devices


def test_the_processor() -> None:
    assert choose_device("cpu") == CPU


def test_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert [choose_device(index=i) for i in range(4)] == [
        torch.device("cuda", i) for i in (0, 1, 2, 0)
    ]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for there, name in ((True, "mps"), (False, "cpu")):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=there: there)
        assert choose_device() == torch.device(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("quantum", "PyTorch has no type of device of this name"),
        ("meta", "Tensor.item() cannot be called on meta tensors"),
        ("cpu:-1", "Invalid device string: 'cpu:-1'"),
        ("", "Device string must not be empty"),
        ("cuda:99", ""),
        ("mps:7", ""),
    ],
)
def test_a_device_that_is_not_here(name: str, reason: str) -> None:
    with pytest.raises(ArchError) as caught:
        choose_device(name)
    text = str(caught.value)
    assert text.startswith(f"error[A606]: there is no device `{name}` here: {reason}")
    assert len(text.splitlines()) == 1

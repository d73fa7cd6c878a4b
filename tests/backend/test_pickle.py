"""Modules, specs and architectures that are pickled, copied, and sent to another process."""

import copy
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import archdsl

NAMES = ["fractalnet", "densenet_cifar", "unet", "ghostnet", "convnext_v2"]

WITH_LAYER = """arch net(act = relu in {relu, silu}, width = 8 in 4..16)
use "lib/ghost.arch": ghost
input 3x32x32
stem: conv(width, 3) -> act
ghost(16)
choose last { wide: conv(8, 1); narrow: conv(4, 1) }
"""


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    mine, others = one.state_dict(), other.state_dict()
    return list(mine) == list(others) and all(torch.equal(v, others[k]) for k, v in mine.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_module_can_be_copied_and_pickled(name: str) -> None:
    arch = archdsl.load(name)
    module = arch.build().eval()
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert type(other) is type(module)
        assert same_weights(module, other)
    assert next(copy.deepcopy(module).parameters()) is not next(module.parameters())


def test_a_saved_module_is_loaded_in_another_process(tmp_path: Path) -> None:
    module = archdsl.load("resnet20").build().eval()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.save((module, image, module(image)), tmp_path / "module.pt")
    program = """
import sys, torch
module, image, result = torch.load(sys.argv[1], weights_only=False)
print(torch.equal(module(image), result), type(module).__name__)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "module.pt")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "True ResNetCIFAR\n"


def test_the_source_is_pickled_once() -> None:
    arch = archdsl.load("densenet121")
    with torch.device("meta"):
        module = arch.build()
    assert pickle.dumps(module).count(arch.source().encode()[:80]) == 1


def count(module: nn.Module, arch: archdsl.Architecture) -> tuple[int, int]:
    return sum(p.numel() for p in module.parameters()), arch.macs


def test_a_module_and_its_architecture_reach_a_process_that_is_spawned() -> None:
    arch = archdsl.load("squeezenet1_1")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(count, (arch.build(), arch))
    assert found == (arch.params, arch.macs)


def test_a_spec_is_its_texts() -> None:
    spec = archdsl.parse(WITH_LAYER, "net.arch")
    for other in (pickle.loads(pickle.dumps(spec)), copy.deepcopy(spec)):
        assert other.used == spec.used and "lib/ghost.arch" in other.used
        assert other.with_knobs().hash == spec.with_knobs().hash


def test_an_architecture_is_its_spec_and_its_knobs() -> None:
    spec = archdsl.parse(WITH_LAYER, "net.arch")
    arch = spec.candidate({"act": "silu", "width": 12, "last": "narrow"}, (3, 48, 48))
    other = pickle.loads(pickle.dumps(arch))
    assert other.hash == arch.hash != spec.with_knobs().hash
    assert (other.shown_knobs, other.input) == (arch.shown_knobs, arch.input)
    changed = arch.with_knobs(width=4)
    assert pickle.loads(pickle.dumps(changed)).shown_knobs == changed.shown_knobs
    assert changed.shown_knobs["last"] == arch.shown_knobs["last"]

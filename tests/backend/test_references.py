"""The weights of every network of torchvision and timm whose tensors are those of a variant: what
docs/references.json says of them, which the table in docs/compiling.md is made of."""

import json
from pathlib import Path

import pytest
import timm
import torch
from agreement import batch, close, drawn, hollow
from thinned import thinned
from torch import Tensor, nn
from torchvision import models

import archdsl
from archdsl import ArchError, transfer

KNOWN = json.loads((Path(__file__).parents[2] / "docs" / "references.json").read_text())
Pair = tuple[str, str, str]  # the package, the name there, the variant


def pairs(found: dict[str, dict[str, str]]) -> list[Pair]:
    return [(s, n, v) for s in found if s != "why" for n, v in found[s].items()]


EQUAL, LARGE = pairs(KNOWN["equal"]), pairs(KNOWN["equal tensors"])
OTHERS = [pairs(found)[0] for found in KNOWN["others"].values()]
# Each package's first way to name a shortcut, and those whose order was once taken wrongly.
ALWAYS = {"regnet_x_400mf", "regnet_y_400mf", "shufflenet_v2_x0_5", "mnasnet0_5", "regnetx_004_tv"}


def thin(found: list[Pair], every: int) -> list[object]:
    first = [pair for pair in found if pair[1] in ALWAYS]
    return [*first, *thinned([pair for pair in found if pair not in first], every)]


def make(package: str, name: str) -> nn.Module:
    if package == "timm":
        return timm.create_model(name)
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return models.get_model(name, weights=None, **options)


def hollow_of(package: str, name: str) -> nn.Module:
    """Without numbers; torchvision's RegNets compute their widths with tensors."""
    if name.startswith("regnet_"):
        return make(package, name).to("meta")
    with torch.device("meta"):
        return make(package, name)


def sorted_ways(weights: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    keys = (list(weights), sorted(weights), sorted(weights, reverse=True))
    return [{key: weights[key] for key in way} for way in keys]


@pytest.mark.parametrize(("package", "name", "variant"), thin(EQUAL, 40))
def test_equal_outputs_however_a_file_is_sorted(package: str, name: str, variant: str) -> None:
    empty = hollow_of(package, name)
    theirs = drawn(lambda: empty).eval()
    ours = hollow(archdsl.load(variant).build).eval()
    weights = theirs.state_dict()
    taken = [transfer(found, ours) for found in sorted_ways(weights)]
    assert taken[0] == taken[1] == taken[2]
    assert set(taken[0].values()) == set(weights)
    side = 96 if name == "inception_v3" else 64
    with torch.no_grad():
        images = batch(1, 3, side, side)
        close(ours(images), theirs(images), f"the output of {name}", 1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*no-op:UserWarning")
@pytest.mark.parametrize(("package", "name", "variant"), LARGE)
def test_one_order_of_what_is_too_large_to_run(package: str, name: str, variant: str) -> None:
    weights = hollow_of(package, name).state_dict()
    ours = archdsl.load(variant).build("meta")
    taken = [transfer(found, ours) for found in sorted_ways(weights)]
    assert taken[0] == taken[1] == taken[2]


@pytest.mark.parametrize(("package", "name", "variant"), thinned(OTHERS, 4))
def test_another_network_of_equal_tensors_is_seen_by_a_run(
    package: str, name: str, variant: str
) -> None:
    empty = hollow_of(package, name)
    theirs = drawn(lambda: empty).eval()
    ours = hollow(archdsl.load(variant).build).eval()
    transfer(theirs.state_dict(), ours)  # nothing in the file says so
    images = batch(1, 3, 64, 64)
    with torch.no_grad():
        wanted = theirs(images)
        off = (ours(images) - wanted).abs().max() / wanted.abs().max()
    assert off > 1e-5
    if off > 1e-3:
        with pytest.raises(ArchError, match=r"A603.*they do not give the results of the other"):
            transfer(theirs, ours, example=images)

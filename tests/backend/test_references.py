"""The weights of every network of torchvision and timm whose tensors are those of a variant: what
docs/references.json says of them, which the table in docs/compiling.md is made of."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import timm
import torch
from agreement import batch, close, drawn, hollow, redrawn
from thinned import thinned
from torch import Tensor, nn
from torchvision import models

import archdsl
from archdsl import ArchError, Architecture, transfer
from archdsl.named import resolve

KNOWN = json.loads((Path(__file__).parents[2] / "docs" / "references.json").read_text())
Pair = tuple[str, str, str]  # the package, the name there, the variant


def pairs(found: dict[str, dict[str, str]]) -> list[Pair]:
    return [(s, n, v) for s in ("torchvision", "timm") for n, v in found.get(s, {}).items()]


EQUAL, LARGE = pairs(KNOWN["equal"]), pairs(KNOWN["equal tensors"])
ORDERED, REFUSED = pairs(KNOWN["in an order"]), pairs(KNOWN["refused"])
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
    if name.startswith(("deeplabv3", "fcn")):
        options = {"weights_backbone": None, "aux_loss": True}
    return models.get_model(name, weights=None, **options)


def hollow_of(package: str, name: str) -> nn.Module:
    """Without numbers; torchvision's RegNets compute their widths with tensors."""
    if name.startswith("regnet_"):
        return make(package, name).to("meta")
    with torch.device("meta"):
        return make(package, name)


def theirs_of(package: str, name: str) -> nn.Module:
    """With random weights. Swin works out the places of its distances when it is made."""
    if name.startswith("swin"):
        return redrawn(make(package, name)).eval()
    empty = hollow_of(package, name)
    return drawn(lambda: empty).eval()


def arch_of(variant: str) -> tuple[Architecture, tuple[int, ...]]:
    """The variant, and a shape of images that is as small as it takes."""
    found = resolve(variant)
    if variant.startswith(("deeplabv3", "fcn")):
        arch = found.spec.with_knobs(**{**found.knobs, "size": 256})
        return arch, arch.input
    arch = archdsl.load(variant)
    if variant.startswith(("vit", "swin", "mixer", "botnet", "mobilevit", "coatnet", "maxvit")):
        return arch, arch.input
    if len(arch.input) == 4:
        return arch, (3, 8, 56, 56)
    return arch, (3, 96, 96) if variant == "inception_v3_tv" else (3, 64, 64)


def main(results: Tensor | Mapping[str, Tensor]) -> Tensor:
    return results["out"] if isinstance(results, Mapping) else results


def sorted_ways(weights: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    keys = (list(weights), sorted(weights), sorted(weights, reverse=True))
    return [{key: weights[key] for key in way} for way in keys]


@pytest.mark.parametrize(("package", "name", "variant"), thin(EQUAL, 40))
def test_equal_outputs_however_a_file_is_sorted(package: str, name: str, variant: str) -> None:
    compare(package, name, variant)


@pytest.mark.parametrize(("package", "name", "variant"), thinned(reversed(ORDERED), 4))
def test_equal_outputs_in_an_order(package: str, name: str, variant: str) -> None:
    theirs, (arch, _) = theirs_of(package, name), arch_of(variant)
    with pytest.raises(ArchError, match="two orders fit"):
        transfer(theirs.state_dict(), arch.build())
    compare(package, name, variant, KNOWN["in an order"]["order"])


def compare(package: str, name: str, variant: str, order: Sequence[str] = ()) -> None:
    """Equal outputs, and equal keys for equal weights however they are sorted."""
    theirs, (arch, shape) = theirs_of(package, name), arch_of(variant)
    ours = hollow(arch.build).eval()
    weights = theirs.state_dict()
    taken = [transfer(found, ours, order=order) for found in sorted_ways(weights)]
    assert taken[0] == taken[1] == taken[2]
    worked_out = {key for key in weights if key.endswith("relative_position_index")}
    assert set(taken[0].values()) == set(weights) - worked_out
    with torch.no_grad():
        images = batch(1, *shape)
        close(main(ours(images)), main(theirs(images)), f"the output of {name}", 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("package", "name", "variant"), REFUSED)
def test_refused_however_a_file_is_sorted(package: str, name: str, variant: str) -> None:
    """Their tensors have as many values as a variant's, and other shapes or orders."""
    ours = archdsl.load(variant).build("meta")
    for weights in sorted_ways(hollow_of(package, name).state_dict()):
        with pytest.raises(ArchError, match="A603"):
            transfer(weights, ours)


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
    theirs, (arch, shape) = theirs_of(package, name), arch_of(variant)
    ours = hollow(arch.build).eval()
    transfer(theirs.state_dict(), ours)  # nothing in the file says so
    images = batch(1, *shape)
    with torch.no_grad():
        wanted = theirs(images)
        off = (ours(images) - wanted).abs().max() / wanted.abs().max()
    assert off > 1e-5
    if off > 1e-3:
        with pytest.raises(ArchError, match=r"A603.*they do not give the results of the other"):
            transfer(theirs, ours, example=images)

"""Compiled networks are torchvision's: with its weights, equal outputs, gradients, statistics."""

import pytest
import torch
from agreement import assert_same_function, batch, drawn, hollow
from torch import nn
from torchvision import models

import archdsl

# Variant of the library, torchvision's name if that is another, pixels a side: images are as
# small as leave the last stage more than a pixel, without which a normalisation has nothing
# to measure.
CASES = {
    "alexnet_2014": ("alexnet", 64),
    "vgg11": ("vgg11", 32),
    "vgg13": ("vgg13", 32),
    "vgg16": ("vgg16", 32),
    "vgg19": ("vgg19", 32),
    "vgg11_bn": ("vgg11_bn", 64),
    "vgg13_bn": ("vgg13_bn", 64),
    "vgg16_bn": ("vgg16_bn", 64),
    "vgg19_bn": ("vgg19_bn", 64),
    "googlenet_tv": ("googlenet", 64),
    "resnet18": ("resnet18", 64),
    "resnet34": ("resnet34", 64),
    "resnet50": ("resnet50", 64),
    "resnet101": ("resnet101", 64),
    "resnet152": ("resnet152", 64),
    "resnext50_32x4d": ("resnext50_32x4d", 64),
    "resnext101_32x8d": ("resnext101_32x8d", 64),
    "resnext101_64x4d": ("resnext101_64x4d", 64),
    "wide_resnet50_2": ("wide_resnet50_2", 64),
    "wide_resnet101_2": ("wide_resnet101_2", 64),
    "densenet121": ("densenet121", 64),
    "densenet161": ("densenet161", 64),
    "densenet169": ("densenet169", 64),
    "densenet201": ("densenet201", 64),
    "squeezenet1_0": ("squeezenet1_0", 64),
    "squeezenet1_1": ("squeezenet1_1", 64),
}
# Up to half a gigabyte of weights each, and nothing in them that a smaller one has not.
LARGE = {
    *("vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    *("resnext101_32x8d", "resnext101_64x4d", "wide_resnet101_2"),
}


def torchvision(name: str, **options: object) -> nn.Module:
    if name == "googlenet":
        options = {"aux_logits": True, "init_weights": False, **options}
    return drawn(lambda: models.get_model(name, num_classes=10, **options))


@pytest.mark.parametrize(
    "variant", [pytest.param(v, marks=pytest.mark.slow) if v in LARGE else v for v in CASES]
)
def test_same_function(variant: str) -> None:
    name, size = CASES[variant]
    ours = hollow(archdsl.load(variant, classes=10).build)
    taken = assert_same_function(torchvision(name), ours, batch(2, 3, size, size))
    assert len(taken) == len(ours.state_dict())


def test_googlenet_without_side_outputs() -> None:
    theirs = torchvision("googlenet", aux_logits=False)
    ours = hollow(archdsl.load("googlenet_tv", classes=10, aux=False).build)
    assert_same_function(theirs, ours, batch(2, 3, 64, 64))


def test_at_the_size_of_the_paper() -> None:
    """GoogLeNet's pools of 224 pixels round up where those of 64 need not."""
    ours = hollow(archdsl.load("googlenet_tv", classes=10).build)
    assert_same_function(torchvision("googlenet"), ours, batch(2, 3, 224, 224))


def test_a_difference_is_seen() -> None:
    """A stride on the other convolution: the same weights, another function."""
    theirs = torchvision("resnet50")
    ours = hollow(archdsl.load("resnet50_v1", classes=10).build)
    with pytest.raises(AssertionError, match="the output in evaluation: off by"):
        assert_same_function(theirs, ours, batch(2, 3, 64, 64))


@pytest.mark.parametrize(
    ("option", "value", "what"), [("momentum", 0.2, "running_mean"), ("eps", 1e-2, "evaluation")]
)
def test_a_difference_of_one_normalisation_is_seen(option: str, value: float, what: str) -> None:
    theirs = torchvision("resnet18")
    setattr(theirs.layer3[1].bn2, option, value)
    ours = hollow(archdsl.load("resnet18", classes=10).build)
    with pytest.raises(AssertionError, match=what):
        assert_same_function(theirs, ours, batch(2, 3, 64, 64))


def test_the_whole_step_of_an_optimizer() -> None:
    """Three steps of SGD with momentum and weight decay leave the same weights."""
    theirs, ours = torchvision("resnet18"), hollow(archdsl.load("resnet18", classes=10).build)
    taken = archdsl.transfer(theirs.state_dict(), ours)
    images, target = batch(4, 3, 64, 64), torch.tensor([1, 5, 9, 1])
    for module in (theirs, ours):
        module.train()
        sgd = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
        for _ in range(3):
            sgd.zero_grad()
            nn.functional.cross_entropy(module(images), target).backward()
            sgd.step()
    wanted = theirs.state_dict()
    for key, tensor in ours.state_dict().items():
        torch.testing.assert_close(tensor, wanted[taken[key]], atol=1e-4, rtol=1e-4, msg=key)

"""One small network of every family, and of every way to connect: few layers, small images.

What is tested of them holds of larger ones too: those have more of the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import archdsl
from archdsl import Architecture
from archdsl.layers.base import Shape

IMAGE = (3, 64, 64)
TINY = (3, 32, 32)

# The spec, its knobs, and its input where that is no knob.
SMALL: dict[str, tuple[str, dict[str, Any], Shape | None]] = {
    "alexnet": ("alexnet", {"classes": 10}, IMAGE),
    "alexnet_2012": ("alexnet", {"version": "2012", "classes": 10}, (3, 67, 67)),
    "botnet": ("botnet", {"depth": 26, "width": 16, "size": 64}, None),
    "coatnet": (
        "coatnet",
        {"width": 32, "depth": 1, "second": 1, "stem_width": 32, "size": 64},
        None,
    ),
    "convmixer": ("convmixer", {"width": 128, "depth": 4, "patch": 14, "classes": 10}, (3, 56, 56)),
    "convnext": ("convnext", {"width": 32, "depth": 3}, IMAGE),
    "convnext_v2": ("convnext_v2", {"width": 32, "depth": 2, "others": 2}, IMAGE),
    "cspdarknet": ("darknet", {"csp": True, "repeats": [1, 1, 2, 2, 1], "width": 8}, IMAGE),
    "darknet": ("darknet", {"repeats": [1, 1, 1, 1, 1], "width": 8}, IMAGE),
    "deeplab_v3": ("deeplab_v3", {"size": 256}, IMAGE),
    "densenet": ("densenet", {"growth": 12}, IMAGE),
    "densenet_cifar": ("densenet_cifar", {"drop": 0.2}, TINY),
    "dla": ("dla", {"width": 0.5, "residual_root": True, "classes": 10}, IMAGE),
    "efficientnet": ("efficientnet", {"width": 0.5, "depth": 0.5}, IMAGE),
    "efficientnet_v2": ("efficientnet_v2", {"width": 0.5}, IMAGE),
    "fractalnet": ("fractalnet", {"columns": 2, "widths": [8, 8, 8, 8, 8]}, None),
    "fractalnet_imagenet": ("fractalnet_imagenet", {"columns": 2, "classes": 10}, IMAGE),
    "ghostnet": ("ghostnet", {"width": 0.5}, IMAGE),
    "googlenet": ("googlenet", {"classes": 10}, IMAGE),
    "hardnet": ("hardnet", {"depth": 39, "separable": True, "classes": 10}, IMAGE),
    "hrnet": ("hrnet", {"width": 16, "modules": [1, 1, 1], "units": 1, "classes": 10}, IMAGE),
    "inception_v3": ("inception_v3", {"classes": 10}, None),
    "maxvit": (
        "maxvit",
        {"width": 32, "depth": 1, "second": 1, "stem_width": 32, "size": 64},
        None,
    ),
    "mixer": ("mixer", {"width": 128, "depth": 2, "classes": 10}, IMAGE),
    "mnasnet": ("mnasnet", {"width": 0.25}, IMAGE),
    "mobilenet": ("mobilenet", {"width": 0.25}, IMAGE),
    "mobilenet_v2": ("mobilenet_v2", {"width": 0.25}, IMAGE),
    "mobilenet_v3": ("mobilenet_v3", {"width": 0.25, "config": "small"}, IMAGE),
    "mobilevit": ("mobilevit", {"width": 0.25, "size": 64, "classes": 10}, None),
    "nin": ("nin", {}, None),
    "patterns_dense": ("patterns", {"pattern": "dense"}, None),
    "patterns_fractal": ("patterns", {"pattern": "fractal"}, None),
    "patterns_inception": ("patterns", {"pattern": "inception"}, None),
    "patterns_residual": ("patterns", {"pattern": "residual"}, None),
    "preresnet": ("preresnet", {"depth": 18, "width": 16}, IMAGE),
    "preresnet_cifar": (
        "preresnet_cifar",
        {"depth": 110, "bottleneck": False, "shortcut": "pad"},
        None,
    ),
    "regnet": ("regnet", {}, IMAGE),
    "repvgg": ("repvgg", {"width": 0.5, "last": 2, "groups": 4, "classes": 10}, TINY),
    "res2net": ("res2net", {"base": 8}, IMAGE),
    "resnet": ("resnet", {"depth": 18, "width": 16}, IMAGE),
    "resnet_cifar": ("resnet_cifar", {"depth": 8}, None),
    "resnet_d": ("resnet_d", {"depth": 18, "width": 16}, IMAGE),
    "resnext": ("resnext", {"cardinality": 4}, IMAGE),
    "resnext_cifar": ("resnext_cifar", {"cardinality": 4, "base": 24}, TINY),
    "semantic_fpn": ("semantic_fpn", {"width": 64, "merged": 32}, IMAGE),
    "senet": ("senet", {"depth": 18, "width": 16}, IMAGE),
    "shufflenet_v2": ("shufflenet_v2", {"width": 24, "last": 512}, IMAGE),
    "squeezenet": ("squeezenet", {"bypass": "complex"}, IMAGE),
    "stochastic_depth": ("stochastic_depth", {"depth": 8}, None),
    "swin": ("swin", {"width": 32, "depth": 2, "window": 4, "classes": 10}, IMAGE),
    "unet": ("unet", {"width": 16, "levels": 2, "size": 64, "pad": 1}, None),
    "vgg": ("vgg", {"config": "A", "classes": 10}, IMAGE),
    "video_resnet": ("video_resnet", {"width": 16, "repeats": [1, 1, 1, 1]}, (3, 8, 32, 32)),
    "vit": ("vit", {"width": 128, "depth": 2, "classes": 10}, IMAGE),
    "vovnet": ("vovnet", {"version": 2, "width": 0.25, "classes": 10}, IMAGE),
    "waveform": ("waveform", {"depth": 5}, (1, 8000)),
    "wide_resnet": ("wide_resnet", {"depth": 10, "width": 1, "drop": 0.3}, None),
    "zfnet": ("zfnet", {"classes": 10}, IMAGE),
}


@cache
def small(name: str) -> Architecture:
    spec, knobs, input = SMALL[name]
    return archdsl.read(spec).with_knobs(input=input, **knobs)


# Those that differ in what their source is made of; tracing takes seconds for each.
TRACED = {
    "fractalnet",
    "resnet_cifar",
    "squeezenet",
    "stochastic_depth",
    "unet",
    "waveform",
    "zfnet",
}
DISTINCT = TRACED | {"convnext", "densenet_cifar", "googlenet", "mobilenet_v3", "resnext", "senet"}


def families(quick: set[str]) -> list[object]:
    """The small networks: only some of them, unless slow tests are asked for."""
    slow = pytest.mark.slow
    return [pytest.param(n, marks=[] if n in quick else [slow], id=n) for n in SMALL]

"""Which numbers of an imported network are classes: those of its heads, by their place alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archdsl
from archdsl.diagnostics.model import ArchError


class Ended(nn.Module):
    """A convolution, and what is made of it with some layers."""

    def __init__(self, end: Callable[..., Any], *layers: nn.Module) -> None:
        super().__init__()
        self.stem, self.layers, self.end = (
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ModuleList(layers),
            end,
        )

    def forward(self, x: torch.Tensor) -> Any:
        return self.end(self.stem(x).relu(), *self.layers)


class Sep(nn.Sequential):
    def __init__(self, before: int, after: int, act: bool = True) -> None:
        depthwise = nn.Conv2d(before, before, 3, padding=1, groups=before)
        layers = [depthwise, nn.Conv2d(before, after, 1), nn.ReLU() if act else nn.Identity()]
        super().__init__(*layers)


class Part(nn.Sequential):
    pass


def part(before: int, inner: int, after: int) -> nn.Module:
    return Part(nn.Conv2d(before, inner, 3, padding=1), nn.ReLU(), nn.Conv2d(inner, after, 1))


def gated(x: torch.Tensor, gate: nn.Module, out: nn.Module, head: nn.Module) -> torch.Tensor:
    weights = out(gate(x.mean((2, 3))).relu()).sigmoid()
    return head(x * weights[:, :, None, None])


def shuffled_beside(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"out": x, "aux": F.channel_shuffle(x, 3)}


def conv(after: int) -> nn.Module:
    return nn.Conv2d(16, after, 1)


HEADS = {  # with how many layers that give the classes
    "results": (lambda x, p, q: {"out": p(x.relu()), "aux": q(x)}, [conv(6), conv(6)], 2),
    "apart": (lambda x, p, q: {"out": p(x.relu()), "aux": q(x)}, [conv(6), conv(5)], 1),
    "parts": (lambda x, p, q: (p(x), q(x.relu())), [part(16, 8, 6), part(16, 4, 6)], 2),
    "sum": (lambda x, p, q: F.interpolate(p(x) + q(x.relu()), 16), [conv(6), conv(6)], 2),
    "squeeze": (lambda x, p: p(x).relu().mean((2, 3)), [conv(6)], 1),
    "gate": (gated, [nn.Linear(16, 6), nn.Linear(6, 16), conv(6)], 1),
    "scaled": (lambda x, p: p(x.mean((2, 3))) * 2.5 + 1, [nn.Linear(16, 6)], 1),
    "smaller": (lambda x, d, p: p(d(F.avg_pool2d(x, 2))), [nn.Dropout(0.1), conv(6)], 1),
    "as in": (lambda x, p, q: q(p(x).relu()), [conv(16), conv(16)], 1),
}


@pytest.mark.parametrize("name", HEADS)
def test_all_heads_of_one_number_have_the_knob(name: str) -> None:
    end, layers, count = HEADS[name]
    made = archdsl.import_module(Ended(end, *layers), (3, 8, 8), name="net", run=False)
    head, body = made.text.split("\n\ninput ")
    assert re.match(r"arch net\(classes = (6|16)\)", head)
    assert (len(re.findall(r"\bclasses[,)]", body)), "1 *" in body) == (count, False)
    assert 7 in made.spec.with_knobs(classes=7).output[:1]


NONE = {
    "backbone": (lambda x, p: p(F.max_pool2d(x, 2)), [conv(32)]),
    "repeated": (lambda x, p, q: q(p(x)), [Sep(16, 32), Sep(32, 64)]),
    "pooled": (lambda x, p, q: q(p(x)).mean((2, 3)), [Sep(16, 32), Sep(32, 64)]),
    "not active": (lambda x, p, q: q(p(x)), [Sep(16, 32), Sep(32, 64, False)]),
    "relu": (lambda x, p: p(x).relu(), [conv(16)]),
    "linear and relu": (lambda x, p: p(x.mean((2, 3))).relu(), [nn.Linear(16, 32)]),
    "image": (lambda x, p: F.interpolate(p(x), 16).sigmoid(), [conv(3)]),
    "length": (lambda x, p: F.normalize(p(x)), [conv(32)]),
    "norm": (lambda x, *of: nn.Sequential(*of)(x), [conv(32), nn.BatchNorm2d(32)]),
    "shuffle": (lambda x, p: F.channel_shuffle(p(x), 3), [conv(6)]),
    "separable": (lambda x, p: p(x).relu().mean((2, 3)), [nn.Sequential(*Sep(16, 32, False))]),
    "elsewhere": (lambda x, p: shuffled_beside(p(x)), [conv(6)]),
    "reshape": (lambda x, p: p(x).mean((2, 3)).reshape(-1, 6, 1, 1), [conv(6)]),
}


@pytest.mark.parametrize("name", NONE)
def test_other_last_layers_have_no_knob(name: str) -> None:
    end, layers = NONE[name]
    made = archdsl.import_module(Ended(end, *layers), (3, 8, 8), name="net", run=False)
    assert "classes" not in made.text


def test_the_width_is_that_of_the_backbone_alone() -> None:
    def text(end: Any, *layers: nn.Module) -> str:
        model = Ended(end, *layers)
        return archdsl.import_module(model, (3, 8, 8), name="net", knobs=True, run=False).text

    backbone = text(lambda x, p, q, r: r(q(p(x))), Sep(16, 16), Sep(16, 32), Sep(32, 64))
    assert "width = 16 in 4..64" in backbone
    assert "sep(4 * width)" in backbone
    assert "width = 16 in 4..64" in text(lambda x, p: p(x), conv(3))
    heads = text(HEADS["apart"][0], conv(6), conv(5))
    assert "width = 16 in 4..64" in heads
    assert "conv(classes, 1)" in heads
    assert "conv(5, 1)" in heads


def test_what_the_data_decide_is_no_width() -> None:
    def text(model: nn.Module, *shape: int) -> str:
        return archdsl.import_module(model, shape, name="net", knobs=True, run=False).text

    images = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 27, 3), nn.PixelShuffle(3)
    )
    assert "{ conv(width, 3, pad = 0) }\n" in text(images, 3, 16, 16)
    assert "\nconv(27, 3, pad = 0) -> pixel_shuffle(3)\n" in text(images, 3, 16, 16)
    even = nn.Sequential(nn.Conv2d(4, 64, 3), nn.Conv2d(64, 32, 3), nn.Conv2d(32, 4, 3))
    assert "width = 32 in 8..128" in text(even, 4, 16, 16)
    assert "conv(width, 3, pad = 0) -> conv(4, 3, pad = 0)" in text(even, 4, 16, 16)
    numbers = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 64), nn.Linear(64, 3))
    assert "linear(width) -> act -> linear(2 * width) -> linear(classes)" in text(numbers, 10)


@pytest.mark.parametrize(("one", "other"), [(5, 7), (5, 5)])
def test_the_classes_of_a_family_are_those_of_its_heads(one: int, other: int) -> None:
    def net(width: int, count: int) -> nn.Module:
        layers = [nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, count, 1)]
        return nn.Sequential(*layers)

    nets = {"a": net(8, one), "b": net(12, other)}
    made = archdsl.import_family(nets, (3, 8, 8), run=False)
    assert "width = 8 in 8..12 step 4" in made.text
    assert ("classes = 5 in 5..7" if other == 7 else "classes = 5)") in made.text
    assert "conv(classes, 1" in made.text
    if other == 7:
        assert "variant b(width = 12, classes = 7)" in made.text


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: x.reshape(-1, 4).relu(), "whose first axis is not the batch\n"),
        (lambda x: F.normalize(x, p=1.0), "`normalize` with anything but the 2-norm"),
    ],
)
def test_what_is_said_of_operations(call: Any, said: str) -> None:
    with pytest.raises(ArchError) as problem:
        archdsl.import_module(Ended(call), (3, 8, 8))
    assert said in str(problem.value)

"""``archdsl.transfer`` where several orders of a checkpoint's layers fit: names decide, or it is
refused; and what a user can say then."""

from collections.abc import Callable, Iterable

import pytest
import torch
from agreement import batch, close, drawn, hollow
from torch import Tensor, nn

import archdsl
from archdsl import ArchError, transfer

Make = Callable[[], nn.Module]


def orders(weights: dict[str, Tensor]) -> Iterable[dict[str, Tensor]]:
    """The same tensors as saved, sorted, and sorted backwards."""
    for keys in (list(weights), sorted(weights), sorted(weights, reverse=True)):
        yield {key: weights[key] for key in keys}


def check(theirs: nn.Module, text: str, image: tuple[int, ...], **told: object) -> None:
    """Equal outputs, however the file is sorted."""
    images = batch(2, *image)
    for weights in orders(theirs.state_dict()):
        ours = hollow(archdsl.parse(text).with_knobs().build).eval()
        transfer(weights, ours, **told)  # type: ignore[arg-type]
        with torch.no_grad():
            close(ours(images), theirs.eval()(images), "the output", 1e-5)


def refused(weights: object, text: str, **told: object) -> tuple[str, tuple[str, ...]]:
    """The reason and the advice; nothing is loaded."""
    ours = drawn(archdsl.parse(text).with_knobs().build)
    before = {k: v.clone() for k, v in ours.state_dict().items()}
    with pytest.raises(ArchError) as error:
        transfer(weights, ours, **told)  # type: ignore[arg-type]
    for key, tensor in ours.state_dict().items():
        assert torch.equal(tensor, before[key]), key
    (found,) = error.value.diagnostics
    assert found.code == "A603"
    return found.message.removeprefix("the weights do not fit: "), tuple(found.help)


UNIT = """arch m(c = 8)
input 4x8x8
residual(shortcut = project) {
  conv(c, 1, stride = 2, bias = false) -> bn -> relu -> conv(c, 3, bias = false) -> bn
}
global_avgpool -> linear(3)
"""


class Unit(nn.Module):
    """A shortcut that is listed before the unit, with the shapes of the unit's first layer."""

    def __init__(self, shortcut: str) -> None:
        super().__init__()
        self.shortcut = shortcut
        layers = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False), nn.BatchNorm2d(8))
        self.block = nn.Module()
        setattr(self.block, shortcut, layers)
        self.block.first = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False), nn.BatchNorm2d(8))
        self.block.second = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        )
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.block.second(self.block.first(x).relu())
        return self.fc((y + getattr(self.block, self.shortcut)(x)).mean((2, 3)))


@pytest.mark.parametrize("name", ["downsample", "proj", "shortcut", "skip"])
def test_a_shortcut_is_known_by_its_name(name: str) -> None:
    check(drawn(lambda: Unit(name)), UNIT, (4, 8, 8))


def test_a_shortcut_of_another_name_is_refused() -> None:
    theirs = drawn(lambda: Unit("match"))
    reason, help = refused(theirs.state_dict(), UNIT)
    assert reason == (
        "two orders fit, and names do not say which is meant: `block.first.0`, `block.first.1`, "
        "`block.match.0` or `block.match.0`, `block.match.1`, `block.first.0` for `conv1`, `bn1`, "
        "`shortcut.conv1` and 1 more"
    )
    assert help == (
        'say which comes first: --order first,match, or transfer(..., order=["first", "match"]); '
        "or the other way round",
    )
    check(theirs, UNIT, (4, 8, 8), order=["first", "match"])


def test_the_layers_of_a_group_stay_together() -> None:
    """torchvision's RegNet: ``proj`` beside ``f``, in which are ``a`` and ``b``."""
    theirs = drawn(lambda: Unit("match"))
    renamed = {
        key.replace("first", "f.a").replace("second", "f.b"): tensor
        for key, tensor in theirs.state_dict().items()
    }
    for weights in orders(renamed):
        taken = transfer(weights, archdsl.parse(UNIT).with_knobs().build())
        assert taken["conv1.weight"] == "block.f.a.0.weight"
        assert taken["shortcut.conv1.weight"] == "block.match.0.weight"


THREE = """arch three(classes = 4)
input 3x16x16
default conv(bias = false)
repeat 3 { conv(8, 3) -> bn -> relu }
global_avgpool -> linear(classes)
"""


class Three(nn.Module):
    """Layers that are listed in another order than they run in."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        for i in (0, 2, 1):
            self.add_module(
                f"conv{names[i]}", nn.Conv2d(3 if i == 0 else 8, 8, 3, 1, 1, bias=False)
            )
            self.add_module(f"bn{names[i]}", nn.BatchNorm2d(8))
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        for name in self.names:
            x = getattr(self, f"bn{name}")(getattr(self, f"conv{name}")(x)).relu()
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize("names", ["1 2 3", "1a 1b 2a", "_1 _2 _10"])
def test_numbers_and_letters_say_the_order(names: str) -> None:
    check(drawn(lambda: Three(tuple(names.split()))), THREE, (3, 16, 16))


PAIR = "arch t(c = 3)\ninput 3x8x8\nconv(c, 3) -> relu -> conv(c, 3)"


class Pair(nn.Module):
    """Two equal layers with names that say nothing, the one that runs last listed first."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 3, 3, 1, 1), nn.Conv2d(3, 3, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fine(self.coarse(x).relu())


def test_two_orders_are_refused_and_both_are_said() -> None:
    for weights in orders(drawn(Pair).state_dict()):
        reason, help = refused(weights, PAIR)
        assert reason == (
            "two orders fit, and names do not say which is meant: "
            "`coarse`, `fine` or `fine`, `coarse` for `conv1`, `conv2`"
        )
        assert help == (
            "say which comes first: --order coarse,fine, "
            'or transfer(..., order=["coarse", "fine"]); or the other way round',
        )


@pytest.mark.parametrize(
    "told",
    [
        {"order": ["coarse", "fine"]},
        {"names": {"coarse": "conv1"}},
        {"names": {"fine": "conv2", "coarse": "conv1"}},
    ],
)
def test_what_is_told_decides(told: dict[str, object]) -> None:
    check(drawn(Pair), PAIR, (3, 8, 8), **told)


def test_the_other_order_can_be_told() -> None:
    theirs, ours = drawn(Pair), archdsl.parse(PAIR).with_knobs().build()
    taken = transfer(theirs.state_dict(), ours, order=["fine", "coarse"])
    assert taken["conv1.weight"] == "fine.weight"


def test_names_that_cannot_be() -> None:
    weights = drawn(Pair).state_dict()
    reason, _ = refused(weights, PAIR, names={"fine": "conv3"})
    assert reason == "`fine` is to be `conv3`, which the network does not have"
    reason, _ = refused(weights, PAIR, names={"fine": "conv1", "coarse": "conv1"})
    assert reason == "both `fine` and `coarse` are to be `conv1`"
    reason, _ = refused(weights, PAIR, names={"rough": "conv1"})
    assert reason == "no layer of the checkpoint is called `rough`, which `names` names"
    reason, _ = refused(weights, PAIR, order=["fine", "rough"])
    assert reason == "no layer of the checkpoint is called `rough`, which `order` names"


def test_patterns_of_names() -> None:
    """What a star stands for is the same on both sides; a group takes its layers with it."""
    text = """arch t(c = 3)
input 3x8x8
down: { p5: conv(c, 3) -> relu
        p4: conv(c, 3) -> relu }
"""
    ours = archdsl.parse(text).with_knobs().build()
    assert [k for k in ours.state_dict() if "weight" in k] == WEIGHTS
    theirs = {f"net.l{n}.{k}": t for n in "45" for k, t in nn.Conv2d(3, 3, 3).state_dict().items()}
    assert transfer(theirs, ours)[WEIGHTS[0]] == "net.l4.weight"  # in the order of the numbers
    taken = transfer(theirs, ours, names={"net.l*": "down.p*.conv1"})
    assert [taken[key] for key in WEIGHTS] == ["net.l5.weight", "net.l4.weight"]
    taken = transfer(
        {
            k.replace("net.l", "l.p").replace(".w", ".conv1.w").replace(".b", ".conv1.b"): t
            for k, t in theirs.items()
        },
        ours,
        names={"l": "down"},
    )
    assert [taken[key] for key in WEIGHTS] == ["l.p5.conv1.weight", "l.p4.conv1.weight"]


WEIGHTS = ["down.p5.conv1.weight", "down.p4.conv1.weight"]


def test_a_module_that_is_at_hand_is_run() -> None:
    theirs, ours = drawn(Pair), hollow(archdsl.parse(PAIR).with_knobs().build)
    images = batch(2, 3, 8, 8)
    ours.train()
    taken = transfer(theirs, ours, example=images)
    assert taken["conv1.weight"] == "coarse.weight"
    assert ours.training and theirs.training
    with torch.no_grad():
        close(ours(images), theirs(images), "the output", 1e-5)


LETTERS = """arch letters
input 3x8x8
conv(4, 3)
residual { conv(4, 3) -> relu -> conv(4, 3) }
conv(4, 3) -> relu -> global_avgpool -> linear(4)
"""


class Letters(nn.Module):
    """Layers whose names are letters, and say nothing of their order."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 1, 1)
        self.b, self.d, self.c = (nn.Conv2d(4, 4, 3, 1, 1) for _ in range(3))
        self.h = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.d(self.b(x).relu())
        return self.h(self.c(x).relu().mean((2, 3)))


def test_letters_are_no_places_but_from_a_on() -> None:
    theirs, images = drawn(Letters), batch(2, 3, 8, 8)
    ours = hollow(archdsl.parse(LETTERS).with_knobs().build)
    taken = transfer(theirs, ours, example=images)
    layers = [f"conv{n}.weight" for n in (1, 2, 3, 4)]
    assert [taken[key] for key in layers] == [f"{n}.weight" for n in ("stem", "b", "d", "c")]
    with torch.no_grad():
        close(ours(images), theirs(images), "the output", 1e-5)
    with pytest.raises(archdsl.ArchError, match="two orders fit"):
        transfer(theirs.state_dict(), ours)


def test_a_module_that_computes_something_else_is_refused() -> None:
    """A slope, a number of groups, a stride: no tensor tells, a run does."""

    class Other(Pair):
        def forward(self, x: Tensor) -> Tensor:
            return self.fine(nn.functional.leaky_relu(self.coarse(x), 0.5))

    reason, _ = refused(drawn(Other), PAIR, example=batch(2, 3, 8, 8))
    assert reason.startswith("of 2 orders that fit, none gives the results of the other module")
    reason, _ = refused(drawn(Other), PAIR, example=batch(2, 3, 8, 8), order=["coarse", "fine"])
    assert reason.startswith("they do not give the results of the other module: off by ")


PYRAMID = """arch p(c = 6)
input 3x8x8
conv(c, 3) as a
maxpool(2) -> conv(c, 3) as b
b -> conv(c, 3, bias = false) as coarse
branch add { upsample(2); a } -> conv(c, 3, bias = false) as fine
output fine(when = always) { fine }
output coarse(when = always) { coarse }
"""


class Pyramid(nn.Module):
    """Its `layers.1` runs first, as in torchvision's pyramid."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.ModuleList([nn.Conv2d(3, 6, 3, 1, 1), nn.Conv2d(6, 6, 3, 1, 1)])
        self.layers = nn.ModuleList([nn.Conv2d(6, 6, 3, 1, 1, bias=False) for _ in range(2)])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        a = self.trunk[0](x)
        b = self.trunk[1](nn.functional.max_pool2d(a, 2))
        coarse = self.layers[1](b)
        fine = self.layers[0](nn.functional.interpolate(coarse, scale_factor=2.0) + a)
        return {"fine": fine, "coarse": coarse}


def test_a_module_of_several_results_is_run() -> None:
    """By their numbers its layers are exchanged: a run says so, and names what they are."""
    theirs, images = drawn(Pyramid), batch(2, 3, 8, 8)
    reason, (help,) = refused(theirs, PYRAMID, example=images)
    assert "the results of the other module: off by 1." in reason
    assert help == (
        "layers of one shape may stand for each other, as `layers.0`, `layers.1`: `order` says"
        " which runs first, `names` which is which"
    )
    ours = hollow(archdsl.parse(PYRAMID).with_knobs().build)
    taken = transfer(theirs, ours, example=[images], order=["layers.1", "layers.0"])
    assert taken["conv3.weight"] == "layers.1.weight"
    with torch.no_grad():
        found, wanted = ours.eval()(images), theirs.eval()(images)
    assert found.keys() == {"fine", "coarse"}
    for name, tensor in wanted.items():
        close(found[name], tensor, name, 1e-5)


def test_results_that_cannot_be_compared_are_refused() -> None:
    class Three(Pyramid):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            found = super().forward(x)
            return {"a": found["fine"], "b": found["coarse"], "c": x}

    class Small(Pyramid):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"fine": super().forward(x)["coarse"]}

    reason, _ = refused(drawn(Three), PYRAMID, example=batch(2, 3, 8, 8))
    told = "`a`, `b`, `c` there, `fine`, `coarse` here"
    assert reason == f"the results cannot be compared: {told}"
    reason, _ = refused(drawn(Small), PYRAMID, example=batch(2, 3, 8, 8))
    assert reason == "the results cannot be compared: 6x4x4 there, 6x8x8 here"


def test_lone_parameters_may_have_any_name() -> None:
    class Star(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale, self.bias = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.scale[:, None, None] + self.bias[:, None, None]

    text = "arch t(c = 8)\ninput 3x8x8\nconv(c, 3) -> scale(bias = true)"
    check(drawn(lambda: nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), Star())), text, (3, 8, 8))

"""Dense connections in which each step sees the last alone, and all are kept."""

import torch
from torch import Tensor, nn

import archdsl
from archdsl.analysis.space import prove

TEXT = """arch net(width = 8 in 4..16 step 4, layers = 3 in 1..5)
input 3x6x6
block unit(c) { conv(c, 3, bias = false) -> bn -> relu }
block stage(c) { dense(layers, sees = last) { unit(c) } -> unit(2 * c) }
stage(width) -> maxpool(2) -> stage(2 * width)
dense(2, sees = last) { relu }
"""


class Stage(nn.Module):
    """One-shot aggregation (VoVNet, arXiv:1904.09730)."""

    def __init__(self, c: int, width: int) -> None:
        super().__init__()
        sizes = [c, width, width, width]
        self.units = nn.ModuleList(self.unit(a, width) for a in sizes[:3])
        self.last = self.unit(sum(sizes), 2 * width)

    def unit(self, a: int, b: int) -> nn.Sequential:
        layers = nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        kept = [x]
        for unit in self.units:
            kept.append(unit(kept[-1]))
        return self.last(torch.cat(kept, 1))


def test_each_step_sees_the_last() -> None:
    arch = archdsl.parse(TEXT).with_knobs()
    theirs = nn.Sequential(Stage(3, 8), nn.MaxPool2d(2), Stage(16, 16)).eval()
    module = arch.build().eval()
    assert arch.params == sum(p.numel() for p in theirs.parameters())
    archdsl.transfer(theirs, module)
    x = torch.randn(2, 3, 6, 6)
    wanted = theirs(x)
    assert torch.allclose(module(x), torch.cat([wanted, wanted, wanted], 1), atol=1e-6)
    assert arch.source().count("class Stage") == 1
    assert "KeepAll([Unit(in_channels, c), Unit(c, c), Unit(c, c)])" in arch.source()
    module.train()(x).sum().backward()  # nothing that is needed again is overwritten


def test_many_steps_are_a_loop() -> None:
    """The first of them takes what comes in."""
    arch = archdsl.parse(TEXT).with_knobs(layers=5)
    loop = "KeepAll(Unit(c if i else in_channels, c) for i in range(5))"
    assert f"self.dense1 = {loop}" in arch.source()
    module = arch.build()
    sizes = [u.conv1.in_channels for u in module.stage2.dense1]
    assert sizes == [16, 16, 16, 16, 16]
    assert [u.conv1.in_channels for u in module.stage1.dense1] == [3, 8, 8, 8, 8]
    assert module.train()(torch.randn(2, 3, 6, 6)).shape == (2, 96, 3, 3)


def test_all_counts_of_steps_are_proved() -> None:
    spec = archdsl.parse(TEXT)
    proof = prove(spec.program)
    assert proof.holds and (proof.covered, proof.total) == (20, 20)
    shapes = {n: spec.with_knobs(layers=n).output for n in (1, 4)}
    assert shapes == {1: (96, 3, 3), 4: (96, 3, 3)}
    joined = [p.shape for p in spec.with_knobs(layers=4).network.root.parts() if p.name == "dense"]
    assert (3 + 4 * 8, 6, 6) in joined and (16 + 4 * 16, 3, 3) in joined


COUNTED = """arch net(layers = 3 in 1..4)
input 4x6x6
dense(layers) as i {
  if i > 1 { bn }
  conv(2 * i, 2 * i + 1)
}
"""


def test_a_step_knows_its_number() -> None:
    spec = archdsl.parse(COUNTED)
    arch = spec.with_knobs()
    assert arch.output == (4 + 2 + 4 + 6, 6, 6)
    convs = (2 * 4 * 9 + 2) + (4 * 6 * 25 + 4) + (6 * 10 * 49 + 6)
    assert arch.params == convs + 2 * 6 + 2 * 10
    assert prove(spec.program).holds
    x = torch.randn(2, 4, 6, 6)
    model = arch.build().eval()
    wanted = x
    for i in (1, 2, 3):
        wanted = torch.cat([wanted, getattr(model.dense1, f"layer{i}")(wanted)], 1)
    assert torch.equal(model(x), wanted)


GROWN = """arch net
input 3x6x6
block unit(c, kernel = 1) { conv(c, kernel) -> bn -> relu }
block stage(c, n, g = 8) { unit(c) -> dense(n) { unit(g, 3) -> unit(g) } -> unit(c) }
block aggregate(c, n) { unit(c) -> dense(n, sees = last) { unit(c / 2, 3) } -> unit(c) }
stage(16, 2)
stage(32, 3, 12)
aggregate(16, 3)
aggregate(32, 4)
"""


def test_a_class_says_what_its_layers_add() -> None:
    """The channels after a dense block of `n` layers are an expression of `n`."""
    arch = archdsl.parse(GROWN).with_knobs()
    source = arch.source()
    stage, aggregate = source.split("class Stage")[1], source.split("class Aggregate")[1]
    assert "in_channels: int, c: int, n: int, g: int = 8" in stage
    assert "DenseBlock(Layer(c + g * i, g) for i in range(n))" in stage
    assert "self.unit2 = Unit(c + g * n, c)" in stage
    assert "(self, in_channels: int, c: int, n: int) -> None:" in aggregate
    assert "Unit(c // 2 if i else c, c // 2, kernel=3) for i in range(n)" in aggregate
    assert "self.unit2 = Unit(c + c // 2 * n, c)" in aggregate
    assert arch.build()(torch.randn(2, 3, 6, 6)).shape == (2, 32, 6, 6)


ONE_SIZE = """arch net
input 8x8x8
block kept(n = 1, e = 1) { conv(8, 1) -> dense(n, sees = last) { conv(8 * e, 1) -> relu } }
block grown(c) { residual(shortcut = auto) { conv(8, 1) -> relu -> dense(2) { conv(c, 1) } } }
block shared_twice(c) {
  let f = shared { conv(8, 1) }
  residual(shortcut = auto) { conv(8, 1) -> f -> relu -> f -> conv(c, 1) }
}
block columns(c) { residual(shortcut = auto) { fractal(2) { conv(8, 1) } -> conv(c, 1) } }
kept(n = 2)
kept(e = 2)
grown(10)
grown(12)
shared_twice(24)
shared_twice(48)
columns(24)
columns(56)
"""


def test_a_class_says_where_it_is_another() -> None:
    """What all its uses have alike holds for no other arguments."""
    source = archdsl.parse(ONE_SIZE).with_knobs().source()
    said = {
        text.split("(")[0]: [s.strip() for s in text.splitlines() if "assert" in s]
        for text in source.split("\nclass ")[1:]
    }
    assert said["Kept"] == ["assert n <= 1 or 8 * e == 8"]
    assert said["Grown"] == ["assert in_channels != 2 * c + 8"]
    assert said["SharedTwice"] == said["Columns"] == ["assert in_channels != c"]

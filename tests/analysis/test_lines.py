"""What each line of a text makes."""

import pytest

import archdsl
from archdsl.analysis.by_line import by_line, places
from archdsl.spec import Architecture

TEXT = """\
arch small(width = 16, depth = 2)
input 3x32x32
block unit(c, stride = 1) {
  residual {
    conv(c, 3, stride = stride) -> bn -> relu
    conv(c, 3) -> bn
  }
  relu
}
stem: conv(width, 3) -> bn -> relu
for i in 1..2 {
  stage: repeat depth as j {
    unit(width * i, stride = i if j == 1 else 1)
  }
}
head: global_avgpool -> linear(10); output side { linear(5) }
"""


def hints(arch: Architecture) -> dict[int, str]:
    return {n: p.hint for n, p in by_line(arch.network, arch.spec.source).items()}


def test_hints() -> None:
    """The sizes of the layers, by hand: a convolution of 16 and its norm have (9 16 + 1 + 2) 16."""
    arch = archdsl.parse(TEXT).with_knobs()
    assert hints(arch) == {
        4: "16x32x32 to 32x16x16, 4 times, 576 params, 131.1K MACs",  # a projection, once
        5: "16x32x32 to 32x16x16, 4 times, 18.72K params, 8.26M MACs",
        6: "16x32x32 to 32x16x16, 4 times, 23.33K params, 9.44M MACs",
        8: "16x32x32 to 32x16x16, 4 times",
        10: "16x32x32, 480 params, 442.4K MACs",
        12: "16x32x32 to 32x16x16, 2 times, 42.62K params, 17.83M MACs",
        13: "16x32x32 to 32x16x16, 4 times, 42.62K params, 17.83M MACs",
        16: "5, 385 params, 320 MACs",  # the side output has weights, and does not run
    }


@pytest.mark.parametrize("name", ["resnet50", "googlenet_tv", "densenet121", "swin_t"])
def test_the_lines_that_are_in_no_other_add_up(name: str) -> None:
    arch = archdsl.load(name)
    root = [
        p for p in places(arch.network) if any(p.span == s.span for s in arch.network.root.steps)
    ]
    assert sum(p.params for p in root) == arch.params
    assert sum(p.macs for p in root) == arch.macs

"""What is said of a candidate whose knob decides the input: its own figures, by each command."""

import json
from pathlib import Path

import pytest
from conftest import Run

import archdsl

TEXT = """arch net(size = 32 in 32..128 step 32, c = 8 in 4..16 step 4)
input (3, size, size)
conv(c, 3) -> relu
"""


def macs(size: int, c: int = 8) -> int:
    return 27 * c * size**2


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.arch"
    path.write_text(TEXT)
    return str(path)


def words(line: str) -> list[str]:
    return line.split()


def test_summary_and_explain(run: Run, net: str) -> None:
    said = json.loads(run("summary", net, "--set", "size=64", "--json").out)
    assert said["macs"] == macs(64) == 884_736
    lines = list(map(words, run("explain", net, "--knob", "size").out.splitlines()))
    for size, shown in ((32, "221.2K"), (64, "884.7K"), (96, "1.99M"), (128, "3.54M")):
        assert [str(size), "224", shown] in [line[:3] for line in lines], size
        assert archdsl.load(net, size=size).macs == macs(size)
    assert ["MACs", "216", "size^2"] in lines
    assert ["activations", "8", "size^2"] in lines


def test_explain_of_another_knob_keeps_the_size(run: Run, net: str) -> None:
    lines = list(map(words, run("explain", f"{net}(size = 64)", "--knob", "c").out.splitlines()))
    assert ["8", "224", "884.7K"] in [line[:3] for line in lines]
    assert ["MACs", "110,592", "c"] in lines


def test_diff_and_compare(run: Run, net: str) -> None:
    larger = f"{net}(size = 64)"
    diff = run("diff", net, larger).out
    assert "- input: 3x32x32\n+ input: 3x64x64\n" in diff
    assert ["MACs", "221,184", "884,736", "+300.0", "%"] in list(map(words, diff.splitlines()))
    lines = list(map(words, run("compare", net, larger).out.splitlines()))
    assert ["221.2K", "224"] in [line[1:3] for line in lines]
    assert ["884.7K", "224"] in [line[-2:] for line in lines]


def test_a_built_in_network(run: Run) -> None:
    out = run("diff", "darknet", "darknet(size = 128)").out
    line = ["MACs", "9,285,115,904", "2,322,046,976", "-75.0", "%"]
    assert line in list(map(words, out.splitlines()))

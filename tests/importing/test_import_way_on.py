"""From a network of one's own to another: imported, made half as large, trained from its weights,
searched wider and deeper, compiled and compared."""

from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.cli.main import main
from archdsl.importing.sources import load_model, read_name

MODEL = """\
from torch import nn


def unit(before, after, stride=1):
    conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = unit(1, 8)
        self.body = nn.Sequential(unit(8, 16, 2), unit(16, 16), unit(16, 16), unit(16, 16))
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))
"""

SEARCH = """\
search own

spec "own.arch"
vary depth in {1, 3}
hold macs = 100K within 30% by width

data digits
train epochs = 1, batch = 64, optimizer = sgd, schedule = one_cycle

trials 2
"""


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert not end.value.code, arguments


@pytest.mark.slow
def test_the_whole_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(MODEL)
    (tmp_path / "own.search").write_text(SEARCH)
    call = ("own.py:Own", "--input", "1x8x8", "--allow-python", "--knobs")
    run("import", *call, "-o", "own.arch")
    spec = archdsl.read("own.arch")
    whole = spec.with_knobs()
    assert {"width", "depth"} <= set(whole.knobs)

    run(
        "fit",
        "own.arch",
        "--macs",
        str(whole.macs // 2),
        "--by",
        "depth",
        "--within",
        "20%",
        "-o",
        "half.arch",
    )
    half = archdsl.read("half.arch").with_knobs()
    assert abs(half.macs / whole.macs - 0.5) < 0.1

    model = load_model(read_name("own.py:Own"), None)
    imported = archdsl.import_module(model, (1, 8, 8), name="own", knobs=True, run=False)
    torch.save(imported.weights, "own.pt")
    capsys.readouterr()
    run(
        "train",
        "half.arch",
        "--data",
        "digits",
        "--weights",
        "own.pt",
        "--epochs",
        "1",
        "--device",
        "cpu",
    )
    said = capsys.readouterr()
    assert "tensors come from own.pt" in said.out + said.err

    run("search", "own.search")
    run("best", "own.study", "-o", "best.arch")
    best = archdsl.read("best.arch").with_knobs()
    assert best.knobs["depth"] in (1, 3)
    run("compile", "best.arch", "--weights", "best.pt", "-o", "net.py")
    assert "class " in (tmp_path / "net.py").read_text()

    capsys.readouterr()
    run("compare", "own.arch", "half.arch", "best.arch", "--csv")
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 4
    for arch in (whole, half, best):
        assert any(f",{arch.macs},{arch.params}," in row for row in rows), rows

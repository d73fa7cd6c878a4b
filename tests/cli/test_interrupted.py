"""Ctrl-C, and a terminal that is made narrower, while something is at work: nothing of what was
shown of it stays, and no traceback is seen."""

from pathlib import Path

import pytest
from screens import on_terminal
from test_screens import ASKED, NET, plain

CTRL_C = b"\x03"
CALLS = {
    "best": ("best tiny.study --longer 4000x --device cpu -o given.arch", "   2/4000", 130),
    "check": ("check efficientnet --limit 8000", "checking", 130),
    "compare": ("compare --x memory", "reading", 130),
    "data": ("data digits", "loading PyTorch", 130),
    "fit": ("fit resnet --latency 1ms --by width -o given.arch", "measuring", 130),
    "import": ("import torchvision.models:resnet50 -o given.arch", "importing", 130),
    "measure": ("measure small.arch --runs 100000", "measuring", 130),
    "search": ("search long.search --device cpu", "· 1 running", 130),
    "report": ("report long.study --live --port 0", "Ctrl-C ends it", 0),
    "worker": ("worker long.study --device cpu", "Ctrl-C ends it", 130),
}
FIRST = {  # what is left on the screen, or how it begins
    "check": "interrupted\n",
    "fit": "interrupted\n",
    "import": "interrupted\n",
    "compare": "interrupted\n",
    "data": "interrupted\n",
    "search": "stopped: 0 trials are done",
    "measure": "small  4.69K MACs",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    (folder / "small.arch").write_text(NET)
    asked = ASKED.replace("tiny", "long").replace("epochs = 1", "epochs = 4000")
    (folder / "long.search").write_text(asked)
    (folder / "tiny.search").write_text(ASKED)
    plain("search tiny.search --device cpu --quiet", 80, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c(name: str, columns: int, place: Path) -> None:
    words, after, code = CALLS[name]
    if name == "search" and (place / "long.study").exists():
        words += " --resume"
    ran = on_terminal(["-m", "archdsl", *words.split()], columns, place, after, typed=CTRL_C)
    assert "Traceback" not in ran.written and ran.code == code, ran.screen
    assert after in ran.written
    assert ran.screen.count(after) < 2, "a line that was interrupted is printed once"
    assert ran.screen.lstrip().startswith(FIRST.get(name, "")), ran.screen
    left = [path.name for path in place.glob("given*")]
    assert left == ["given.longer.checkpoint"] * (name == "best"), "nothing is half written"
    if name == "best":
        assert "keeps all finished epochs" in ran.written
        (place / left[0]).unlink()
    for shown in ("^C", "loading", "measuring", "exploring", "reading", "checking", "importing"):
        assert shown not in ran.screen or name in ("report", "worker"), ran.screen


@pytest.mark.slow
def test_a_terminal_that_is_made_narrower(place: Path) -> None:
    call = "-m archdsl train small.arch --data digits --epochs 4000 --device cpu".split()
    ran = on_terminal(call, 80, place, "   2/4000", resized=40, typed=CTRL_C)
    assert ran.code == 130 and "Traceback" not in ran.written
    lines = ran.screen.splitlines()
    assert max(len(line) for line in lines if "/4000" in line) <= 40
    third = next(line for line in lines if line.startswith("   4/4000"))
    assert third.endswith("%"), "the rate and the seconds are left out from then on"

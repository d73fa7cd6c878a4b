"""What training and searching leave on a real terminal, wide and narrow."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from screens import Shown, on_terminal, shown

EPOCHS = """
import time
from archdsl.cli.epochs import EpochView
from archdsl.training.outcome import Epoch, TrainingStep

with EpochView(3, quiet=False, shown=True) as view:
    for epoch in 1, 2, 3:
        for step in 1, 2:
            view.step(TrainingStep(epoch, step, 2, 1.5))
            view.bar.refresh()
        view.epoch(Epoch(epoch, 1.25, 0.5, 1.5 / epoch, 0.05, 2.5))
print("the end")
"""
WIDE = """\
epoch     train loss     loss  accuracy        lr  seconds
   1/3        1.5000   1.2500    50.00%      0.05      2.5
   2/3        0.7500   1.2500    50.00%      0.05      2.5
   3/3        0.5000   1.2500    50.00%      0.05      2.5
the end
"""
NARROW = """\
epoch     train loss     loss  accuracy
   1/3        1.5000   1.2500    50.00%
   2/3        0.7500   1.2500    50.00%
   3/3        0.5000   1.2500    50.00%
the end
"""


@pytest.mark.parametrize(("columns", "screen"), [(80, WIDE), (40, NARROW)])
def test_the_bar_leaves_the_table_whole(columns: int, screen: str, tmp_path: Path) -> None:
    ran = on_terminal(["-c", EPOCHS], columns, tmp_path)
    assert (ran.code, ran.screen) == (0, screen)
    assert "epoch 3/3" in ran.written and "83%" in ran.written  # the bar was there


METERED = """
from archdsl.cli.progress import Meter, told

now = iter(range(0, 100, 10))
with told("loading PyTorch"), Meter("checking big.arch", lambda: next(now)) as shown:
    for share in 0.1, 0.5, 0.9:
        shown(share, "a candidate of a very long name, which has many knobs: depth = 101")
print("the end")
"""
SHOWN = {
    80: "checking big.arch 90 % · 3 s left · a candidate of a very long name, which has…",
    40: "checking big.arch 90 % · 3 s left · a …",
}


@pytest.mark.parametrize("columns", SHOWN)
def test_how_far_work_is_takes_one_line(columns: int, tmp_path: Path) -> None:
    ran = on_terminal(["-c", METERED], columns, tmp_path)
    assert (ran.code, ran.screen) == (0, "the end\n")
    lines = ran.written.split("\r")
    assert SHOWN[columns] in lines and max(map(len, lines)) == columns - 1


SEARCHING = """
import sys
from datetime import datetime, timedelta
from archdsl.cli.live import LiveTable
from archdsl.search.leader import SearchProgress
from archdsl.search.rows import Row

rows = [
    Row(n, "40K macs", "explore", "done", shape=f"depth = {n}", setting="lr = 0.25", seed=1,
        accuracy=0.5 + n / 16, loss=1.0, seconds=2.0, values=(0.5 + n / 16,), trial=n)
    for n in (1, 2)
]
view = LiveTable(2, now=lambda: now)
view.__enter__()
now = datetime(2026, 1, 1)
at_work = [
    Row(3, "40K macs", "explore", "running", shape="depth = 4", setting="lr = 0.1", seed=1,
        started=now - timedelta(seconds=8), reached=(3.25, 0.5625, 6.5, 1.25), trial=3),
    Row(4, "40K macs", "explore", "running", shape="depth = 8", setting="lr = 0.1", seed=1,
        started=now - timedelta(seconds=2), trial=4),
]
for news, running in ([], 0), (rows[:1], 1), (rows[1:], 2):
    now_at = at_work[:running]
    view.show(SearchProgress("explore", news, running, 1, 5, 2.0, 0.0, None, (), now_at, 15))
view.live.refresh()
if "stay" in sys.argv:
    import os
    os._exit(0)
view.__exit__()
print("the verdict")
"""
AT_WORK = {
    80: """\
exploring  ━━━━━━━━╺━━━━━━━━━━━  2 of 5 · 2 running · 3 s left
slice     tried  best so far                                      score  seeds
40K macs      2  depth = 2                                      62.50 %      1
#3  depth = 4  40…  epoch 3.25/15  accuracy 56.25 %  22 s left  train loss 1.25
#4  depth = 8  40K macs  lr = 0.1  seed 1  epoch 0/15  for 2 s
#1  40K macs  depth = 1  lr = 0.25  seed 1  accuracy 56.25 %  2.0 s
#2  40K macs  depth = 2  lr = 0.25  seed 1  accuracy 62.50 %  2.0 s
""",
    40: """\
exploring · 2 of 5 · 2 running · 3 s
left
slice     tried  best…    score  seeds
40K macs      2  dept…  62.50 %      1
#3  depth…  3.25/15  56.25 %  22 s left
#4  depth = 8  40K macs…  0/15  for 2 s
#1  40K macs …  accuracy 56.25 %  2.0 s
#2  40K macs …  accuracy 62.50 %  2.0 s
""",
}


@pytest.mark.parametrize("columns", AT_WORK)
def test_a_search_at_work(columns: int, tmp_path: Path) -> None:
    ran = on_terminal(["-c", SEARCHING, "stay"], columns, tmp_path)
    assert (ran.code, ran.screen) == (0, AT_WORK[columns])


@pytest.mark.parametrize("columns", AT_WORK)
def test_a_search_that_has_ended(columns: int, tmp_path: Path) -> None:
    ran = on_terminal(["-c", SEARCHING], columns, tmp_path)
    assert (ran.code, ran.screen) == (0, "the verdict\n")
    assert "loading PyTorch" in ran.written


NET = """arch small(depth = 1 in {1, 2}, width = 8 in 1..64, classes = 10)
input 1x8x8
for i in 1..depth { conv(width, 3) -> bn -> relu }
global_avgpool -> linear(classes)
"""
ASKED = """search tiny
spec "small.arch"
vary depth in {1, 2}
hold macs = 20K within 20% by width
data digits
train epochs = 1, batch = 256, lr = 0.3
seeds 1
trials 2
"""
TRAINED = {
    80: """\
small  depth = 1, width = 8, classes = 10
186 parameters, 4.69K MACs at 1x8x8
digits: 1,079 images to train on, 359 to validate with
epochs = 2; seed 0; cpu

epoch     train loss     loss  accuracy        lr  seconds
   1/2        #.####   #.####    ##.##%    #.####      #.#
   2/2        #.####   #.####    ##.##%  0.000961      #.#
validation  accuracy ##.##%, loss #.####; the largest class has ##.##%
test        accuracy ##.##%, loss #.####; the largest class has ##.##%
time        # s, # images a second
""",
    40: """\
small  depth = 1, width = 8, classes =
  10
186 parameters, 4.69K MACs at 1x8x8
digits: 1,079 images to train on, 359 to
 validate with
epochs = 2; seed 0; cpu

epoch     train loss     loss  accuracy
   1/2        #.####   #.####    ##.##%
   2/2        #.####   #.####    ##.##%
validation  accuracy ##.##%, loss #.####
; the largest class has ##.##%
test        accuracy ##.##%, loss #.####
; the largest class has ##.##%
time        # s, # images a second
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("columns", TRAINED)
def test_a_training(columns: int, tmp_path: Path) -> None:
    (tmp_path / "small.arch").write_text(NET)
    call = "-m archdsl train small.arch --data digits --epochs 2 --device cpu".split()
    ran = on_terminal(call, columns, tmp_path)
    assert (ran.code, masked(ran.screen)) == (0, TRAINED[columns])
    assert ran.written.startswith("loading PyTorch\r")


SEARCHED = {
    80: """\
At 20K multiply-adds, nothing is settled: the search ends with exploring; `seeds
1 then 4` would compare the best shapes.
best: depth = 2, width = 5 (trial 2, 20K macs); to save it as a spec:
  archdsl best tiny.study -o best.arch
""",
    40: """\
At 20K multiply-adds, nothing is
settled: the search ends with exploring;
`seeds 1 then 4` would compare the best
shapes.
best: depth = 2, width = 5 (trial 2, 20K
 macs); to save it as a spec:
  archdsl best tiny.study -o best.arch
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("columns", SEARCHED)
def test_a_search(columns: int, tmp_path: Path) -> None:
    (tmp_path / "small.arch").write_text(NET)
    (tmp_path / "tiny.search").write_text(ASKED)
    call = "-m archdsl search tiny.search --device cpu".split()
    ran = on_terminal(call, columns, tmp_path)
    assert (ran.code, ran.screen) == (0, SEARCHED[columns])
    first, last = (ran.written.index(text) for text in ("loading PyTorch", "accuracy"))
    assert first < last


# Commands that say on a terminal what is at work, and what they say.
AT_WORK_ELSEWHERE = {
    "check resnet": "checking resnet",
    "compare --x memory": "reading",
    "data digits": "loading PyTorch",
    "new pictures": "loading PyTorch",
    "predict trained pictures/cat/1.png --device cpu": "loading PyTorch",
    "evaluate trained --data digits --device cpu": "loading PyTorch",
    "best tiny.study --longer 2x --device cpu": "epoch 2/2",
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures, a trained network, and a study."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "small.arch").write_text(NET)
    (folder / "tiny.search").write_text(ASKED)
    for label in "cat", "dog":
        (folder / "pictures" / label).mkdir(parents=True)
        for n in range(12):
            colour = (20 * n, 90 if label == "cat" else 180, 9)
            Image.new("RGB", (8, 8), colour).save(folder / "pictures" / label / f"{n}.png")
    for words in (
        "train small.arch --data digits --epochs 1 --device cpu --quiet -o trained",
        "search tiny.search --device cpu --quiet",
    ):
        plain(words, 80, folder)
    return folder


def plain(words: str, columns: int, folder: Path) -> Shown:
    """What the command leaves on a screen if it writes to a file that is shown there."""
    ran = subprocess.run(
        [sys.executable, "-m", "archdsl", *words.split()],
        cwd=folder,
        env={**os.environ, "COLUMNS": str(columns), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return Shown(ran.returncode, shown(ran.stdout.replace(b"\n", b"\r\n"), columns), "")


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("words", AT_WORK_ELSEWHERE)
def test_what_was_at_work_leaves_nothing(
    words: str, columns: int, workplace: Path, tmp_path: Path
) -> None:
    first, second = (shutil.copytree(workplace, tmp_path / name) for name in ("terminal", "file"))
    ran = on_terminal(["-m", "archdsl", *words.split()], columns, first)
    if words != "check resnet":  # says nothing within its first second
        assert AT_WORK_ELSEWHERE[words] in ran.written
    wanted = without_times(plain(words, columns, second).screen)
    if columns == 40 and words.startswith("best"):  # of an epoch, a narrow terminal leaves out two
        wanted = re.sub(r"^ +lr  seconds\n|^ # #\n", "", wanted, flags=re.MULTILINE)
    assert (ran.code, without_times(ran.screen)) == (0, wanted)


@pytest.mark.slow
def test_what_was_measured_leaves_figures_alone(tmp_path: Path) -> None:
    (tmp_path / "small.arch").write_text(NET)
    call = "-m archdsl measure small.arch --batch 2 --threads 1".split()
    ran = on_terminal(call, 40, tmp_path)
    assert ran.code == 0 and ran.written.startswith("loading PyTorch\r")
    assert "measuring" not in ran.screen and "loading" not in ran.screen
    assert re.search(r"^eager +0\.\d+ ", ran.screen, re.MULTILINE), ran.screen


def without_times(screen: str) -> str:
    """Figures that differ from run to run."""
    return re.sub(r" *\d[\d.,e-]*", " #", screen)


def masked(screen: str) -> str:
    """Figures that depend on the machine."""
    for digits in (r"\d+\.\d\d%", r"\b\d\.\d{4}\b", r"(?<= )\d+\.\d$", r"\d[\d.]* m?s(?=, \d)",
                   r"[\d,.]+(?= images a second)"):  # fmt: skip
        screen = re.sub(digits, lambda m: re.sub(r"\d", "#", m[0]), screen, flags=re.MULTILINE)
    return re.sub(r"#[#,.]* images", "# images", re.sub(r"#[#.]* s,", "# s,", screen))

"""What is seen in a terminal: 80 columns, colours where they are wanted, and how far work is."""

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from archdsl.cli.live import LiveTable, Tried, line, slices_table, view_of
from archdsl.cli.progress import Meter, followed
from archdsl.files import builtin_names
from archdsl.search.leader import SearchProgress
from archdsl.search.request import Objective
from archdsl.search.rows import Row

NAMES = list(builtin_names())
ESCAPE = "\x1b"


# ------------------------------------------------------------------------------ 80 columns


@pytest.mark.parametrize(
    "words",
    [
        *(("summary", name) for name in NAMES[::2]),
        *(("summary", name, "--depth", "9") for name in NAMES[1::6]),
        *(("explain", name) for name in NAMES[::7]),
        *(("explain", name, "--knob", "depth") for name in ("resnet", "densenet")),
        *(("check", name, "--limit", "20") for name in NAMES[1::5]),
        ("diff", "inception_v3", "googlenet", "--depth", "9"),
        ("diff", "fractalnet20", "fractalnet40", "--depth", "9"),
        ("specs",),
        ("error",),
        ("compare", "efficientnet", "convnext_v2", "--x", "memory"),
        ("compare", "--chart", "winners"),
        ("compare", "--chart", "contours", "resnet_cifar"),
    ],
    ids=" ".join,
)
def test_nothing_is_wider_than_80_columns(words: tuple[str, ...], run: Any) -> None:
    ran = run(*words)
    if ran.code:  # a command that does not know one of these words would prove nothing
        pytest.fail(ran.err)
    lines = ran.out.splitlines()
    assert lines and max(map(len, lines)) <= 80, max(lines, key=len)


# --------------------------------------------------------------------------------- colours

COLOURED = [
    ("summary", "resnet18"),
    ("compare", "vgg11", "vgg13"),
    ("specs", "vgg"),
    ("diff", "vgg11", "vgg13"),
    ("error", "A201"),
]


@pytest.mark.parametrize("words", COLOURED, ids=" ".join)
def test_colours_are_for_terminals(
    words: tuple[str, ...], run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    plain = run(*words).out
    assert ESCAPE not in plain and ESCAPE in run(*words, tty=True).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(*words, tty=True).out == plain
    monkeypatch.setenv("NO_COLOR", "")  # is as if it were not set: https://no-color.org
    assert ESCAPE in run(*words, tty=True).out
    monkeypatch.setenv("TERM", "dumb")
    assert run(*words, tty=True).out == plain


# ------------------------------------------------------------------------- long work


class Terminal(io.StringIO):
    """What a terminal has been sent."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        return [text.rstrip() for text in self.getvalue().split("\r") if text.strip()]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


Made = Callable[[str, Clock], tuple[Meter, Terminal]]


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes a meter on a terminal of its own."""
    monkeypatch.setenv("TERM", "xterm")

    def made(what: str, clock: Clock) -> tuple[Meter, Terminal]:
        screen = Terminal()
        with monkeypatch.context() as patch:  # the runner of tests has its own from here on
            patch.setattr(sys, "stderr", screen)
            return Meter(what, clock), screen

    return made


def test_long_work_says_how_far_it_is_and_what_is_left(meter: Made) -> None:
    clock = Clock()
    shown, screen = meter("checking big.arch", clock)
    with shown:
        for share, text in ((0.1, "a"), (0.25, "b"), (0.26, "c"), (0.9, "d")):
            clock.time += 10 if text != "c" else 0.1
            shown(share, text)
    assert screen.lines() == [
        "checking big.arch 10 % · 1 min 30 s left · a",
        "checking big.arch 25 % · 1 min left · b",
        "checking big.arch 90 % · 3 s left · d",
    ]
    assert screen.getvalue().endswith("\r" + " " * 79 + "\r"), "it is wiped"


def test_short_work_says_nothing(meter: Made) -> None:
    clock = Clock()
    shown, screen = meter("reading", clock)
    with shown:
        for step in range(100):
            clock.time += 0.009
            shown(step / 100)
    assert screen.getvalue() == ""


def test_what_is_at_work_cannot_write_to_the_terminal_itself(meter: Made) -> None:
    clock = Clock()
    shown, screen = meter("measuring", clock)
    with shown:
        clock.time += 60
        shown(0.001, "a\x1b[2Jb" + 100 * "n")
    (only,) = screen.lines()
    assert ESCAPE not in only and len(only) <= 79
    assert only.startswith("measuring 0 % · a"), "nothing can be said of the time so soon"


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_only_a_terminal_is_told(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal() if term == "dumb" else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    clock = Clock()
    with Meter("reading", clock) as shown:
        clock.time += 60
        shown(0.5)
    assert stream.getvalue() == ""


def test_items_are_followed_in_their_order() -> None:
    assert list(followed([3, 1, 2], "reading", str)) == [3, 1, 2]
    assert list(followed([], "reading", str)) == []


def test_a_failure_wipes_the_line_too(meter: Made) -> None:
    clock = Clock()
    shown, screen = meter("reading", clock)
    with pytest.raises(ZeroDivisionError), shown:
        clock.time += 60
        shown(1 / 2)
        shown(1 / 0)
    assert screen.getvalue().endswith(" \r")


def test_a_check_says_how_far_it_is(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    monkeypatch.setattr(Meter, "__call__", lambda self, share, text="": shares.append(share))
    assert run("check", "patterns", "--limit", "50").code == 0
    assert len(shares) > 100, "the runs and the sample"
    assert shares == sorted(shares) and 0 < shares[0] < 0.1 and 0.9 < shares[-1] <= 1


# ---------------------------------------------------------------------- a search's view


def rows() -> list[Row]:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    long = "depth = 28, width = 0.515625, first = 0.25, second = 0.75"
    return [
        Row(
            number,
            slice,
            "explore",
            "running" if number == 5 else "done",
            turn=number,
            seed=1,
            shape=long,
            setting="lr = 0.02214, drop = 0.125",
            accuracy=0.9 + number / 1000,
            values=(0.9 + number / 1000,),
            curve=((1.0, 0.5, 1.0, 1.0, 0.1),),
            seconds=30.0,
            started=when,
            ended=None if number == 5 else when,
        )
        for slice in ("10M macs", "100M macs")
        for number in range(6)
    ]


def test_the_live_view_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    ended = [row for row in rows() if row.state == "done"]
    view = LiveTable(2)
    view.console = Console(file=io.StringIO(), width=80, height=40)
    view.show(SearchProgress("explore", ended, 2, 28, 40, 30.0, 0.0, None))
    view.console.print(view.live.renderable)
    lines = view.console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split("  ")[0] == "exploring" and "10 of 40 · 2 running" in lines[0]
    assert lines[0].rstrip().endswith("7 min 30 s left"), "30 trials of 30 s by 2 workers"
    (best,) = (text for text in lines if text.startswith("#4  100M macs"))
    assert "depth = 28, width = 0.5" in best and "90.40 %" in best, "what is too long is cut"
    assert len(lines) == 1 + 3 + 5, "no line is broken"
    assert lines[-1].rstrip().endswith("…  accuracy 90.40 %  30.0 s")


def test_the_live_view_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not isinstance(view_of(False, False, 1), LiveTable)
    monkeypatch.setattr(sys, "stdout", Terminal())
    view = view_of(False, False, 1)
    assert isinstance(view, LiveTable)


@pytest.mark.parametrize(("value", "coloured"), [("", True), ("1", False)])
def test_the_live_view_respects_no_color(
    value: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert LiveTable(1).console.no_color is not coloured


def test_the_live_view_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither characters nor the markup of what draws it act: a study may be somebody else's."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    evil = "\x1b]0;OWNED\x07 [link=file:///etc]x[/link] [/nothing]"
    ended = [replace(rows()[1], slice=evil, shape=evil, setting=evil, failure=evil)]
    ended += [replace(ended[0], state="failed", cause=evil)]
    view = LiveTable(1)
    view.console = Console(file=io.StringIO(), width=400, height=40, force_terminal=True)
    view.show(SearchProgress("explore", ended, 0, 0, 2, 30.0, 0.0, None))
    view.console.print(view.live.renderable)
    shown = view.console.file.getvalue()
    assert "OWNED" in shown and "[link=file:///etc]x[/link] [/nothing]" in shown
    assert "\x1b]" not in shown and "\x07" not in shown


def test_a_trial_is_a_line() -> None:
    text = line(rows()[1])
    assert text.endswith("seed 1  accuracy 90.10 %  30.0 s")
    tried = {row.slice: Tried() for row in rows()}
    assert slices_table(tried).row_count == 2


def test_the_best_so_far_is_that_of_the_objective() -> None:
    first, second = (replace(rows()[1], shape=s, values=(v,)) for s, v in (("a", 0.5), ("b", 0.3)))
    for minimize, best in ((True, 0.3), (False, 0.5)):
        tried = Tried(Objective("loss", minimize))
        tried.add(first)
        tried.add(second)
        assert tried.best is not None and tried.best[1] == best
    assert tried.shown(0.3) == "0.3"

"""How the text of a diagnostic is laid out, whatever it holds."""

import json
from pathlib import Path

import pytest

from archdsl import parse
from archdsl.cli.main import main
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Label, TrailFrame, diagnose, did_you_mean
from archdsl.diagnostics.render import LONGEST, WIDTH, render, render_one
from archdsl.diagnostics.source import Source, Span


def at(text: str, piece: str, name: str = "x.arch") -> Span:
    """The first place in a text where a piece of it stands."""
    start = text.index(piece)
    return Span(Source(name, text), start, start + len(piece))


def lines(text: str, piece: str) -> list[str]:
    return render_one(diagnose(codes.NO_ARCH, at(text, piece))).splitlines()[:-1]


@pytest.mark.parametrize(
    "before, columns",
    [
        ("", 0),
        ("abc ", 4),
        ("\t", 1),
        ("\t\t ", 3),
        ("\u65e5\u672c\u8a9e ", 7),
        ("\N{LATIN SMALL LETTER U WITH DIAERESIS} ", 2),
        ("u\N{COMBINING DIAERESIS} ", 2),
        ("\N{GRINNING FACE} ", 3),
        ("\x1b[31m", 5),
    ],
)
def test_carets_stand_below_what_they_mean(before: str, columns: int) -> None:
    _, place, _, code, carets = lines(f"{before}here there\n", "here")
    assert place == f" --> x.arch:1:{len(before) + 1}"
    assert carets == "  | " + " " * columns + "^^^^"
    assert code.endswith("here there")


@pytest.mark.parametrize("place", [0, 50, 100, 118, 119, 120, 121, 200, 500, 990])
def test_a_long_line_is_cut_around_its_place(place: int) -> None:
    text = "-" * place + "here" + "-" * 1000
    code, carets = lines(text, "here")[3:5]
    assert len(code) <= WIDTH + 10
    start = carets.index("^")
    assert code[start : start + 4] == "here"
    assert carets[start:] == "^^^^"


def test_a_place_that_is_longer_than_a_line() -> None:
    text = "one {\n  two\n}\n"
    assert lines(text, "one {\n  two\n}")[3:] == ["1 | one {", "  | ^^^^^"]
    code, carets = lines("a" * 500, "a" * 500)[3:]
    assert len(carets) == WIDTH + 4 and len(code) == WIDTH + 7


def test_the_end_of_a_line_and_of_a_file() -> None:
    source = Source("x.arch", "one\ntwo")
    for start, end, shown in [(3, 4, ["1 | one", "  |    ^"]), (7, 7, ["2 | two", "  |    ^"])]:
        found = render_one(diagnose(codes.NO_ARCH, Span(source, start, end)))
        assert found.splitlines()[3:5] == shown


def test_line_ends_of_other_systems() -> None:
    text = "one\r\ntwo here\r\n"
    assert lines(text, "here")[1:] == [" --> x.arch:2:5", "  |", "2 | two here", "  |     ^^^^"]


def test_labels_near_and_far_and_in_other_files() -> None:
    text = "a1\na2\na3\na4\na5\na6\na7\na8\na9\nb1\n"
    source, other = Source("x.arch", text), Source("lib/y.arch", "c1\nc2\n")

    def label(piece: str, source: Source = source) -> Label:
        start = source.text.index(piece)
        return Label(Span(source, start, start + 2), f"on {piece}")

    found = diagnose(
        codes.NO_ARCH, label("b1"), label("a1"), label("a2"), label("a4"), label("c2", other)
    )
    assert render_one(found).splitlines()[1:-1] == [
        "  --> x.arch:10:1",
        "   |",
        " 1 | a1",
        "   | -- on a1",
        " 2 | a2",
        "   | -- on a2",
        " 3 | a3",
        " 4 | a4",
        "   | -- on a4",
        "  ...",
        "10 | b1",
        "   | ^^ on b1",
        "  ::: lib/y.arch:2:1",
        "   |",
        " 2 | c2",
        "   | -- on c2",
    ]


def test_blocks_and_values() -> None:
    source, other = Source("x.arch", "a\nb\nc\n"), Source("y.arch", "d\n")
    trail = [
        TrailFrame("stage1", Span(source, 0, 1), {"c": "3"}),
        *[TrailFrame("unit", Span(source, 2, 3), {"n": "1"})] * 3,
        TrailFrame("inner", Span(other, 0, 1), {}),
    ]
    found = diagnose(codes.NO_ARCH, Span(source, 4, 5)).within(trail, {"w": "8", "n": "9"})
    assert render_one(found).splitlines()[-2] == (
        "  = in inner (y.arch:1) in unit (line 2, 3 times) in stage1 (line 1), with n = 1, w = 8"
    )


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        (
            "block grow(n) { repeat 2 { conv(8, 3) -> grow(n + 1) } }\ngrow(0)",
            "[turn 1 of 2 (line 3) in grow (line 3)] 39 times"
            " in turn 1 of 2 (line 3) in grow (line 4), with n = 39",
        ),
        (
            "block grow(n) { repeat n + 1 { conv(8, 3) -> grow(n + 1) } }\ngrow(0)",
            "[a turn (line 3) in grow (line 3)] 39 times"
            " in a turn (line 3) in grow (line 4), with n = 39",
        ),
        (
            "for i in 1..2 { for j in 1..2 { conv(8, 30, pad = 0) } }",
            "turn 1 of 2 (line 3) in turn 1 of 2 (line 3), with i = 1, j = 1",
        ),
    ],
)
def test_turns_of_a_recursion_are_folded(text: str, chain: str) -> None:
    """Neighbours that repeat together stand once; two loops of one line are two."""
    with pytest.raises(ArchError) as caught:
        parse(f"arch net\ninput 3x16x16\n{text}").with_knobs()
    assert f"  = in {chain}" in str(caught.value).splitlines()


def test_values_that_are_too_long_are_left_out() -> None:
    found = diagnose(codes.NO_ARCH).within([], {"short": "1", "long": "1" * 100})
    assert "  = with short = 1" in render_one(found).splitlines()


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x9b31m", "\r", "\b", "\x07", "\u202e", "\ud800", "\0"]
)
def test_nothing_moves_the_cursor(evil: str) -> None:
    span = at(f"here {evil} there", "here", f"{evil}.arch")
    found = diagnose(
        codes.REQUIREMENT,
        Label(span, evil),
        notes=[evil],
        help=[evil],
        message=f": {evil}",
    ).within([TrailFrame(evil, span, {evil: evil})], {"k": evil})
    text = render([found])
    assert evil not in text
    text.encode()
    assert all(c == "\n" or c.isprintable() for c in text)


def test_no_line_is_endless() -> None:
    found = diagnose(codes.NO_SUCH_FILE, name="x" * 100_000, help=["y" * 100_000])
    assert max(map(len, render([found]).splitlines())) == LONGEST


def test_an_error_is_its_text() -> None:
    found = diagnose(codes.NO_SUCH_FILE, name="x.arch")
    error = ArchError([found, found])
    assert str(error).split("\n\n") == ["error[A001]: there is no file `x.arch`"] * 2


@pytest.mark.parametrize(
    "word, known, meant",
    [
        ("rleu", ["relu", "gelu"], "relu"),
        ("RELU", ["relu", "rule"], "relu"),
        ("widht", ["width", "depth"], "width"),
        ("x", ["y", "z"], None),
        ("a" * 61, ["a" * 60], None),
        ("", ["a"], None),
    ],
)
def test_what_was_meant(word: str, known: list[str], meant: str | None) -> None:
    assert did_you_mean(word, known) == ([f"did you mean `{meant}`?"] if meant else [])


@pytest.mark.parametrize("count", [20, 21, 100, 101])
def test_very_many_mistakes_are_counted(
    count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "many.arch"
    path.write_text("arch many\ninput 3x8x8\n" + "".join(f"gone{i}\n" for i in range(count)))
    with pytest.raises(SystemExit):
        main(["check", str(path)])
    *shown, last = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("error[A101]") for line in shown) == 20
    kept, least, has = (count, "", "all") if count <= 100 else (100, "at least ", "the first 100")
    said = f"{kept - 20} more are not shown: `archdsl check --json` has {has}"
    assert (said in shown) is (count > 20)
    assert last.endswith(f"many.arch: {least}{kept} errors")
    with pytest.raises(SystemExit):
        main(["check", "--json", str(path)])
    (found,) = json.loads(capsys.readouterr().out)
    assert (len(found["diagnostics"]), found["complete"]) == (kept, count <= 100)


def test_mistakes_beside_one_that_cannot_be_read_say_whether_they_are_all() -> None:
    """Those that may be of what cannot be read are left out of the first hundred."""
    names = [f"q{i}" for i in range(60)]
    text = ["arch many", "input 3x8x8", f"let {', '.join(names)} = = 3", *names]
    found = {}
    for count in (30, 200):
        with pytest.raises(ArchError) as caught:
            parse("\n".join([*text, *(f"gone{i}" for i in range(count))]))
        found[count] = caught.value.complete
    assert found == {30: True, 200: False}

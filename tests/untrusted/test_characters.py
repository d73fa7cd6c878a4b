"""Characters that are no text, or that show a reader something else than what is there."""

from pathlib import Path

import pytest

import archdsl
from archdsl import ArchError

NET = "arch net\ninput 3x8x8\nrelu\n"

HIDDEN = {
    "NUL": "\0",
    "bell": "\x07",
    "backspace": "\b",
    "escape": "\x1b[31m",
    "vertical tab": "\v",
    "form feed": "\f",
    "delete": "\x7f",
    "C1 control sequence": "\x9b31m",
    "next line": "\x85",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "left-to-right mark": "\u200e",
    "a lone high surrogate": "\ud800",
    "a lone low surrogate": "\udfff",
}
PLACES = {
    "a comment": "# before {} after\n",
    "a doc comment": "## before {} after\nblock b {{ relu }}\n",
    "a text": 'require true, "before {} after"\n',
    "a name": "let be{}fore = 1\n",
    "between tokens": "relu {} -> bn\n",
    "a number": "conv(1{}0, 3)\n",
    "parentheses": "conv(3, {} 3)\n",
    "a body": "{{ relu; {} }}\n",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN.keys())
def test_hidden_characters_are_refused_anywhere(hidden: str, place: str) -> None:
    text = NET + place.format(hidden)
    with pytest.raises(ArchError) as caught:
        archdsl.parse(text, "evil.arch")
    first = caught.value.diagnostics[0]
    assert first.code == "A013"
    assert first.span is not None and first.span.text == hidden[0]
    assert f"`U+{ord(hidden[0]):04X}`" in first.message
    shown = str(caught.value)
    shown.encode()
    assert all(c == "\n" or c.isprintable() for c in shown)


@pytest.mark.parametrize("place", ["a comment", "a doc comment", "a text", "a name"])
def test_a_carriage_return_of_its_own_hides_what_is_before_it(place: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(NET + PLACES[place].format("\rrelu"), "evil.arch")
    assert {d.code for d in caught.value.diagnostics} <= {"A011", "A013", "A014"}
    assert "\r" not in str(caught.value)


@pytest.mark.parametrize("text", ["日本語", "é", "🙂", "\u200d", "\u00a0", "\u2028", "—", "\ufeff"])
def test_other_characters_may_stand_in_comments_and_texts(text: str) -> None:
    spec = archdsl.parse(f'## {text}\n{NET}# {text}\nrequire true, "{text}"\n')
    assert spec.doc == text.strip() or spec.doc == text
    with pytest.raises(ArchError):
        archdsl.parse(f"{NET}{text} -> relu\n")


def test_line_ends_of_other_systems() -> None:
    plain = archdsl.parse(NET + "conv(\n8,\n3) ->\nbn\n# end\n").with_knobs()
    other = archdsl.parse((NET + "conv(\n8,\n3) ->\nbn\n# end\n").replace("\n", "\r\n"))
    assert other.with_knobs().hash == plain.hash


def test_a_mark_before_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    path.write_bytes(b"\xef\xbb\xbf" + NET.encode())
    assert archdsl.read(str(path)).name == "net"
    with pytest.raises(ArchError) as caught:
        archdsl.parse("\ufeff" + NET)
    assert caught.value.diagnostics[0].helps == (
        "an editor put this invisible mark before the text: remove it",
    )


def test_a_file_of_fifty_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    for first in (b"\0", b"#", b"relu\n"):
        with path.open("wb") as stream:
            stream.write(first)
            stream.truncate(50 * 2**20)
        with pytest.raises(ArchError) as caught:
            archdsl.read(str(path))
        assert [d.code for d in caught.value.diagnostics] == ["A004"]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/proc/self/mem"])
def test_files_that_are_none(device: str) -> None:
    if not Path(device).exists():
        pytest.skip("not on this system")
    with pytest.raises(ArchError) as caught:
        archdsl.read(device)
    assert caught.value.diagnostics[0].code in ("A001", "A002")


def test_escapes_in_a_text_are_new_lines_at_most() -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(NET + r'require false, "one\ntwo \\x1b[31m \"three\""' + "\n").with_knobs()
    assert str(caught.value).splitlines()[0] == (
        r"error[A501]: a requirement is not met: one two \x1b[31m "
        '"three"'
    )

"""The card of a study: whatever stands in a field of it, a command says which field is wrong."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_training import explored

from archdsl.cli.main import main
from archdsl.search.card import KINDS, Card
from archdsl.search.kinds import fits

ASKED = "vary depth in {1, 2}\ntrain epochs = 1\nsampler grid\ntrials 2\n"
COMMANDS = ("verdict", "best", "report")

WRONG: dict[str, Any] = {
    "nothing": None, "true": True, "a number": 3, "below": -3, "huge": 10**30, "a part": 1.5,
    "infinite": float("inf"), "none": float("nan"), "a text": "x", "empty": "", "NUL": "a\0b",
    "a half": "\ud800", "escape": "\x1b]0;x\x07", "a path": "../../x", "long": "x" * 5000,
    "double": "((", "deep": "((" + "(" * 3000, "sizes": "((1, -8), 10)", "not two": "((1, 8))",
    "a list": [], "of texts": ["x"], "a table": {}, "of numbers": {"x": 1}, "of lists": {"x": []},
    "of halves": {"\ud800": "x"}, "of paths": {"../../x.arch": "block b { relu }"},
}  # fmt: skip

# What is of its kind, and so is taken, though archdsl may not have written it.
TEXTS = frozenset({"a text", "empty", "escape", "a path", "long", "double", "deep", "sizes",
                   "not two"})  # fmt: skip
TABLES = frozenset({"a table", "of paths"})
TAKEN = {
    "study": {"a text", "double", "sizes", "not two"},
    "seed": {"a number"},
    **dict.fromkeys(("search_name", "search", "folder", "spec_name", "spec"), TEXTS),
    **dict.fromkeys(("command", "storage"), TEXTS),
    **dict.fromkeys(("uses", "identity", "versions", "machine"), TABLES),
}


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The card of a study that is explored."""
    folder = tmp_path_factory.mktemp("card")
    explored(folder, ASKED).storage.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder / "x.study" / "study.json"


@pytest.fixture(scope="module")
def whole(card: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(card.read_text("utf-8"))
    return found


def call(capsys: pytest.CaptureFixture[str], command: str) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([command, "x"])
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


def test_every_field_has_a_kind(whole: dict[str, Any]) -> None:
    assert set(KINDS) == set(Card.__dataclass_fields__) == set(whole)
    assert Card.from_dict(whole).to_dict() == whole


@pytest.mark.parametrize("field", [f for f in KINDS if f != "format"])
def test_a_value_of_another_kind_is_named(field: str, whole: dict[str, Any]) -> None:
    for name, value in WRONG.items():
        if name in TAKEN.get(field, ()):
            Card.from_dict({**whole, field: value})
            continue
        with pytest.raises(
            ValueError, match=f"^its `{field}` is not {re.escape(KINDS[field][0])}$"
        ):
            Card.from_dict({**whole, field: value})


@pytest.mark.parametrize("field", KINDS)
def test_no_value_is_more_than_a_command_can_bear(
    field: str, card: Path, whole: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """All three read a card in one way: each value meets one of them, in turn."""
    for number, (name, value) in enumerate(WRONG.items()):
        card.write_text(json.dumps({**whole, field: value}))
        code, err = call(capsys, COMMANDS[number % 3])
        assert "internal error" not in err and "Traceback" not in err, (name, err)
        if field == "format":
            assert code == 1 and ("of another version of archdsl" in err or name == "true")
        elif name not in TAKEN.get(field, ()):
            said = f"error[A002]: `x.study/study.json` cannot be read: its `{field}` is not "
            assert code == 1 and err.startswith(said), (name, err)
    card.write_text(json.dumps(whole))


BROKEN = {
    "a list": "[]", "a text": '"x"', "nothing": "null", "no JSON": "{", "bytes": "\x00\xff",
    "deep": "[" * 100_000, "another version": '{"format": 2}', "a field more": None,
    "a field less": None, "empty": "",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_card(
    name: str, command: str, card: Path, whole: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {**whole, "more": 1} if "more" in name else {k: whole[k] for k in list(whole)[1:]}
    text = BROKEN[name]
    card.write_text(json.dumps(fields) if text is None else text, "latin-1")
    code, err = call(capsys, command)
    card.write_text(json.dumps(whole))
    assert code == 1 and err.startswith("error[A002]: `x.study/study.json` cannot be read: it is ")


def test_the_shape_in_a_description() -> None:
    assert fits("digits digits(seed = 0) ((1, 8, 8), 10)") == ((1, 8, 8), 10)


def test_an_argument_that_does_nothing_shuts_no_study(
    card: Path, whole: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The spec is on the card: nobody can leave the argument out any more."""
    first = next(c for c in re.findall(r"conv\([^()]*\)", whole["spec"]))
    idle = first.replace(")", ", bias = false, bias_init = zeros)")
    card.write_text(json.dumps({**whole, "spec": whole["spec"].replace(first, idle)}))
    ended = [call(capsys, command) for command in COMMANDS]
    card.write_text(json.dumps(whole))
    assert ended[0] == (0, "") and [code for code, _ in ended] == [0, 0, 0]

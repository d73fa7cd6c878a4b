"""Every kind of diagnostic has a code, a message, and a page that says more."""

import re
from string import Formatter

import pytest
from click.testing import CliRunner
from expected_text import expected

from archdsl.cli.main import cli
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Kind

KINDS = list(codes.ALL.values())
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)


def test_codes_are_in_order_and_unique() -> None:
    declared = [v for v in vars(codes).values() if isinstance(v, Kind)]
    assert len({kind.code for kind in declared}) == len(declared)
    assert list(codes.ALL) == sorted(codes.ALL)
    assert all(re.fullmatch(r"A\d\d\d", code) for code in codes.ALL)


@each
def test_a_page_says_more_than_the_message(kind: Kind) -> None:
    assert re.search(r"\w{3,}.*[.:?)]$", kind.page, re.DOTALL), "at least one sentence"
    assert len(kind.page.split()) >= 3
    assert kind.page == kind.page.strip()
    assert "{{" not in kind.page, "a page is no template"
    assert all(len(line) <= 100 for line in kind.page.splitlines())


@each
def test_texts_are_in_the_style_of_the_house(kind: Kind) -> None:
    assert kind.severity in ("error", "warning")
    assert "\n" not in kind.message + kind.help
    assert not kind.message.endswith("."), "a message is no sentence"
    assert not kind.help.endswith(".")
    assert kind.message.count("`") % 2 == 0 == kind.help.count("`") % 2 == kind.page.count("`") % 2


@each
def test_a_template_shows_its_fields_as_blanks(kind: Kind) -> None:
    for template, shown in ((kind.message, kind.template), (kind.help, kind.advice)):
        fields = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
        assert all(f"<{name}>" in shown for name in fields)
        assert shown.count("<") >= len(fields)


@each
def test_the_command_shows_the_page(kind: Kind) -> None:
    for given in (kind.code, kind.code.lower(), f"error[{kind.code}]"[5:]):
        result = CliRunner().invoke(cli, ["error", given])
        assert result.exit_code == 0, result.output
        assert result.output.startswith(f"{kind.code}: {kind.template}\n\n")
        assert " ".join(kind.page.split()) in " ".join(result.output.split())
        assert not kind.help or kind.advice in " ".join(result.output.split())


def test_the_command_lists_all() -> None:
    lines = CliRunner().invoke(cli, ["error"]).output.splitlines()
    assert [line[:4] for line in lines] == list(codes.ALL)
    assert lines[0] == "A001  there is no file `<name>`"


def test_a_code_that_is_none() -> None:
    result = CliRunner().invoke(cli, ["error", "A999"])
    assert result.exit_code == 2
    assert "there is no diagnostic A999" in result.output


@pytest.mark.parametrize("code", ["A012", "A201", "A214", "A402"])
def test_pages(code: str) -> None:
    expected(f"page_{code}", CliRunner().invoke(cli, ["error", code]).output)

"""What holds for the formatter's work on every text."""

from archdsl.diagnostics.source import Source
from archdsl.syntax.format import format_source
from archdsl.syntax.language import ARCH, Language, tokenize
from archdsl.syntax.parse import parse


def formatted(text: str, language: Language = ARCH) -> str:
    return format_source(Source("x", text), language)


def comments(text: str, language: Language) -> list[str]:
    tokens = tokenize(Source("x", text), language)
    return [str(t).rstrip() for t in tokens if t.type == "COMMENT"]


def check(text: str, language: Language = ARCH) -> None:
    """Nothing but the looks changes, and that once."""
    once = formatted(text, language)
    assert formatted(once, language) == once
    before, after = (parse(Source("x", t), language) for t in (text, once))
    assert before.statements == after.statements
    assert list(before.docs.values()) == list(after.docs.values())
    assert comments(once, language) == comments(text, language)
    lines = once.split("\n")
    assert all(line == line.rstrip() and "\t" not in line.split("#")[0] for line in lines)
    assert once == "" or (once.endswith("\n") and not once.endswith("\n\n"))
    assert not once.startswith("\n") and "\n\n\n" not in once and "\r" not in once

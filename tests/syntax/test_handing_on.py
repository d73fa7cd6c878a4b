"""Rules that only hand on their one part: skipped, which changes no tree."""

from dataclasses import replace
from operator import itemgetter

import pytest

from archdsl.diagnostics.source import Source
from archdsl.files import builtin_names, read_source
from archdsl.syntax import language
from archdsl.syntax.parse import read_tree
from archdsl.syntax.tree import Node


def shown(node: Node) -> list[tuple[str, int, int]]:
    return [(type(n).__name__, n.span.start, n.span.end) for n in node.walk()]


def test_lark_has_the_name_that_this_rests_on() -> None:
    """Where a later Lark calls it something else, texts are read as well and slower."""
    quick = [r for r in language.ARCH.parser()._callbacks.values() if type(r) is itemgetter]
    assert len(quick) > 10


def test_trees_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [read_source(name)[0].text for name in builtin_names()[::6]]
    texts += ["arch x\ninput 3x8x8\nlet a = ((1)) + -2 ^ 3\nconv(a 3)\n", "arch x\nconv(, )"]
    quick = [shown(read_tree(Source("x.arch", text)).file) for text in texts]
    monkeypatch.setattr(language, "hand_on", lambda parser: None)
    slow = replace(language.ARCH, starters=language.ARCH.starters | {"NEVER"})  # not cached
    assert not any(type(r) is itemgetter for r in slow.parser()._callbacks.values())
    assert [shown(read_tree(Source("x.arch", text), slow).file) for text in texts] == quick

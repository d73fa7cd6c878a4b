"""Whatever stands in a spec, a search or a trial, it stays text."""

import re
from html.parser import HTMLParser
from pathlib import Path

from reading import facts

from archdsl.report.page import report_page
from archdsl.report.view import StudyView


class Tags(HTMLParser):
    """The tags of a page, and the texts of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_no_text_becomes_markup(hostile: Path) -> None:
    page = report_page(facts(hostile))
    found = Tags()
    found.feed(page)
    assert found.tags.count("script") == 2 and "img" not in found.tags
    assert not any(name.startswith("on") for name in found.attributes)
    assert "&lt;/script&gt;&lt;script&gt;document.title=1" in page
    assert not re.search(r"<script>document\.title", page)


def test_nor_in_a_notebook(hostile: Path) -> None:
    found = Tags()
    found.feed(StudyView(facts(hostile))._repr_html_())
    assert "script" not in found.tags and "img" not in found.tags

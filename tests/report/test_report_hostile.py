"""Whatever stands in a spec, a search or a trial, it stays text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from reading import facts
from simulation import Formula, start, work

from archdsl.report.page import report_page
from archdsl.report.view import StudyView

BAD = "</script><script>document.title=1</script><img src=x onerror=document.title=2>"
SPEC = f"""## {BAD}
arch hostile(kind = "{BAD}" in {{"{BAD}", "]]>-->'b", "${{c}}"}}, width = 4 in 4..32)
input 1x8x8
stem: conv(width, 3) -> relu  # {BAD}
if kind != "]]>-->'b" {{ more: conv(width, 3) }}
if kind == "${{c}}" {{ again: conv(width, 3) }}
head: global_avgpool -> linear(10)
"""
SEARCH = f"""## {BAD}
search hostile
spec "hostile.arch"
vary kind in {{"{BAD}", "]]>-->'b", "${{c}}"}}, width in {{4, 8}}
data digits
train epochs = 2, batch = 64
seeds 1
trials 6
"""


def fails(arch: Any, lr: float, seed: int) -> BaseException | None:
    return ValueError(BAD) if "c}" in str(arch.shown_knobs["kind"]) else None


@pytest.fixture(scope="session")
def hostile(place: Path) -> Path:
    (place / "hostile.arch").write_text(SPEC, "utf-8")
    study = start(place, SEARCH, f"archdsl search '{BAD}'")
    work(study, Formula(lambda arch, lr: 0.9, fails=fails))
    study.stage = "done"
    return place / "hostile.study"


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

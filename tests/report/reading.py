"""A report read as a person would: its sections, their texts, and its data."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

from archdsl.report.facts import Facts, gather
from archdsl.report.page import report_page
from archdsl.search.snapshot import read_study


def facts(study: Path) -> Facts:
    """What a report knows of a study."""
    with read_study(str(study)) as found:
        return gather(found)


class Read:
    """The page of a study."""

    def __init__(self, study: Path) -> None:
        self.facts = facts(study)
        self.page = report_page(self.facts)
        self.data: dict[str, Any] = json.loads(
            re.search(r'id="data">(.*?)</script>', self.page, re.DOTALL)[1]  # type: ignore[index]
        )

    def section(self, name: str) -> str:
        """The markup of a section."""
        found = re.search(rf'<section id="{name}".*?</section>', self.page, re.DOTALL)
        assert found, f"there is no section {name}"
        return found[0]

    def text(self, name: str) -> str:
        """What stands in a section, a line for each piece of text."""
        plain = re.sub(r"<[^>]*>", "\n", self.section(name))
        lines = (line.strip() for line in unescape(plain).split("\n"))
        return "\n".join(line for line in lines if line)

    @property
    def sections(self) -> list[str]:
        return re.findall(r'<section id="(\w+)"', self.page)

    def net(self, key: str, kind: str) -> str:
        """The frozen spec or the drawing of a trial."""
        numbers = self.data["nets"][self.data["trials"][key]["hash"]][kind]
        return "\n".join(self.data["lines"][n] for n in numbers)

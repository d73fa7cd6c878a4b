"""A study in hand: its trials and its verdict, and, in a notebook, the chart that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from archdsl.outputs import check_output, write_output
from archdsl.pictures.palette import COLOURS, on_paper
from archdsl.registry import REGISTRY, Registry
from archdsl.report.answer import nothing, status
from archdsl.report.facts import Facts, gather
from archdsl.report.figure import panel_svg, symbol
from archdsl.report.page import main_figure, report_page
from archdsl.report.scales import many
from archdsl.search import snapshot
from archdsl.search.rows import Row
from archdsl.spec import Architecture
from archdsl.verdict import Verdict, words

LOOKS = "".join(
    f".archdsl-study .{role}{{fill:{on_paper(role)}}}"
    f".archdsl-study .l-{role}{{stroke:{on_paper(role)}}}"
    for role in COLOURS
)


class StudyView:
    """A study as it stood when it was read: see ``archdsl.study``."""

    def __init__(self, facts: Facts, rows: Sequence[Row] | None = None) -> None:
        self.facts = facts
        self._rows = facts.rows if rows is None else rows

    def __repr__(self) -> str:
        return f"<Study {self.name}: {many(self.facts.turns, 'trial')}>\n{self.words}"

    def _repr_html_(self) -> str:
        """What it says and the main chart of its report, as notebooks show them."""
        figure = main_figure(self.facts)
        parts = [f"<p><b>{escape(self.name)}</b></p>"]
        parts += [f"<p>{escape(line)}</p>" for line in self.words.split("\n")]
        if figure.why:
            return "".join([*parts, f"<p>{escape(figure.why)}</p>"])
        panels = "".join(
            f'<figure style="flex: 1 1 {p.width:g}px; max-width: {p.width:g}px; margin: 0">'
            f"<figcaption>{escape(p.title)}</figcaption>{panel_svg(p, notes=True)}</figure>"
            for p in figure.wide or figure.panels
        )
        key = "".join(f"<span>{symbol(g)} {escape(t)}</span> " for g, t in figure.key)
        return (
            f"<style>.archdsl-study path{{fill:none;stroke-width:1.2}}{LOOKS}</style>"
            f'{"".join(parts)}<div class="archdsl-study" style="background: #fff; color: #000;'
            f' padding: 8px"><div>{key}</div><div style="display: flex; flex-wrap: wrap;'
            f' gap: 16px">{panels}</div><p>{escape(figure.caption)}</p></div>'
        )

    @property
    def name(self) -> str:
        """What the study is called."""
        return self.facts.name

    @property
    def rows(self) -> Sequence[Row]:
        """Its trials, as records: by stage, by budget, by number."""
        return self._rows

    @property
    def verdict(self) -> Verdict | None:
        """The verdict in numbers; nothing where there are no results, or several objectives."""
        return self.facts.verdict

    @property
    def best(self) -> Row | None:
        """The best trial, as `archdsl best` takes it; nothing where there is none."""
        return self.facts.best

    @property
    def front(self) -> Sequence[Row]:
        """With several objectives: the trials that no other beats in all of them."""
        return self.facts.front

    @property
    def words(self) -> str:
        """What the study says, in lines of text, how far it is first."""
        lines = list(status(self.facts))
        if self.facts.front:
            lines.append(f"{many(len(self.front), 'network')} are beaten by no other.")
        elif self.verdict is not None:
            lines += [words(self.verdict), *self.facts.beside]
        else:
            lines.append(nothing(self.facts))
        return "\n".join(lines)

    def architecture(self, row: Row) -> Architecture:
        """The network of a trial. Raises ``ArchError`` where it cannot be made any more."""
        return self.facts.architecture(row)

    def report(self) -> str:
        """The report, as the text of an HTML file."""
        return report_page(self.facts)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Writes the report. Raises ``ArchError``, also for a file that archdsl did not write,
        unless ``force`` is said."""
        check_output(Path(path), force=force, in_python=True)
        write_output(Path(path), self.report())


def read_study(
    name: str | Path,
    storage: str | None = None,
    registry: Registry = REGISTRY,
    data: Path | None = None,
) -> StudyView:
    """A study by its folder, or by its name in a storage. Raises ``ArchError``."""
    with snapshot.read_study(str(name), storage, registry, data) as study:
        facts = gather(study, storage is not None)
        return StudyView(facts, facts.rows if facts.is_whole else study.rows())


def read_report(
    name: str, storage: str | None = None, registry: Registry = REGISTRY, data: Path | None = None
) -> StudyView:
    """The same for its report alone: of a large study, the trials that it shows. Raises
    ``ArchError``."""
    with snapshot.read_study(name, storage, registry, data) as study:
        return StudyView(gather(study, storage is not None))

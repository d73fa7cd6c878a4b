"""What has changed in a study since somebody last looked: queries, and not lists of trials."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.search.rows import Row
from archdsl.search.study import ALL, Part, Study
from archdsl.search.tables import FINISHED, TIMES, OpenTrials

MOST = 100  # trials at work that are told of
NAMED = ("shape", "solved", "setting", "seed", "turn", "trial", "worker", "reached", TIMES)


@dataclass
class Changes:
    """Trials that have ended, each told once, and what is open.

    Optuna's ids grow as trials are made, and queues are worked off in their order: what has ended
    since the last look lies, but for a few, at or after the first trial that was open then.
    """

    study: Study
    first: dict[int, int] = field(default_factory=dict)  # of each part: ids before it have ended
    told: dict[int, set[int]] = field(default_factory=dict)  # those from there on that are told
    queues: dict[int, OpenTrials] = field(default_factory=dict)  # as they were at the last look

    def look(self) -> list[Row]:
        """The trials that have ended since the last look, in the order of their ends."""
        study, before, news = self.study, self.queues, []
        places = study.ids()
        self.queues = study.tables.queues(list(places))
        for id, place in places.items():
            if id not in before or before[id] != self.queues[id] or self.queues[id].running:
                news += self._ended(id, place)
        return sorted(news, key=lambda row: str(row.ended))

    def _ended(self, id: int, place: Part) -> list[Row]:
        told = self.told.setdefault(id, set())
        ended = self.study.tables.ids(id, FINISHED, self.first.get(id, 0))
        new = [trial for trial in ended if trial not in told]
        told.update(new)
        first = self.queues[id].first
        if first is None:  # all of them had ended: later ones have larger ids than these
            first = max(ended, default=self.first.get(id, 1) - 1) + 1
        if first > self.first.get(id, 0):
            self.first[id] = first
            self.told[id] = {trial for trial in told if trial >= first}
        return self.study.rows_of(id, place, new, *ALL) if new else []

    def at_work(self, stage: str) -> list[Row]:
        """The trials of a stage that run, as far as they are shown."""
        study, found = self.study, list[Row]()
        for id, place in study.ids([stage]).items():
            queue = self.queues.get(id)
            if queue is not None and queue.running:
                ids = study.tables.ids(id, ("RUNNING",), queue.first or 0)[:MOST]
                found += study.rows_of(id, place, ids, *NAMED)
        return found[:MOST]

    def open(self, stage: str) -> OpenTrials:
        """What is open of a stage, as it was at the last look."""
        mine = [self.queues[i] for i in self.study.ids([stage]) if i in self.queues]
        return OpenTrials(sum(q.waiting for q in mine), sum(q.running for q in mine))

"""The tables in which Optuna keeps studies and trials, asked by SQL.

Queries cost what they find, and not what a study holds: how many trials wait, which of them
comes next, what has ended since somebody last looked. Nothing here imports Optuna; its tables
are those of its schema, which it moves on by migrations and checks when it opens a database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, bindparam, inspect, text

from archdsl.search.database import READING, Patience
from archdsl.search.rows import StoredTrial

FINISHED = ("COMPLETE", "PRUNED", "FAIL")
OPEN = ("WAITING", "RUNNING")
T = TypeVar("T")

INFINITE = {"INF_POS": inf, "INF_NEG": -inf}
AT_ONCE = 500  # numbers of trials in one question
TIMES = "times"  # asked for as if it were an attribute: when a trial started and ended

# Optuna's own indexes find the trials of a study, but not those of a state, and no attribute.
# SQLite takes a partial index only where one of these ORs stands in the question, which an IN is
# not; and it takes one of Optuna's first, unless a question says `study_id + 0`.
INDEXED = ("turn", "hash", "weights")
INDEXES = (
    "CREATE INDEX IF NOT EXISTS archdsl_states ON trials (study_id, state, trial_id)",
    "CREATE INDEX IF NOT EXISTS archdsl_known ON trial_user_attributes (key, value_json)"
    " WHERE " + " OR ".join(f"key = '{name}'" for name in INDEXED),
)


@dataclass(frozen=True, slots=True)
class OpenTrials:
    """What is open of one of Optuna's studies."""

    waiting: int = 0
    running: int = 0
    first: int | None = None  # the oldest trial that is open, by Optuna's id
    next: int | None = None  # and the oldest that waits


@dataclass(frozen=True)
class Tables:
    """The tables of a database."""

    engine: Engine
    patience: Patience

    def ask(self, question: str, **values: Any) -> list[Any]:
        """The answer to a question; lists are values of an ``IN``."""
        return self.patience.ask(self._ask, question, values)

    def _ask(self, question: str, values: Mapping[str, Any]) -> list[Any]:
        with self.reading() as connection:
            return list(_asked(connection, question, values))

    def reading(self) -> Connection:
        """A connection that writes nothing."""
        return self.engine.connect().execution_options(**READING)

    def make_indexes(self) -> None:
        def make() -> None:
            with self.engine.begin() as connection:
                for index in INDEXES:
                    connection.execute(text(index))

        self.patience.ask(make)

    # ------------------------------------------------------------------------ studies

    def studies(self) -> dict[str, int]:
        """Optuna's studies by their names; none where the tables are not made yet."""

        def find() -> dict[str, int]:
            with self.reading() as connection:
                if not inspect(connection).has_table("studies"):
                    return {}
                return dict(_asked(connection, "SELECT study_name, study_id FROM studies", {}))

        return self.patience.ask(find)

    def attribute(self, study: int, name: str) -> Any:
        """What stands in an attribute of a study; nothing where it has none."""
        found = self.ask(
            "SELECT value_json FROM study_user_attributes WHERE study_id = :study AND key = :name",
            study=study,
            name=name,
        )
        try:
            return json.loads(found[0][0]) if found else None
        except (ValueError, TypeError, RecursionError):
            return None

    # -------------------------------------------------------------------------- trials

    def queues(self, studies: Sequence[int]) -> dict[int, OpenTrials]:
        """What is open of each study."""
        found: dict[int, dict[str, tuple[int, int]]] = {study: {} for study in studies}
        for study, state, count, first in self.ask(
            "SELECT study_id, state, COUNT(*), MIN(trial_id) FROM trials WHERE study_id IN :studies"
            " AND state IN ('WAITING', 'RUNNING') GROUP BY study_id, state",
            studies=list(studies),
        ):
            found[study][state] = (count, first)
        queues = {}
        for study, states in found.items():
            (waiting, next), (running, now) = (states.get(s, (0, None)) for s in OPEN)
            firsts = [i for i in (next, now) if i is not None]
            queues[study] = OpenTrials(waiting, running, min(firsts, default=None), next)
        return queues

    def counts(self, studies: Sequence[int]) -> dict[tuple[int, str], int]:
        """How many trials each study has of each state, of those that were planned."""
        return {
            (study, state): count
            for study, state, count in self.ask(
                "SELECT t.study_id, t.state, COUNT(*) FROM trials t WHERE t.study_id IN :studies"
                " AND EXISTS (SELECT 1 FROM trial_user_attributes a WHERE a.trial_id = t.trial_id"
                " AND a.key = 'turn') GROUP BY t.study_id, t.state",
                studies=list(studies),
            )
        }

    def waiting(self, study: int, count: int) -> list[int]:
        """The head of a queue."""
        found = self.ask(
            "SELECT trial_id FROM trials WHERE study_id = :study AND state = 'WAITING'"
            " ORDER BY trial_id LIMIT :count",
            study=study,
            count=count,
        )
        return [i for (i,) in found]

    def ids(self, study: int, states: Sequence[str], since: int = 0) -> list[int]:
        """The trials of a study that are of some states, from an id on."""
        found = self.ask(
            "SELECT trial_id FROM trials WHERE study_id = :study AND trial_id >= :since"
            f" AND state IN ({_words(states)}) ORDER BY trial_id",
            study=study,
            since=since,
        )
        return [i for (i,) in found]

    def numbers(self, study: int, states: Sequence[str]) -> dict[int, int]:
        """The numbers of the trials of a study that are of some states, by their ids."""
        found = self.ask(
            "SELECT trial_id, number FROM trials WHERE study_id = :study"
            f" AND state IN ({_words(states)}) ORDER BY trial_id",
            study=study,
        )
        return dict(map(tuple, found))

    def with_value(self, study: int, name: str, value: Any) -> list[int]:
        """The trials that have ended with a value in an attribute."""
        of = "t.study_id + 0" if name in INDEXED else "t.study_id"
        found = self.ask(
            "SELECT t.trial_id FROM trial_user_attributes a JOIN trials t ON t.trial_id ="
            f" a.trial_id WHERE a.key = '{name}' AND a.value_json = :value AND {of} = :study"
            f" AND t.state IN ({_words(FINISHED)}) ORDER BY t.trial_id",
            study=study,
            value=json.dumps(value),
        )
        return [i for (i,) in found]

    def with_attribute(self, study: int, name: str) -> list[int]:
        """The trials that have an attribute which is indexed."""
        found = self.ask(
            "SELECT t.trial_id FROM trial_user_attributes a JOIN trials t ON t.trial_id ="
            f" a.trial_id WHERE a.key = '{name}' AND t.study_id + 0 = :study ORDER BY t.trial_id",
            study=study,
        )
        return [i for (i,) in found]

    def values_of(self, study: int, name: str) -> dict[int, Any]:
        """An attribute of all trials of a study that have it, by their ids."""
        found = self.ask(
            "SELECT t.trial_id, a.value_json FROM trials t JOIN trial_user_attributes a"
            f" ON a.trial_id = t.trial_id WHERE t.study_id = :study AND a.key = '{name}'",
            study=study,
        )
        return {i: _decoded(value) for i, value in found}

    def amounts(self, studies: Sequence[int], name: str) -> list[float]:
        """An attribute of the trials of some studies that have ended, where it is an amount."""
        found = self.ask(
            "SELECT a.value_json FROM trials t JOIN trial_user_attributes a"
            f" ON a.trial_id = t.trial_id AND a.key = '{name}' WHERE t.study_id IN :studies"
            f" AND t.state IN ({_words(FINISHED)})",
            studies=list(studies),
        )
        values = []
        for (written,) in found:
            with suppress(ValueError, TypeError):
                values.append(float(written))
        return [value for value in values if 0 <= value < inf]

    def running(self, studies: Sequence[int]) -> list[tuple[int, int, str | None]]:
        """The trials that run: study, id, and the name of the worker, if it has one yet."""
        found = self.ask(
            "SELECT t.study_id, t.trial_id, a.value_json FROM trials t LEFT JOIN"
            " trial_user_attributes a ON a.trial_id = t.trial_id AND a.key = 'worker'"
            " WHERE t.study_id IN :studies AND t.state = 'RUNNING'",
            studies=list(studies),
        )
        return [(s, i, None if v is None else str(_decoded(v))) for s, i, v in found]

    def given_up(self, study: int, since: int) -> list[int]:
        """The failed trials from an id on whose turn no later trial has."""
        found = self.ask(
            "SELECT t.trial_id FROM trials t JOIN trial_user_attributes a"
            " ON a.trial_id = t.trial_id AND a.key = 'turn'"
            " WHERE t.study_id = :study AND t.state = 'FAIL' AND t.trial_id >= :since"
            " AND NOT EXISTS (SELECT 1 FROM trial_user_attributes b JOIN trials u"
            " ON u.trial_id = b.trial_id WHERE b.key = 'turn' AND b.value_json = a.value_json"
            " AND u.study_id + 0 = t.study_id AND u.trial_id > t.trial_id) ORDER BY t.trial_id",
            study=study,
            since=since,
        )
        return [i for (i,) in found]

    def last_end(self, studies: Sequence[int]) -> Any:
        """When the last trial ended, as the database has it; nothing where none has."""
        found = self.ask(
            "SELECT MAX(datetime_complete) FROM trials WHERE study_id IN :studies",
            studies=list(studies),
        )
        return found[0][0] if found else None

    def params(self, study: int, numbers: Sequence[int]) -> dict[int, list[tuple[str, float, str]]]:
        """What was drawn for trials of some numbers: names, values as Optuna keeps them, and
        its distributions, in the order in which they were drawn."""
        found: dict[int, list[tuple[str, float, str]]] = {}
        for start in range(0, len(numbers), AT_ONCE):
            for number, *drawn in self.ask(
                "SELECT t.number, p.param_name, p.param_value, p.distribution_json"
                " FROM trials t JOIN trial_params p ON p.trial_id = t.trial_id"
                " WHERE t.study_id = :study AND t.number IN :chosen ORDER BY p.param_id",
                study=study,
                chosen=list(numbers[start : start + AT_ONCE]),
            ):
                found.setdefault(number, []).append(tuple(drawn))
        return found

    # -------------------------------------------------------------------- whole trials

    def recorded(
        self,
        study: int,
        names: Sequence[str],
        numbers: Sequence[int] | None = None,
        ids: Sequence[int] | None = None,
        states: Sequence[str] = (),
        *,
        make: Callable[[StoredTrial], T],
    ) -> list[T]:
        """What ``make`` makes of trials of a study, in the order in which they were made: of all,
        or of those of some numbers or ids; with the attributes of some names. A trial without a
        turn was not planned (Optuna makes one where a worker finds the queue empty): it is left
        out."""
        conditions = [f"t.state IN ({_words(states)})"] if states else []
        if states == FINISHED:  # and those of a state that there is not, which are told
            conditions = [f"t.state NOT IN ({_words(OPEN)})"]
        if numbers is None and ids is None:
            return self.patience.ask(self._recorded, study, names, conditions, {}, make)
        column, chosen = ("number", numbers) if ids is None else ("trial_id", ids)
        found: list[T] = []
        wanted = sorted(set(chosen or ()))
        for start in range(0, len(wanted), AT_ONCE):
            asked = [*conditions, f"t.{column} IN :chosen"]
            values = {"chosen": wanted[start : start + AT_ONCE]}
            found += self.patience.ask(self._recorded, study, names, asked, values, make)
        return found

    def _recorded(
        self,
        study: int,
        names: Sequence[str],
        conditions: Sequence[str],
        values: dict[str, Any],
        make: Callable[[StoredTrial], T],
    ) -> list[T]:
        """Two answers: a row for each trial, with those of its attributes that are asked for, and a
        row for each score. The trials are asked for first, so that one which ends meanwhile has a
        score too many, and not none.

        An attribute is a join, which looks it up in the index of trials and names: half the time
        of reading all attributes of a trial and taking some.
        """
        given = {"study": study, **values}
        times = ["t.datetime_start", "t.datetime_complete"] if TIMES in names else ["NULL", "NULL"]
        keys = [n for n in names if n != TIMES]
        joins = ["JOIN trial_user_attributes a ON a.trial_id = t.trial_id AND a.key = 'turn'"]
        joins += [
            f"LEFT JOIN trial_user_attributes a{place}"
            f" ON a{place}.trial_id = t.trial_id AND a{place}.key = {_words([n])}"
            for place, n in enumerate(keys)
        ]
        columns = [f"a{place}.value_json" for place in range(len(keys))]
        where = " AND ".join(["t.study_id = :study", *conditions])
        with self.reading() as connection:
            trials = _asked(
                connection,
                f"SELECT t.trial_id, t.number, t.state, {', '.join([*times, *columns])}"
                f" FROM trials t {' '.join(joins)} WHERE {where} ORDER BY t.trial_id",
                given,
            )
            scores: dict[int, tuple[float, ...]] = {}
            for id, value, kind in _asked(
                connection,
                "SELECT v.trial_id, v.value, v.value_type FROM trials t JOIN trial_values v"
                f" ON v.trial_id = t.trial_id WHERE {where} ORDER BY t.trial_id, v.objective",
                given,
            ):
                scores[id] = (*scores.get(id, ()), INFINITE.get(kind, value))
            return [
                make(StoredTrial(number, state, started, ended, scores.get(id, ()), keys, texts))
                for id, number, state, started, ended, *texts in trials
            ]


def _asked(connection: Connection, question: str, values: Mapping[str, Any]) -> Iterator[Any]:
    """The rows of an answer, as it stands when this is called."""
    lists = [n for n, value in values.items() if isinstance(value, list)]
    asked = text(question).bindparams(*(bindparam(n, expanding=True) for n in lists))
    answer = connection.execution_options(stream_results=True).execute(asked, dict(values))
    # Not the driver's cursor: the first rows have left it.
    return (tuple(row) for rows in answer.partitions(1000) for row in rows)


def _words(words: Sequence[str]) -> str:
    """Words of archdsl's own, as SQL has texts."""
    assert all(word.replace("_", "").isalpha() for word in words)
    return ", ".join(f"'{word}'" for word in words)


def _decoded(value: Any) -> Any:
    """What a JSON text says; nothing where it is none."""
    try:
        return json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return None

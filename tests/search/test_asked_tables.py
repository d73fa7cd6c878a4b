"""Questions to the tables of a study take its indexes, so that they cost what they find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from archdsl.search.storage import open_storage
from archdsl.search.tables import Tables


@pytest.mark.parametrize(
    ("ask", "wanted"),
    [
        (lambda tables: tables.with_value(1, "hash", "abc"), 1),
        (lambda tables: tables.with_attribute(1, "weights"), 1),
        (lambda tables: tables.given_up(1, 5), 1),
        (lambda tables: tables.with_value(1, "failure", "dropped"), 0),
    ],
)
def test_an_attribute_is_looked_up(
    ask: Callable[[Tables], object], wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite takes a partial index only where a question is written for it."""
    storage, plans = open_storage(tmp_path, None), []
    try:
        storage.tables.make_indexes()

        def explained(self: Tables, question: str, values: dict[str, object]) -> list[object]:
            with self.engine.connect() as connection:
                asked = connection.execute(text(f"EXPLAIN QUERY PLAN {question}"), values)
                plans.extend(line[3] for line in asked)
            return []

        monkeypatch.setattr(Tables, "_ask", explained)
        ask(storage.tables)
    finally:
        storage.close()
    assert plans
    found = [p for p in plans if "USING INDEX archdsl_known (key=?" in p.replace("COVERING ", "")]
    assert len(found) == wanted, plans

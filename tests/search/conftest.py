"""What tests of searching share: a search of seconds that is always cleaned up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_search import TinySearch


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinySearch]:
    """A search that is not started yet."""
    search = TinySearch(tmp_path / "tiny")
    yield search
    search.close()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TinySearch:
    """A search that nothing has happened to."""
    search = TinySearch(tmp_path_factory.mktemp("whole"))
    search.finish()
    return search

"""What tells that a database is away, and is waited for."""

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, PendingRollbackError

from archdsl.search.database import is_away

pytestmark = pytest.mark.quiet


def test_a_connection_that_is_lost_within_a_transaction() -> None:
    with create_engine("sqlite://").connect() as connection:
        connection.begin()
        connection.invalidate()
        with pytest.raises(PendingRollbackError) as caught:
            connection.execute(text("SELECT 1"))
    assert is_away(caught.value)
    wrapped = StorageInternalError("while it commits")
    wrapped.__cause__ = caught.value
    assert is_away(wrapped)


def test_what_is_wrong_with_a_query_is_no_absence() -> None:
    assert is_away(OperationalError("SELECT 1", {}, Exception("the server is gone")))
    assert not is_away(PendingRollbackError("something was wrong with what was written"))
    assert not is_away(StorageInternalError("something else"))

"""What some machines lack: a test that needs it skips there, and fails where nothing may skip."""

import os
from typing import NoReturn

import pytest


def skip(reason: str) -> NoReturn:
    """Skips a test, unless nothing may be skipped."""
    if os.environ.get("ARCHDSL_REQUIRE_ALL") == "1":
        pytest.fail(f"this has to be tested, but {reason}")
    pytest.skip(reason)

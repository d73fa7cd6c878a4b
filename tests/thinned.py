"""Tests of many cases: some in every run, all with ``-m 'slow or not slow'``."""

from collections.abc import Iterable

import pytest


def thinned(values: Iterable[object], every: int) -> list[object]:
    """The cases of a test, of which one in so many is no slow one."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[] if i % every == 0 else [pytest.mark.slow],
        )
        for i, value in enumerate(values)
    ]

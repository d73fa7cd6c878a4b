"""Numbers of options that are none."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    "command",
    ["search first --engine ray --cpus", "search first --engine ray --gpus", "worker x --idle",
     "import x --timeout"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_no_finite_number_is_refused(run: Any, command: str, value: str) -> None:
    ran = run(*command.split(), value)
    assert ran.code == 2 and f"{value} is not a finite number" in ran.err

"""A search may be started in any folder, whatever lies there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_baseline import SPEC

pytestmark = pytest.mark.quiet

SEARCH = """
spec "tiny.arch"
vary depth in {1, 2}
data digits
train epochs = 1
trials 2
"""


def test_workers_are_of_the_package_that_runs(tmp_path: Path) -> None:
    """A folder of archdsl's own name is not taken for it: it may be a checkout, half installed."""
    (tmp_path / "archdsl").mkdir()
    (tmp_path / "archdsl" / "__init__.py").write_text("raise SystemExit('another archdsl')\n")
    (tmp_path / "tiny.arch").write_text(SPEC)
    (tmp_path / "tiny.search").write_text(SEARCH)
    code = "from archdsl.cli.main import main; main(['search', 'tiny.search', '--quiet'])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "best: depth = " in done.stdout

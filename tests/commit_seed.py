"""The seed of random tests: another one for each commit, and the same one for the same commit."""

import subprocess
from pathlib import Path

from archdsl.__about__ import VERSION


def commit() -> str:
    """The commit that is tested; the version where there is no repository."""
    here = Path(__file__).parent
    command = ["git", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return VERSION
    return found.stdout.strip() or VERSION


def seed() -> int:
    """A number that follows from the commit."""
    return int.from_bytes(commit().encode()[:16], "big") % 10**8

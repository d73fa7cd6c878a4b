"""docs/security.md: every line of what cannot happen names a test that there is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_promise_has_its_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    promised, _, _ = text.partition("## Not covered")
    lines = [line for line in promised.splitlines() if line.startswith("- ")]
    assert len(lines) > 20
    for line in lines:
        found = re.search(r"`(tests/\S+\.py)::(test_\w+)`$", line)
        assert found, f"no test: {line}"
        source = (ROOT / found[1]).read_text("utf-8")
        assert f"\ndef {found[2]}(" in source, f"there is no {found[1]}::{found[2]}"

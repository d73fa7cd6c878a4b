"""Texts that would take hours: every command says what it can, soon, and within little memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from blow_ups import BLOW_UPS, networks

RUNNER = Path(__file__).with_name("run_limited.py")
COMMANDS = {
    "check": "check TEXT",
    "fmt": "fmt --check TEXT",
    "summary": "summary TEXT",
    "compile": "compile TEXT -o made.py",
    "graph": "graph --json TEXT",
    "dot": "graph --dot TEXT",
    "layers": "summary --layers TEXT",
    "draw": "draw TEXT -o made.svg",
    "png": "draw TEXT -o made.png",
    "volumes": "draw --volumes TEXT -o volumes.svg",
    "diff": "diff TEXT resnet18",
    "difference": "diff resnet18 TEXT -o difference.svg",
    "explain": "explain TEXT",
    "knob": "explain TEXT --knob width",
    "fit": "fit TEXT --factor 0.5 --of memory --by width",
}
WHOLE = {name for name, _, _ in networks()}  # what costs time after it is elaborated


@pytest.mark.skipif(sys.platform != "linux", reason="limits and their measures are those of Linux")
@pytest.mark.slow
@pytest.mark.parametrize("name", BLOW_UPS)
def test_every_command_ends_soon(name: str, tmp_path: Path) -> None:
    expected, text = BLOW_UPS[name]
    file = f"{name}.arch"
    (tmp_path / file).write_text(text)
    chosen = COMMANDS if name in WHOLE else {c: COMMANDS[c] for c in ("check", "fmt")}
    commands = [c.replace("TEXT", file).split() for c in chosen.values()]
    done = subprocess.run(
        [sys.executable, RUNNER, json.dumps(commands)],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    for command, found in zip(chosen, json.loads(done.stdout), strict=True):
        where = f"{command}: {found}"
        assert found["code"] in (0, 1), where
        assert found["megabytes"] < 500, where
        if command == "check":
            assert found["code"] == (0 if expected == [""] else 1), where
            assert all(f"error[{code}]" in found["said"] for code in expected if code), where
        if found["code"]:
            assert "error[A" in found["said"] or command == "fmt", where

"""The pre-commit hooks and the steps of the GitHub action, as their files have them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
GOOD = "arch good\ninput 3x8x8\nlinear(10)\n"
BAD = "arch bad\ninput 3x8x8\nlinear(0)\n"


def shell(command: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Runs a step as GitHub and pre-commit do, with this Python's `archdsl`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.arch").write_text(GOOD)
    (tmp_path / "bad.arch").write_text(BAD)
    (tmp_path / "loose.arch").write_text(GOOD.replace("arch good", "arch   good"))
    return tmp_path


def test_the_action(folder: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    steps = {step["name"]: step["run"] for step in action["runs"]["steps"] if "name" in step}
    assert list(steps) == ["install", "format", "check"]
    code, said = shell(steps["format"], folder, FILES="good.arch loose.arch")
    assert code == 1 and "loose.arch" in said and "good.arch" not in said
    assert shell(steps["format"], folder, FILES="good.arch bad.arch")[0] == 0
    code, said = shell(steps["check"], folder, FILES="good.arch bad.arch", OPTIONS="--strict")
    assert code == 1 and "good.arch: every candidate is a network" in said
    assert "error[A301]" in said


def test_the_hooks(folder: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    entries = {hook["id"]: hook["entry"] for hook in hooks}
    code, said = shell(f"{entries['archdsl-check']} good.arch bad.arch", folder)
    assert code == 1 and "error[A301]" in said
    assert shell(f"{entries['archdsl-fmt']} loose.arch", folder) == (0, "loose.arch formatted\n")
    assert (folder / "loose.arch").read_text() == GOOD

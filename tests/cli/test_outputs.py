"""What a command writes never takes the place of a text that somebody wrote."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SPEC = "arch z(w = 4 in 1..8)\ninput 3x8x8\nconv(w, 3)\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "z.arch"
    path.write_text(SPEC)
    return path


def test_a_drawing_replaces_no_spec_through_a_link(spec: Path, run: Any) -> None:
    link = spec.with_name("l.svg")
    link.symlink_to(spec)
    ran = run("draw", str(spec), "-o", str(link))
    assert ran.code == 1 and "A008" in ran.err and "it is a link to z.arch" in ran.err
    assert spec.read_text() == SPEC


def test_a_link_to_a_file_of_its_kind_is_followed(spec: Path, run: Any) -> None:
    link, picture = spec.with_name("latest.svg"), spec.with_name("z.svg")
    link.symlink_to(picture)
    assert run("draw", str(spec), "-o", str(link)).code == 0
    assert link.is_symlink() and picture.read_text().startswith("<svg")


@pytest.mark.parametrize("name", ["z.arch", "other.ARCH", "q.search", "train.py"])
def test_a_graph_takes_the_place_of_no_source(name: str, spec: Path, run: Any) -> None:
    ran = run("graph", str(spec), "-o", str(spec.with_name(name)))
    assert ran.code == 2 and "give another ending" in ran.err
    assert [p.read_text() for p in spec.parent.iterdir()] == [SPEC]


def test_a_mistake_is_told_where_assertions_are_off() -> None:
    command = [sys.executable, "-O", "-m", "archdsl", "diff", "resnet18(a=1) -> g(b=2)", "resnet18"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "error[A902]" in ran.stderr

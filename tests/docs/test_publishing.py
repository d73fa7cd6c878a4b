"""What is published: an archive with all of the repository, and what registries are told."""

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


def tracked() -> set[str]:
    ran = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.skip("this is no clone")
    return {name for name in ran.stdout.splitlines() if (ROOT / name).is_file()}


def test_the_archive_has_the_whole_tree(tmp_path: Path) -> None:
    """So that whoever unpacks it can run the tests and read the documents."""
    pytest.importorskip("setuptools")
    names = tracked()
    for name in names:
        copy = tmp_path / "clone" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(ROOT / name)
    (tmp_path / "dist").mkdir()
    command = [sys.executable, "-c", BUILD, str(tmp_path / "dist")]
    subprocess.run(command, cwd=tmp_path / "clone", capture_output=True, check=True)
    (archive,) = (tmp_path / "dist").iterdir()
    with tarfile.open(archive) as unpacked:
        found = {name.partition("/")[2] for name in unpacked.getnames()}
    assert names - found == set()
    assert not any("__pycache__" in name for name in found)


def test_versions_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {PROJECT['version']}\n" in citation
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    for pattern in re.findall(r'grep -q "\^(.*?)\$?" ', workflow):
        assert "${GITHUB_REF_NAME#v}" in pattern


def test_pythons_are_named() -> None:
    floor = PROJECT["requires-python"].removeprefix(">=")
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert named[0] == floor and len(named) > 1


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_no_page_takes_archdsl_from_an_index(page: str) -> None:
    """It is in none yet: what is installed is a clone."""
    text = (ROOT / page).read_text()
    assert not re.search(r"pip install '?\"?archdsl", text)

"""docs/distributed.md: its scripts can be read, and call commands and options that there are.

No scheduler and no cluster is asked: what they would make of the scripts is not known.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml  # type: ignore[import-untyped]
from fences import ROOT, Fence, fences

from archdsl.cli.main import cli
from archdsl.search import database, storage
from archdsl.search.leader import URL
from archdsl.search.opened import RETRIES

pytestmark = pytest.mark.quiet

PAGE = ROOT / "docs" / "distributed.md"
TEXT = PAGE.read_text("utf-8")
SCRIPTS = [f for f in fences(PAGE) if f.language == "sh"]
MANIFESTS = [m for f in fences(PAGE) if f.language == "yaml" for m in yaml.safe_load_all(f.text)]


def containers() -> Iterator[dict[str, Any]]:
    for manifest in MANIFESTS:
        pod = manifest["spec"].get("template", {}).get("spec", {})
        yield from pod.get("containers", ())


def calls() -> Iterator[list[str]]:
    """What the document calls archdsl with: in scripts, in manifests and in sentences."""
    scripts = [f.text for f in SCRIPTS] + re.findall(r"`(archdsl [^`]+)`", TEXT)
    for container in containers():
        scripts += container.get("args", ())
        command = container.get("command", [""])
        if command[0] == "archdsl":
            yield command[1:]
    for script in scripts:
        for line in script.splitlines():
            words = line.replace("$again", "--resume").partition("archdsl ")
            if words[1] and (not words[0] or words[0].endswith(" ")) and "#" not in words[0]:
                yield shlex.split(words[2])


CALLS = [c for c in calls() if c[0] in cli.list_commands(click.Context(cli))]


def test_what_is_called() -> None:
    others = {c[0] for c in calls()} - {c[0] for c in CALLS}
    assert others == {"archdsl"}, "createdb --owner archdsl archdsl"
    assert {c[0] for c in CALLS} == {"search", "worker", "verdict", "report", "best", "train"}
    assert len(CALLS) > 15


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_a_call_is_understood(arguments: list[str]) -> None:
    name, *rest = arguments
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    if rest == ["--resume"]:  # of a sentence, without the search
        rest.append("wide.search")
    command.make_context(name, rest, resilient_parsing=not rest)


def test_every_option_in_the_sentences_is_one() -> None:
    context = click.Context(cli)
    found = (cli.get_command(context, name) for name in cli.list_commands(context))
    known = {word for command in found if command for p in command.params for word in p.opts}
    sentences = re.sub(r"^```.*?^```$", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    said = set(re.findall(r"`(--[a-z-]+)", sentences))
    assert said >= {"--workers", "--ranks", "--storage", "--device", "--idle", "--data-folder"}
    assert said - known == {"--gpus-per-task"}, "that one is Slurm's"


@pytest.mark.parametrize("fence", SCRIPTS, ids=str)
def test_a_script_can_be_read(fence: Fence) -> None:
    ran = subprocess.run(["bash", "-n"], input=fence.text, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_manifests_go_together() -> None:
    kinds = [(m["kind"], m["metadata"]["name"]) for m in MANIFESTS]
    assert kinds == [
        ("Service", "archdsl-database"),
        ("StatefulSet", "archdsl-database"),
        ("PersistentVolumeClaim", "wide-study"),
        ("Job", "wide-leader"),
        ("Job", "wide-workers"),
    ]
    database_host = MANIFESTS[0]["metadata"]["name"]
    for container in containers():
        given = {e["name"]: e for e in container["env"]}
        password = given.get("PGPASSWORD") or given["POSTGRES_PASSWORD"]
        assert password["valueFrom"]["secretKeyRef"] == {"name": database_host, "key": "password"}
        if "postgres" not in container["image"]:
            assert given[URL]["value"] == f"postgresql://archdsl@{database_host}/archdsl"
            assert isinstance(given["OMP_NUM_THREADS"]["value"], str)
    for manifest in MANIFESTS[3:]:
        pod = manifest["spec"]["template"]["spec"]
        mounted = {m["name"] for c in pod["containers"] for m in c["volumeMounts"]}
        assert mounted == {v["name"] for v in pod["volumes"]}


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"every {storage.BEAT} seconds while it trains. Without one for {storage.GRACE}" in TEXT
    assert database.PATIENCE == 120 and "for two minutes; then" in TEXT
    assert RETRIES == 2 and "is taken up again twice" in TEXT
    command = cli.get_command(click.Context(cli), "worker")
    assert command is not None
    assert [p.envvar for p in command.params if "--storage" in p.opts] == [URL]
    assert f"the variable `{URL}`" in TEXT

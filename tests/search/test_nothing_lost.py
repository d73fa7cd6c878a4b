"""Nothing is lost: what processes, disks, files and networks do to a search, done to it.

Whatever happens, what was finished stays, the search goes on or ends with a clear error, and
``--resume`` brings it to the numbers that it would have given undisturbed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from required import skip
from tiny_search import SEARCH, SPEC, TRIALS, TinySearch, is_alive, kill, wait_for

import archdsl

pytestmark = pytest.mark.quiet


def finished(tiny: TinySearch) -> int:
    return sum(row.is_result for row in tiny.rows())


# ---------------------------------------------------------------------------- processes


def test_a_worker_is_killed(tiny: TinySearch, whole: TinySearch) -> None:
    """The leader starts another, which takes its trial up again."""
    tiny.wish("pause", 64)
    search = tiny.search()
    worker = tiny.paused()
    before = tiny.results()
    assert len(before) == 1, "the network of width 34 comes first"
    kill(worker)
    second = tiny.paused(besides=(worker,))
    tiny.unwish(64)
    ran = tiny.ended(search)
    assert ran.code == 0
    assert tiny.results() == whole.results()
    (lost,) = [row for row in tiny.rows() if row.failure]
    assert (lost.failure, lost.shape, lost.slice) == ("lost", "depth = 1", "40K macs")
    assert lost.worker.endswith(f":{worker}")
    again = [row for row in tiny.rows() if row.is_result and row.turn == lost.turn]
    assert any(row.worker.endswith(f":{second}") for row in again)


@pytest.mark.slow
def test_the_leader_is_killed(tiny: TinySearch, whole: TinySearch) -> None:
    """Its worker ends as well, in the midst of a trial; and another may lead."""
    tiny.wish("pause", 64)
    search = tiny.search()
    worker = tiny.paused()
    before = tiny.results()
    kill(search.pid)
    wait_for(lambda: not is_alive(worker))
    assert tiny.results() == before
    tiny.unwish(64)
    ran = tiny.finish("--resume")
    assert "depth = 1, width = 34  seed 1  accuracy" not in ran.out, "it was told before"
    assert tiny.results() == whole.results()
    assert sum(row.stage == "explore" and row.is_result for row in tiny.rows()) == 4


@pytest.mark.slow
def test_leader_and_worker_are_killed_at_once(tiny: TinySearch, whole: TinySearch) -> None:
    tiny.wish("pause", 8)
    search = tiny.search()
    worker = tiny.paused()
    os.kill(search.pid, signal.SIGSTOP)  # so that it cannot see the worker's end
    kill(worker)
    kill(search.pid)
    states = sorted(row.state for row in tiny.rows())
    assert "running" in states
    tiny.unwish(8)
    tiny.finish("--resume")
    assert tiny.results() == whole.results()


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
    ],
)
def test_a_search_is_stopped(tiny: TinySearch, whole: TinySearch, number: int) -> None:
    """It says what is kept and how to go on, as it was begun; the trial at hand comes back."""
    tiny.wish("pause", 5)
    search = tiny.search("--device", "cpu")
    worker = tiny.paused()
    search.send_signal(number)
    ran = tiny.ended(search)
    assert ran.code == 130
    assert not is_alive(worker)
    assert "stopped: 2 trials are done, and kept in tiny.study" in ran.text
    again = "archdsl search tiny.search --device cpu --allow-python watched.py --resume"
    assert f"go on with: {again}" in ran.text
    assert [row.failure for row in tiny.rows() if row.state == "failed"] == ["interrupted"]
    assert not [row for row in tiny.rows() if row.state == "running"]
    tiny.unwish(5)
    tiny.finish("--resume")
    assert tiny.results() == whole.results()
    view = archdsl.study(str(tiny.study))
    assert len(tiny.rows()) == len(whole.rows()) + 1
    assert repr(view).startswith(f"<Study {view.name}: {len(whole.rows())} trials>")


@pytest.mark.slow
def test_a_network_that_kills_its_workers_is_given_up(tiny: TinySearch) -> None:
    """As the kernel does where memory is short. It is tried three times; the others go on."""
    tiny.wish("die", 64)
    tiny.finish()
    lost = [row for row in tiny.rows() if row.failure == "lost"]
    assert len(lost) == 3
    assert {row.shape for row in lost} == {"depth = 1"}
    assert {row.shape for row in tiny.rows() if row.slice == "40K macs" and row.is_result} == {
        "depth = 2"
    }


@pytest.mark.slow
def test_workers_that_all_die_end_the_search(tiny: TinySearch, whole: TinySearch) -> None:
    tiny.wish("die")
    ran = tiny.ended(tiny.search())
    assert ran.code == 1
    assert "error[A715]: the workers stop at once: the last one was killed by signal 9" in ran.text
    assert "then go on with --resume" in ran.text
    tiny.unwish()
    tiny.finish("--resume")
    assert finished(tiny) >= TRIALS - 4


@pytest.mark.slow
def test_two_leaders(tiny: TinySearch) -> None:
    """The second is sent away, with the id of the first, and harms nothing."""
    tiny.wish("pause", 34)
    first = tiny.search()
    tiny.paused()
    for arguments in (["--resume"], []):
        ran = tiny.search_here(*arguments)
        assert ran.code == 1
        busy = f"the study `tiny.study` is being searched already, by process {first.pid}"
        assert f"error[A713]: {busy}" in ran.text
    tiny.unwish(34)
    assert tiny.ended(first).code == 0
    assert finished(tiny) == TRIALS
    ran = tiny.search_here()
    assert ran.code == 1
    assert f"the study `tiny.study` is there already, with {TRIALS} finished trials" in ran.text


# -------------------------------------------------------------------------------- disks


@contextmanager
def mounted(folder: Path, *how: str) -> Iterator[None]:
    """A file system at a folder, where that is allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        skip("only root may mount a file system")
    ran = subprocess.run(["mount", *how, str(folder)], capture_output=True, text=True)
    if ran.returncode != 0:
        skip(f"no file system can be mounted: {ran.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leaves no byte of a disk, and no place for a file."""
    with (folder / "ballast").open("wb", buffering=0) as stream:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while stream.write(b"\0" * size):
                    pass
            except OSError:
                continue


@pytest.mark.slow
def test_a_full_disk(tiny: TinySearch, whole: TinySearch) -> None:
    tiny.study.mkdir()
    with mounted(tiny.study, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        tiny.wish("pause", 64)
        search = tiny.search()
        tiny.paused()
        before = tiny.results()
        fill(tiny.study)
        tiny.unwish(64)
        ran = tiny.ended(search)
        assert ran.code == 1
        assert "no space left on device" in ran.text
        assert "tiny.study" in ran.text
        assert before.items() <= tiny.results().items()
        ran = tiny.search_here("--resume")
        assert ran.code == 1
        assert "no space left on device" in ran.text
        (tiny.study / "ballast").unlink()
        tiny.finish("--resume")
        assert tiny.results() == whole.results()


@pytest.mark.slow
def test_a_limit_on_the_size_of_files(tiny: TinySearch, whole: TinySearch) -> None:
    """As a quota does, it stops the log of the database at an arbitrary byte."""
    limit = 1 << 20

    def limited() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ran = tiny.ended(tiny.search(preexec_fn=limited))
    assert ran.code == 1
    assert "trials.db` cannot be used: disk I/O error" in ran.text
    assert tiny.database.stat().st_size <= limit
    kept = tiny.results()
    assert 0 < len(kept) < TRIALS
    tiny.finish("--resume")
    assert kept.items() <= tiny.results().items()
    assert tiny.results() == whole.results()


def test_a_folder_that_is_read_only(tiny: TinySearch, whole: TinySearch) -> None:
    """A study can be read there, and not gone on with."""
    shutil.copytree(whole.study, tiny.study)
    with mounted(tiny.folder, "--bind", str(tiny.folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(tiny.folder)], check=True)
        elsewhere = TinySearch(tiny.folder.parent / "elsewhere")
        study = str(tiny.study)
        python = ("--allow-python", "watched.py")
        ran = elsewhere.here("verdict", study, *python)
        assert ran.code == 0
        assert "no evidence of a difference" in ran.text
        ran = elsewhere.here("best", study, *python)
        assert ran.code == 0
        assert (elsewhere.folder / "best.pt").stat().st_size > 1000
        for arguments in (["--study", study, "--resume"], ["--study", str(tiny.folder / "new")]):
            ran = elsewhere.search_here(*arguments)
            assert ran.code == 1
            assert "cannot be written: read-only file system" in ran.text


# ------------------------------------------------------------------------------- trials


@pytest.mark.slow
def test_trials_that_fail_leave_the_others_be(tiny: TinySearch, whole: TinySearch) -> None:
    tiny.wish("memory", 34)
    tiny.wish("diverge", 64)
    tiny.wish("raise", 8)
    ran = tiny.finish()
    failed = {row.slice + " " + row.shape: row for row in tiny.rows() if row.state == "failed"}
    causes = {name: row.failure for name, row in failed.items()}
    assert causes == {
        "20K macs depth = 1": "out of memory",
        "40K macs depth = 1": "diverged",
        "40K macs depth = 2": "error",
    }
    assert failed["40K macs depth = 2"].cause == "LookupError: the layer has lost its way"
    assert "error: LookupError: the layer has lost its way" in ran.out
    kept = {k: v for k, v in whole.results().items() if k[1:3] == ("20K macs", "depth = 2")}
    assert tiny.results() == kept
    assert len(kept) == 3
    log = (tiny.study / "workers" / "0.log").read_text()
    assert "LookupError" in log, "for the author of the layer, there is a traceback in the log"


@pytest.mark.slow
def test_memory_that_is_used_up(tiny: TinySearch) -> None:
    """By a layer that asks for 64 TiB."""
    tiny.wish("allocate", 64)
    tiny.finish()
    (failed,) = [row for row in tiny.rows() if row.state == "failed"]
    assert failed.failure == "out of memory"
    assert "batch" in failed.cause


@pytest.mark.slow
def test_a_search_in_which_every_trial_fails_ends(tiny: TinySearch, whole: TinySearch) -> None:
    tiny.write("tiny.search", tiny_text("trials 4", "trials 8").replace("seeds 1", "seeds 2"))
    tiny.wish("raise")
    ran = tiny.ended(tiny.search())
    assert ran.code == 1
    assert (
        "error[A716]: 5 trials in a row failed: LookupError: the layer has lost its way" in ran.text
    )
    assert "then go on with --resume" in ran.text


def tiny_text(old: str, new: str) -> str:
    assert old in SEARCH
    return SEARCH.replace(old, new)


@pytest.mark.slow
def test_a_dataset_that_vanishes(tiny: TinySearch) -> None:
    """A worker that has it goes on; who has to read it says what is missing, before any trial."""
    pictures = tiny.folder / "pictures"
    for number in range(60):
        path = pictures / "even odd".split()[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 60 + 120 * (number % 2)).save(path)
    tiny.write("tiny.arch", SPEC.replace("1x8x8", "3x8x8"))
    data = 'data image_folder("pictures", size = 8, validation = 0.2, test = 0.2)'
    tiny.write("tiny.search", SEARCH.replace("data digits", data))
    tiny.wish("pause", 23)
    search = tiny.search()
    worker = tiny.paused()
    before = tiny.results()
    away = pictures.rename(tiny.folder / "away")
    kill(worker)
    ran = tiny.ended(search)
    assert ran.code == 1
    assert "pictures" in ran.text and "the workers stop at once" in ran.text
    assert tiny.results() == before, "results can be read without the data"
    ran = tiny.search_here("--resume")
    assert ran.code == 1
    assert "looked for in pictures" in ran.text
    away.rename(pictures)
    kept = {path: path.read_bytes() for path in (pictures / "odd").iterdir()}
    for path in kept:
        Image.new("L", (8, 8), 0).save(path)
    tiny.unwish(23)
    ran = tiny.ended(tiny.search("--resume"))
    assert ran.code == 1
    assert "made from something else: the data" in ran.text, "they are as many, and others"
    for path, content in kept.items():
        path.write_bytes(content)
    tiny.finish("--resume")
    assert before.items() <= tiny.results().items()
    assert finished(tiny) == TRIALS

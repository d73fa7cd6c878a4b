"""``archdsl worker``: takes trials of a study and trains them."""

from __future__ import annotations

import json
import os
import signal
import threading
from math import inf
from pathlib import Path

import click

from archdsl.cli import completing
from archdsl.cli.options import FiniteRange, python_option, read_registry, storage_option
from archdsl.cli.output import say
from archdsl.cli.times import check_ranks, trial_timeout_option
from archdsl.diagnostics.model import ArchError
from archdsl.training.packages import need_for_search


@click.command()
@click.argument("study", metavar="STUDY", shell_complete=completing.studies)
@storage_option
@click.option("--device", help="Where to train: cpu, cuda, cuda:1, mps.")
@click.option(
    "--data-folder",
    type=click.Path(path_type=Path),
    help="Where paths of data start on this machine, if elsewhere than on the leader's.",
)
@click.option(
    "--idle",
    type=FiniteRange(0),
    metavar="MINUTES",
    help="Stop after this time without a trial, at once with 0. Without it: when the study ends.",
)
@click.option(
    "--ranks",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    metavar="N",
    help="Processes, and GPUs, that train each network together.",
)
@trial_timeout_option
@click.option("--led", type=int, hidden=True)
@click.option("--of", type=int, default=1, hidden=True)
@click.option("--address", hidden=True)
@click.option("--leader", type=int, default=0, hidden=True)
@click.option("--cpus", type=float, default=1.0, hidden=True)
@click.option("--gpus", type=float, default=0.0, hidden=True)
@python_option
def command(
    study: str,
    storage: str | None,
    device: str | None,
    data_folder: Path | None,
    idle: float | None,
    ranks: int,
    trial_timeout: float | None,
    led: int | None,
    of: int,
    address: str | None,
    leader: int,
    cpus: float,
    gpus: float,
    python: tuple[Path, ...],
) -> int:
    """Train trials of a study until it is done.

    STUDY is the folder that `archdsl search` has made, or, with --storage, the name of the
    study there. Any number of workers may join, on any machine that reaches the storage; end one
    with Ctrl-C, and its trial goes back into the queue.
    """
    need_for_search()
    import torch  # a worker needs it; the other commands of this module's kind do not

    from archdsl.search.card import differing
    from archdsl.search.clock import Clock, begin_anew, leave
    from archdsl.search.opened import find_study
    from archdsl.search.own import function_of
    from archdsl.search.presence import present
    from archdsl.search.team import Team
    from archdsl.search.worker import Worker
    from archdsl.training.devices import AUTO, choose_device, cores

    tell = _led() if led is not None else None
    try:
        here = "cpu" if address is not None else AUTO  # what trains is on Ray
        place = choose_device(device or here, (led or 0) * ranks)
        if place.type == "cpu" and "OMP_NUM_THREADS" not in os.environ:
            torch.set_num_threads(max(1, cores() // of))
        found = find_study(study, storage, read_registry(python), data_folder)
        check_ranks(ranks, trial_timeout, found.search.own is not None)
        limit = Clock(trial_timeout, leave if led is not None else begin_anew)
        worker = Worker(found, place, clock=limit)
        own = found.search.own
        if address is None:
            worker.objective = function_of(found.search, found.data, python)
        if address is not None:
            from archdsl.search.cluster import OnCluster
            from archdsl.search.own_on_cluster import OwnOnCluster

            there = OnCluster(
                address, leader, found.search.data, found.data, cpus, gpus, ranks, python
            )
            worker.trainer = there
            if own is not None:
                asked = found.search.objectives[0].name
                worker.objective = OwnOnCluster(there, found.data / own.file, asked)
        elif ranks > 1:
            team = Team(ranks, found.search.data, found.data, python, led or 0)
            team.check(place)
            worker.trainer = team
        if led is None:
            say(f"{worker.name} works for {found.name} on {place}; Ctrl-C ends it")
            if other := differing(found.card.versions):
                say(f"note: results may differ: the study was begun with {other}", error=True)
        with present(found.folder, worker.name), worker.stop.listening():
            done = worker.run(inf if idle is None else 60 * idle)
        if led is None:
            say(f"{found.name} is done" if done else "nothing is queued: the study is not done")
    except ArchError as error:
        if tell is None:
            raise
        first = error.diagnostics[0]
        trouble = {"reason": first.message, "notes": first.notes, "help": first.helps}
        os.write(tell, json.dumps(trouble).encode())
        return 1
    return 0


def _led() -> int:
    """Makes this process the leader's: what it prints goes to its log, and what the leader has to
    know to the pipe that is given back. It stops when the leader is gone, in whatever way, as
    the pipe that is its input ends then."""
    tell = os.dup(1)
    os.dup2(2, 1)

    def watch() -> None:
        while os.read(0, 1):  # not by `sys.stdin`, whose lock would outlive the interpreter
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    return tell

"""What trains the trials of a search: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from archdsl.cli.options import FiniteRange
from archdsl.search.request import SearchRequest

F = TypeVar("F", bound=Callable[..., Any])

LOCAL, RAY = "local", "ray"


@dataclass(frozen=True)
class Engine:
    """As it was asked for. ``cpus`` and ``gpus`` are the share of one trial."""

    name: str
    address: str | None
    cpus: float | None
    gpus: float | None


def engine_options(command: F) -> F:
    """``--engine``, ``--address``, ``--cpus`` and ``--gpus``."""
    options = [
        click.option(
            "--engine",
            default=LOCAL,
            show_default=True,
            type=click.Choice([LOCAL, RAY]),
            help="What trains: processes here, or tasks of a Ray cluster.",
        ),
        click.option(
            "--address",
            metavar="HOST:PORT",
            help="Address of the Ray cluster, or auto; without it, Ray is started here.",
        ),
        click.option(
            "--cpus", type=FiniteRange(0, min_open=True), help="CPUs for one trial on Ray: 1."
        ),
        click.option("--gpus", type=FiniteRange(0), help="GPUs for one trial on Ray: 0, 0.5, 1."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def crew_of(
    engine: Engine, asked: SearchRequest, workers: int, device: str | None, ranks: int
) -> Iterator[tuple[int, list[str]]]:
    """How many workers there are, and what they have to be told beside the rest. ``workers`` is
    negative where nobody said how many: one, or as many as the cluster has room for.

    Raises ``click.UsageError`` for options that do not go together, and ``ArchError`` for a
    cluster that does not answer.
    """
    if engine.name == LOCAL:
        for option in ("address", "cpus", "gpus"):
            if getattr(engine, option) is not None:
                raise click.UsageError(f"--{option} is for --engine ray")
        yield (1 if workers < 0 else workers), (["--device", device] if device else [])
        return
    if device is not None:
        raise click.UsageError("--device is for --engine local: on Ray, --gpus gives a trial GPUs")
    if workers == 0:
        raise click.UsageError("--workers says how many trials Ray trains at once: at least one")
    if asked.own is not None and asked.own.is_table:
        raise click.UsageError("--engine ray: nothing is trained where a table has the results")
    if measured := [name for name in asked.noted if asked.costs[name].measured]:
        what = f"{measured[0]} would be measured on this machine, and not where Ray trains"
        raise click.UsageError(f"--engine ray: {what}")
    from archdsl.search.cluster import cluster, room

    cpus = engine.cpus if engine.cpus is not None else float(ranks)
    gpus = engine.gpus or 0.0
    with cluster(engine.address) as address:
        count = room(cpus, gpus) if workers < 0 else workers
        told = ["--address", address, "--leader", str(os.getpid())]
        yield count, [*told, "--cpus", f"{cpus:g}", "--gpus", f"{gpus:g}"]

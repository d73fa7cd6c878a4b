"""``archdsl search``: asks a question of a space, by training."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.cli import completing
from archdsl.cli.engine import Engine, crew_of, engine_options
from archdsl.cli.logs import Logs, log_option
from archdsl.cli.options import python_option, read_registry, storage_option
from archdsl.cli.output import say
from archdsl.cli.repeated import repeated
from archdsl.cli.times import Duration, check_ranks, trial_timeout_option
from archdsl.files import SEARCH, read_source
from archdsl.search.reading import read_search
from archdsl.search.request import MOST_TRIALS
from archdsl.training.packages import need_for_search
from archdsl.units import counted

if TYPE_CHECKING:
    from archdsl.search.reach import Reach

WRITERS = dict.fromkeys(("timeout", "trial_timeout"), lambda seconds: f"{seconds:g}s")


@click.command()
@click.argument("search", metavar="SEARCH", shell_complete=completing.searches)
@click.option(
    "--study", metavar="NAME", help="Name of the study; that of the search, if it is left out."
)
@click.option("--resume", is_flag=True, help="Go on with a study that has been begun.")
@click.option(
    "--workers",
    type=click.IntRange(0, 1024),
    metavar="N",
    help="Trials at once: 1, or as many as Ray has room for; with 0, only workers elsewhere train.",
)
@engine_options
@click.option(
    "--ranks",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    metavar="N",
    help="Processes, and GPUs, that train each network together.",
)
@click.option("--device", help="Where to train: cpu, cuda, cuda:1, mps. By default each has a GPU.")
@storage_option
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Seed of everything random: 0.")
@click.option(
    "--trials",
    type=click.IntRange(1, MOST_TRIALS),
    metavar="N",
    help="Number of trials, in place of the search's own.",
)
@click.option(
    "--timeout", type=Duration(), metavar="TIME", help="Stop after this time: 90s, 15min, 2h."
)
@trial_timeout_option
@log_option
@click.option("--quiet", is_flag=True, help="Print the verdict only.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each event.")
@python_option
@click.pass_context
def command(
    ctx: click.Context,
    search: str,
    study: str | None,
    resume: bool,
    workers: int | None,
    engine: str,
    address: str | None,
    cpus: float | None,
    gpus: float | None,
    ranks: int,
    device: str | None,
    storage: str | None,
    seed: int | None,
    trials: int | None,
    timeout: float | None,
    trial_timeout: float | None,
    logs: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    python: tuple[Path, ...],
) -> int:
    """Train networks to answer a question.

    SEARCH is a .search file or the name of a built-in search. The study is a folder beside
    you that ends in .study. After Ctrl-C, --resume goes on with the search.
    """
    need_for_search()
    from archdsl.cli.live import view_of
    from archdsl.cli.verdict import say_verdict
    from archdsl.search.database import TRIALS, shown
    from archdsl.search.leader import Leader, SearchProgress
    from archdsl.search.own import function_of
    from archdsl.search.presence import leading
    from archdsl.search.start import begin, go_on
    from archdsl.search.stop import Stop
    from archdsl.search.study import folder_of

    registry = read_registry(python)
    source, folder = read_source(search, SEARCH)
    asked = read_search(source, folder, registry)
    asked.trials = trials or asked.trials
    asked.timeout = timeout or asked.timeout
    where, data = folder_of(study or asked.name), folder or Path()
    check_ranks(ranks, trial_timeout, asked.own is not None)
    if workers != 0:
        function_of(asked, data, python)
    options = ["--ranks", str(ranks)] if ranks > 1 else []
    options += ["--trial-timeout", f"{trial_timeout:g}s"] if trial_timeout else []
    options += [part for path in python for part in ("--allow-python", str(path))]
    told = Logs.named(logs, study or asked.name, where, registry)
    found = None
    how = Engine(engine, address, cpus, gpus)
    with ExitStack() as stack:
        crew = crew_of(how, asked, -1 if workers is None else workers, device, ranks)
        workers, more = stack.enter_context(crew)
        options += more
        if not resume:
            command = repeated(ctx, WRITERS | {"storage": shown})
            found = begin(asked, where, data, seed or 0, storage, python, command, registry)
        stack.enter_context(leading(where))
        found = found or go_on(asked, where, data, seed, storage, python, registry)
        if found.converted is not None:
            say(
                f"{where} had a journal: {TRIALS} has its trials now, and {found.converted} is as"
                " it was",
                error=True,
            )
        if found.space.is_measured:
            from archdsl.search.measured import measured_on
            from archdsl.training.devices import AUTO, choose_device

            found.space.measure = measured_on(found.search, choose_device(device or AUTO))

        def follow(progress: SearchProgress) -> None:
            view.show(progress)
            for row in progress.news:
                told.trial(row)

        if workers and not quiet and asked.own is not None and not asked.own.is_table:
            say(f"what {asked.own.file} prints goes to {where}/workers/", error=True)
        stop, view = Stop(), view_of(quiet, as_json, workers, asked.objectives[0])
        try:
            with stop.listening():
                leader = Leader(found, workers, options, storage, asked.timeout, follow, stop=stop)
                if not (quiet or as_json or found.space.is_measured):
                    say_missed(leader.reaches)
                with view:
                    done = leader.run()
        except KeyboardInterrupt:
            counts = found.tables.counts(list(found.ids()))
            count = sum(n for (_, state), n in counts.items() if state == "COMPLETE")
            kept = f"{counted(count, 'trial', exact=True)} {'is' if count == 1 else 'are'} done"
            say(f"stopped: {kept}, and kept in {where}", error=True)
            again = repeated(ctx, WRITERS | {"storage": shown}, without="resume")
            say(f"go on with: {again} --resume", error=True)
            return 130
    if not done:
        say(f"the time is over: --resume goes on with {where}", error=True)
    say_verdict(found, as_json)
    return 0


def say_missed(reaches: Sequence[Reach]) -> None:
    """Says which shapes will not be compared, as no width meets their budget."""
    from archdsl.cli.check_search import missed_of

    for reach in reaches:
        for line in missed_of(reach):
            say(f"note: {reach.slice.name}: {line}", error=True)

"""``archdsl report``: a study as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.cli import completing
from archdsl.cli.options import python_option, read_registry, storage_option
from archdsl.cli.output import human_bytes, say
from archdsl.cli.outputs import check_outputs, force_option
from archdsl.cli.studied import check_study_is_left
from archdsl.outputs import write_output
from archdsl.training.packages import need_for_reading

PORT = 8421


@click.command()
@click.argument("study", metavar="STUDY", shell_complete=completing.studies)
@click.option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File of the page.",
)
@force_option
@click.option("--live", is_flag=True, help="Serve it to this machine, and follow the search.")
@click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Where to serve it; 0 takes a free one.",
)
@storage_option
@click.option(
    "--data-folder",
    type=click.Path(path_type=Path),
    help="Where paths of data start on this machine, if elsewhere than on the leader's.",
)
@python_option
def command(
    study: str,
    output: Path,
    force: bool,
    live: bool,
    port: int,
    storage: str | None,
    data_folder: Path | None,
    python: Any,
) -> int:
    """Write what a study says as one page: its answer, its charts, its trials, and how it was
    made.

    STUDY is the folder that `archdsl search` has made, or, with --storage, the name of the
    study there. The page is one file that needs no other, and no connection. The
    study may be at work: nothing of it is touched.
    """
    need_for_reading()
    from archdsl.report.view import read_report

    if not live:
        check_study_is_left(output, study)
        check_outputs([output], python, force)
    url, registry = storage, read_registry(python)
    found = read_report(study, url, registry, data_folder)
    if live:
        return _follow(study, url, registry, data_folder, port)
    text = found.report()
    write_output(output, text)
    trials = found.facts.turns
    size = human_bytes(output.stat().st_size)
    say(f"{output}: {trials} trial{'s' * (trials != 1)}, {size}")
    return 0


def _follow(study: str, url: str | None, registry: Any, data: Path | None, port: int) -> int:
    from archdsl.report.serve import Follower, StudyServer

    with StudyServer(Follower(study, url, registry, data), port) as server:
        try:
            say(f"{server.url} follows {study}; Ctrl-C ends it")
            server.serve_forever()
        except KeyboardInterrupt:
            say("ended")
    return 0

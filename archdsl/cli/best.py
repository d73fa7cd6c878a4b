"""``archdsl best``: the best network of a study, as a spec of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli import completing
from archdsl.cli.options import python_option, read_registry, storage_option
from archdsl.cli.output import human, say
from archdsl.cli.outputs import check_outputs, force_option
from archdsl.cli.studied import check_study_is_left
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.freeze import write_frozen
from archdsl.modelcard import card_in
from archdsl.outputs import write_output
from archdsl.training.packages import need_for_reading

if TYPE_CHECKING:
    from archdsl.search.rows import Row
    from archdsl.search.study import Study


@click.command()
@click.argument("study", metavar="STUDY", shell_complete=completing.studies)
@click.option("--slice", metavar="NAME", help="A budget, such as '5M macs': else the largest.")
@click.option(
    "-o",
    "--output",
    default="best.arch",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
)
@force_option
@storage_option
@python_option
def command(
    study: str, slice: str | None, output: Path, force: bool, storage: str | None, python: Any
) -> int:
    """Write the best network of a study as a spec, with its weights.

    Of the shape that won after settling, the network with the best score on validation data;
    without settling, the best that was explored.
    """
    need_for_reading()
    from archdsl.search.snapshot import read_study

    written = (output, output.with_suffix(".pt"))
    for path in written:
        check_study_is_left(path, study)
    check_outputs(written, python, force)
    with read_study(study, storage, read_registry(python)) as found:
        return write(found, slice, output)


def write(found: Study, slice: str | None, output: Path) -> int:
    """Writes the best network of a study, and what belongs to it."""
    from archdsl.search.outcome import architecture, best, name_of

    names = [s.name for s in found.space.slices]
    if slice is not None and slice not in names:
        raise click.BadParameter(f"there is {', '.join(names)}", param_hint="--slice")
    row = best(found, slice)
    arch = architecture(found, row)
    weights = output.with_suffix(".pt")
    kept = found.weights(row.weights)
    used = write_frozen(output, arch, None if kept is None else card_in(kept))
    say(f"{output}: {name_of(row)}, {human(arch.params)} parameters, {human(arch.macs)} MACs")
    say(_scores(found, row))
    for path in used:
        say(f"{path}: what it uses")
    if kept is None or not kept.is_file():
        where = f" on {row.worker.partition(':')[0]}" if row.weights else ""
        say(f"its weights are not in {found.folder}{where}: `archdsl train {output}` makes others")
        return 0
    try:
        data = kept.read_bytes()
    except OSError as problem:
        fields = {"name": str(kept), "reason": (problem.strerror or str(problem)).lower()}
        raise ArchError([diagnose(codes.UNREADABLE, fields=fields)]) from None
    write_output(weights, data)
    say(f"{weights}: its weights; `archdsl compile {output} --weights {weights}` puts them to use")
    return 0


def _scores(found: Study, row: Row) -> str:
    """The score by which a network was chosen, and that on images which chose nothing."""
    from archdsl.search.outcome import measured, shown

    search = found.search
    name = search.objectives[0].name
    words = [f"{name} {shown(name, row.values[0], search.costs)} in validation"]
    test = None if row.test is None else measured(name, row.test, search.own is not None)
    if test is not None:
        words.append(f"{shown(name, test, search.costs)} on test data, which chose nothing")
    elif row.test is not None:
        words.append(f"accuracy {row.test:.2%} on test data, which chose nothing")
    else:
        words.append("not tested: settling does that")
    return "; ".join(words)

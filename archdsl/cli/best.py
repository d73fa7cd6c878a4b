"""``archdsl best``: the best network of a study, as a spec of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli import completing
from archdsl.cli.epochs import EpochView, shown_score
from archdsl.cli.options import python_option, read_registry, storage_option
from archdsl.cli.output import say
from archdsl.cli.outputs import check_outputs, force_option
from archdsl.cli.progress import LOADING, told
from archdsl.cli.studied import check_study_is_left
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.freeze import write_frozen, write_texts
from archdsl.modelcard import ModelCard, card_in
from archdsl.outputs import unsealed, write_output
from archdsl.spec import Architecture
from archdsl.training.packages import need, need_for_reading
from archdsl.units import counted, shown_costs

if TYPE_CHECKING:
    from archdsl.search.rows import Row
    from archdsl.search.study import Study


class TimesFactor(click.ParamType[float]):
    """How many times as much: ``3x`` or ``1.5x``."""

    name = "times"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            found = float(str(value).removesuffix("x"))
        except ValueError:
            found = 0.0
        if not 0 < found < 1e6:
            self.fail(f"{value} is not a number of times, such as 3x", param, ctx)
        return found


@click.command()
@click.argument("study", metavar="STUDY", shell_complete=completing.studies)
@click.option(
    "--slice", metavar="NAME", help="The budget, such as '5M macs'; the largest, if it is left out."
)
@click.option(
    "-o",
    "--output",
    default="best.arch",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File of the spec; the weights stand beside it.",
)
@click.option(
    "--longer",
    type=TimesFactor(),
    metavar="3x",
    help="Train it anew with its recipe, for this many times the epochs.",
)
@click.option("--device", help="cpu, cuda, cuda:1; or a GPU if any: where --longer trains.")
@force_option
@storage_option
@python_option
def command(
    study: str,
    slice: str | None,
    output: Path,
    longer: float | None,
    device: str | None,
    force: bool,
    storage: str | None,
    python: tuple[Path, ...],
) -> int:
    """Write the best network of a study as a spec, with its weights.

    Of the shape that won after settling, the network with the best score on validation data;
    without settling, the best that was explored. With --longer its weights are those of a
    training of more epochs, on the search's data, with the seed of the one that won.
    """
    if device is not None and longer is None:
        raise click.UsageError("--device is where --longer trains")
    need_for_reading()
    from archdsl.search.snapshot import read_study

    written = (output, output.with_suffix(".pt"))
    checkpoint = output.with_suffix(CHECKPOINT)
    for path in (*written, checkpoint):
        check_study_is_left(path, study)
    check_outputs(written, python, force)
    with read_study(study, storage, read_registry(python)) as found:
        if not force:
            check_weights(found, written[1])
        return write(found, slice, output, longer, device or "auto", force)


# Where a training of --longer stands until it has ended.
CHECKPOINT = ".longer.checkpoint"


def check_weights(found: Study, path: Path) -> None:
    """Raises ``ArchError`` for weights in the way that are not of this study: a training made
    them, and no command makes them again."""
    if not path.is_file():
        return
    there = unsealed(path.read_bytes())
    kept = filter(None, (found.weights(row.weights) for row in found.rows() if row.weights))
    if not any(file.is_file() and unsealed(file.read_bytes()) == there for file in kept):
        reason = "it has weights of another study or training"
        help = ["give another file with -o, or allow it with --force"]
        raise ArchError([diagnose(codes.CANNOT_WRITE, help=help, name=str(path), reason=reason)])


def write(
    found: Study, slice: str | None, output: Path, longer: float | None, device: str, force: bool
) -> int:
    """Writes the best network of a study, and what belongs to it."""
    from archdsl.search.outcome import architecture, best, name_of
    from archdsl.search.refused import as_kept, refusal, words

    names = [s.name for s in found.space.slices]
    if slice is not None and slice not in names:
        raise click.BadParameter(f"there is {', '.join(names)}", param_hint="--slice")
    row = best(found, slice)
    weights = output.with_suffix(".pt")
    kept = found.weights(row.weights)
    card = None if kept is None else card_in(kept)
    mistakes = refusal(found, row)
    if mistakes and longer is not None:
        raise ArchError(list(mistakes))
    if mistakes:
        again, spec = None, found.card
        used = write_texts(output, as_kept(spec, row.knobs or {}), spec.spec, spec.uses, card)
        params, macs = row.params, row.macs
    else:
        arch = architecture(found, row)
        again = None
        if longer is not None:
            again = _trained(found, row, arch, longer, device, output, force)
        used = write_frozen(output, arch, card if again is None else again[1])
        params, macs = arch.params, arch.macs
    costs = "" if params is None or macs is None else f", {shown_costs(params, macs)}"
    say(f"{output}: {name_of(row)}{costs}")
    if mistakes:
        say(f"note: {words(found, mistakes)}, and {output} is that spec", error=True)
    say(_scores(found, row))
    for path in used:
        say(f"{path}: what it uses")
    if again is not None:
        from archdsl.training.keep import write_weights

        write_weights(weights, *again)
        output.with_suffix(CHECKPOINT).unlink(missing_ok=True)
        say(f"{weights}: its weights, trained for longer")
        return 0
    if kept is None or not kept.is_file():
        where = f" on {row.worker.partition(':')[0]}" if row.weights else ""
        retrain = f"archdsl train {quote(str(output))}"
        say(f"its weights are not in {found.folder}{where}: `{retrain}` makes others")
        return 0
    try:
        data = kept.read_bytes()
    except OSError as problem:
        fields = {"name": str(kept), "reason": (problem.strerror or str(problem)).lower()}
        raise ArchError([diagnose(codes.UNREADABLE, fields=fields)]) from None
    write_output(weights, data)
    use = f"archdsl compile {quote(str(output))} --weights {quote(str(weights))}"
    say(f"{weights}: its weights; `{use}` puts them to use")
    if card is None and found.search.own is not None:
        told = "`candidate.describe(...)` in your own training says what it takes"
        say(f"note: without a model card `archdsl predict` cannot read pictures for it; {told}")
    return 0


def _trained(
    found: Study,
    row: Row,
    arch: Architecture,
    longer: float,
    device: str,
    output: Path,
    force: bool,
) -> tuple[Any, ModelCard]:
    """The network trained anew, for so many times the epochs, and its card. It goes on from where
    one that was interrupted stood; its checkpoint stays until the weights are written. With
    ``force`` the checkpoint of another training gives way."""
    search = found.search
    if search.own is not None:
        raise click.UsageError("--longer is for training by archdsl itself")
    with told(LOADING):
        need("torch")
        from archdsl.search.tuned import recipe_of, seed_of, starting
        from archdsl.training.data import load
        from archdsl.training.devices import choose_device
        from archdsl.training.evaluate import examine
        from archdsl.training.keep import card_of
        from archdsl.training.loop import train_candidate
        from archdsl.training.outcome import Failure
    try:
        recipe = recipe_of(starting(search.recipe, found.data), row.setting)
    except ValueError:
        fields = {"name": f"trial {row.called}", "reason": f"its setting is `{row.setting}`"}
        raise ArchError([diagnose(codes.UNREADABLE, fields=fields)]) from None
    recipe = replace(recipe, epochs=max(1, round(recipe.epochs * longer)))
    splits, place, seed = load(search.data, found.data), choose_device(device), row.seed or 0
    view = EpochView(recipe.epochs, False, True, splits.task.score)
    checkpoint = output.with_suffix(CHECKPOINT)
    train = partial(
        train_candidate,
        arch,
        splits,
        recipe,
        seed_of(found.card.seed, seed),
        place,
        on_resume=lambda: view.say(f"going on from {checkpoint}"),
        on_epoch=view.epoch,
        on_step=view.step,
        checkpoint=checkpoint,
        resume=True,
    )
    try:
        with view:
            try:
                module, outcome = train()
            except ArchError as problem:
                _give_way(checkpoint, problem, force)
                module, outcome = train()
    except Failure as problem:
        raise ArchError([problem.diagnostic]) from None
    except KeyboardInterrupt:
        if checkpoint.exists():
            say(f"{checkpoint} keeps all finished epochs: the same call goes on", error=True)
        raise
    score = splits.task.score
    said = f"{score} {shown_score(score, outcome.score(score))} in validation"
    if len(splits.test):
        tested = examine(module, splits.test, splits, place, recipe)
        known = {"accuracy": tested.means[0], **tested.scores}[score]
        said += f", {shown_score(score, known or 0.0)} in test"
    say(f"{recipe.epochs} epochs, {longer:g} times as many: {said}")
    return module, card_of(arch, splits, search.data, recipe, seed)


def _give_way(checkpoint: Path, problem: ArchError, force: bool) -> None:
    """Removes a checkpoint that cannot be gone on with, where ``force`` is said. Raises
    ``ArchError`` for what it does not help with."""
    found = problem.diagnostics[0]
    if found.kind is not codes.BAD_RUN:
        raise problem
    if not (force and checkpoint.is_file()):
        other = "give another file with -o"
        help = f"{other}, or begin anew with --force" if checkpoint.is_file() else other
        raise ArchError([replace(found, help=(help,))]) from None
    try:
        checkpoint.unlink()
    except OSError as refused:
        fields = {"name": str(checkpoint), "reason": (refused.strerror or str(refused)).lower()}
        raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields)]) from None


def _scores(found: Study, row: Row) -> str:
    """The score by which a network was chosen, and that on images which chose nothing."""
    from archdsl.search.outcome import measured, shown

    search = found.search
    name = search.objectives[0].name
    words = [f"{name} {shown(name, row.values[0], search.costs)} in validation{_of(row.examples)}"]
    test = None if row.test is None else measured(name, row.test, search.own is not None)
    if test is not None:
        words.append(
            f"{shown(name, test, search.costs)} on test data{_of(row.test_examples)}, which had no"
            " part in any choice"
        )
    elif row.test is not None:
        words.append(f"accuracy {row.test:.2%} on test data, which had no part in any choice")
    else:
        words.append("not tested: `settle` does that")
    return "; ".join(words)


def _of(codes: bytes) -> str:
    """How many examples a score is of, where each of them is known."""
    return f" ({counted(len(codes), 'example', exact=True)})" if codes else ""

"""``archdsl train``: trains one network, in this process or in several."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli import completing
from archdsl.cli.epochs import EpochView, shown_score
from archdsl.cli.logs import Logs, log_option
from archdsl.cli.options import DataName, json_option, python_option, read_registry, spec_argument
from archdsl.cli.output import say, say_json, say_text, show_diagnostics
from archdsl.cli.outputs import check_outputs, force_option, read_for
from archdsl.cli.progress import LOADING, told
from archdsl.diagnostics.model import ArchError
from archdsl.freeze import check_frozen
from archdsl.layers.base import show_shape
from archdsl.modelcard import ModelCard
from archdsl.named import resolve
from archdsl.outputs import check_name
from archdsl.registry import Registry
from archdsl.settings import read_settings, split_call, split_settings
from archdsl.spec import Architecture
from archdsl.training.data import describe, load
from archdsl.training.data.sizes import resizing
from archdsl.training.fit import CLASSES, fit
from archdsl.training.packages import need
from archdsl.training.recipe import Recipe
from archdsl.training.records import read_data, read_recipe
from archdsl.training.sets import Data
from archdsl.training.suits import check_recipe
from archdsl.training.tasks import CLASSIFICATION, TASKS, Task
from archdsl.units import duration, rate, shown_costs

if TYPE_CHECKING:
    import torch

    from archdsl.training.data.splits import Images, Splits
    from archdsl.training.outcome import Epoch
    from archdsl.training.ranks import Ranks

FAILED = 3  # the exit code of a training that came to no result


@dataclass(frozen=True)
class Request:
    """What is trained, on what and how, and what is kept of it."""

    spec: str
    arch: Architecture
    data: Data
    recipe: Recipe
    seed: int
    output: Path | None
    checkpoint: Path | None
    resume: bool
    quiet: bool
    as_json: bool
    logs: Logs = field(default_factory=Logs)


@click.command()
@spec_argument
@click.option(
    "--data",
    required=True,
    type=DataName(),
    metavar="DATA",
    help='The images: a folder, digits, cifar10, "fashion_mnist(train = 5000)", ...',
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KNOB=VALUE",
    shell_complete=completing.settings,
    help="Set a knob; may be given again for others.",
)
@click.option(
    "--recipe", default="", metavar="RECIPE", help='How to train: "lr = 0.05, augment = [flip]".'
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Start from these, as far as they fit; a head for other classes is new.",
)
@click.option(
    "--freeze",
    multiple=True,
    metavar="PATH",
    help="Do not train this part, such as stem; may be given again for others.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    metavar="N",
    help="Number of epochs, in place of the recipe's.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Seed of everything random.",
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1; or a GPU if any."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Weights (.pt or .safetensors), or a folder for spec, weights and figures.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the state of the training there, epoch by epoch.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint, if it is there.")
@force_option
@click.option("--quiet", is_flag=True, help="Print the result only.")
@json_option
@log_option
@python_option
def command(
    spec: str,
    data: str,
    settings: tuple[str, ...],
    recipe: str,
    weights: Path | None,
    freeze: tuple[str, ...],
    epochs: int | None,
    seed: int,
    device: str,
    output: Path | None,
    checkpoint: Path | None,
    resume: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    logs: tuple[str, ...],
    python: tuple[Path, ...],
) -> int:
    """Train a network on images.

    Its input and its knob `classes` follow the data. The validation set is evaluated after each
    epoch, the test set once, at the end. Under `torchrun -m archdsl train ...` several processes
    train together. Exit codes: 1 for a fault in the spec, the data or a file, 2 for one in the
    call, 3 if the training gave no result.
    """
    if resume and checkpoint is None:
        raise click.UsageError("--resume needs the file to go on from: --checkpoint FILE")
    registry = read_registry(python)
    images, how = read_data(data, registry=registry), read_recipe(recipe, registry=registry)
    how = how if epochs is None else replace(how, epochs=epochs)
    how = how if weights is None else replace(how, weights=str(weights))
    how = replace(how, freeze=freeze) if freeze else how
    arch = _candidate(spec, settings, images, registry)
    check_recipe(how, TASKS[images.task], arch.input, images.values)
    with told("" if quiet else LOADING):
        need("torch")
    request = Request(
        spec, arch, images, how, seed, output, checkpoint, resume, quiet or as_json, as_json,
        Logs.named(logs, arch.name, Path(), registry),
    )  # fmt: skip
    return _run(request, device, python, force, bar=not quiet)


def _candidate(
    name: str, settings: tuple[str, ...], data: Data, registry: Registry
) -> Architecture:
    """The network for the data. A variant's number of classes gives way to that of the data."""
    found = resolve(name, registry)
    own = found.variant.knobs if found.variant else {}
    published = {k: v for k, v in own.items() if k != CLASSES}
    image, classes = describe(data, Path())
    knobs = {**published, **found.settings, **split_settings(settings)}
    return fit(found.spec, knobs, image, classes, TASKS[data.task])


def _check_outputs(request: Request, python: Iterable[Path], force: bool) -> None:
    """Raises ``ArchError`` before a training for what could not be written after it."""
    from archdsl.training.keep import check_place, written

    for path, option in ((request.output, "-o"), (request.checkpoint, "--checkpoint")):
        if path is not None:
            check_name(path, option)
            check_place(path)
    if request.output is None:
        return
    outputs = written(request.output, request.arch)
    checkpoint = [request.checkpoint] if request.checkpoint is not None else []
    weights = [Path(request.recipe.weights)] if request.recipe.weights is not None else []
    reads = list(read_for([(request.spec, request.arch)], [*python, *checkpoint, *weights]))
    check_outputs(outputs, reads, force)
    if request.checkpoint in outputs:  # before either is there
        raise click.UsageError("-o and --checkpoint name the same file")
    if len(outputs) > 1:
        check_frozen(outputs[0], request.arch)


def _run(request: Request, device: str, python: Iterable[Path], force: bool, bar: bool) -> int:
    from archdsl.training.devices import choose_device
    from archdsl.training.outcome import Failure
    from archdsl.training.ranks import distributed, ranks

    _check_outputs(request, python, force)
    with distributed(choose_device(device)) as place:
        team = ranks()
        shown, task = team.leads and bar, TASKS[request.data.task]
        view = EpochView(request.recipe.epochs, request.quiet, shown, task.score)
        try:
            with team.leader_first():
                splits = load(request.data, Path())
            _train(request, splits, place, team, view)
        except (ArchError, Failure, KeyboardInterrupt) as problem:
            if not team.leads:  # the leading process says the same
                return 1
            if isinstance(problem, Failure):
                show_diagnostics([problem.diagnostic])
                return FAILED
            if isinstance(problem, KeyboardInterrupt):
                say(_how_to_go_on(request.checkpoint), error=True)
            raise
    return 0


def _how_to_go_on(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return "nothing is kept: with --checkpoint FILE, it could go on after a break"
    if not checkpoint.exists():
        return "nothing is kept yet: no epoch was finished"
    return f"{checkpoint} keeps all finished epochs: the same call with --resume goes on"


def _train(
    request: Request, splits: Splits, device: torch.device, team: Ranks, view: EpochView
) -> None:
    from archdsl.training.evaluate import examine
    from archdsl.training.keep import card_of
    from archdsl.training.loop import train_candidate

    if team.leads and not request.quiet:
        _say_head(request, splits, device, team)
    logs = request.logs if team.leads else Logs()
    settings = {**request.arch.shown_knobs, **request.recipe.arguments(full=True)}
    logs.start(f"{request.arch.name} {request.seed}", {**settings, "seed": str(request.seed)})

    def on_epoch(epoch: Epoch) -> None:
        view.epoch(epoch)
        learned = {"train_loss": epoch.train_loss, "lr": epoch.lr}
        logs.epoch(epoch.epoch, {**_told(epoch.accuracy, epoch.loss, epoch.scores), **learned})

    with logs.ending(), view:
        module, outcome = train_candidate(
            request.arch,
            splits,
            request.recipe,
            request.seed,
            device,
            on_start=lambda taken: view.say(taken.words(str(request.recipe.weights))),
            on_resume=lambda: view.say(f"going on from {request.checkpoint}"),
            on_epoch=on_epoch,
            on_step=view.step,
            checkpoint=request.checkpoint,
            resume=request.resume,
        )
        test = splits.test
        tested = examine(module, test, splits, device, request.recipe) if len(test) else None
        scores = _told(outcome.accuracy, outcome.loss, outcome.scores)
        also = {} if tested is None else _told(*tested.means, tested.scores)
        logs.end({**scores, **{f"test_{name}": value for name, value in also.items()}})
    if not team.leads:
        return
    result = {
        **_facts(request, splits, device, team),
        **{name: value for name, value in asdict(outcome).items() if name != "examples"},
        "test": None if tested is None else _told(*tested.means, tested.scores),
    }
    if splits.task is CLASSIFICATION:
        result["largest_class"] = {"validation": splits.validation.largest, "test": test.largest}
    card = card_of(request.arch, splits, request.data, request.recipe, request.seed)
    if request.as_json:
        _keep(request, module, result, card)
        say_json(result)
        return
    validated = _told(outcome.accuracy, outcome.loss, outcome.scores)
    say(f"validation  {_score(validated, splits.validation, splits.task)}")
    if tested is not None:
        say(f"test        {_score(_told(*tested.means, tested.scores), test, splits.task)}")
    many = "pieces" if splits.task.words else "images"
    fast = f"{rate(outcome.images_per_second)} {many} a second"
    say(f"time        {duration(outcome.seconds)}, {fast}")
    for line in _keep(request, module, result, card):
        say(line)


def _told(accuracy: float | None, loss: float, scores: Mapping[str, float]) -> dict[str, float]:
    """All that is known of a part, by its name, the accuracy first and the loss after it."""
    known = {} if accuracy is None else {"accuracy": accuracy}
    return {**known, "loss": loss, **scores}


def _score(told: Mapping[str, float], images: Images, task: Task) -> str:
    """An accuracy stands beside that of always saying the class that most images have."""
    first = [task.score, *(name for name in told if name not in (task.score, "loss"))]
    words = [f"{name} {shown_score(name, told[name])}" for name in first]
    words.insert(1, f"loss {told['loss']:.4f}")
    largest = f"; the largest class has {images.largest:.2%}" if task is CLASSIFICATION else ""
    return ", ".join(words) + largest


def _counts(splits: Splits) -> dict[str, int]:
    """How many images of each class are trained on, by the names of the classes."""
    if splits.task is not CLASSIFICATION:
        return {}
    counts = splits.train.labels.bincount(minlength=splits.classes).tolist()
    return dict(zip(splits.names, counts, strict=True)) if splits.names else {}


def _say_head(request: Request, splits: Splits, device: torch.device, team: Ranks) -> None:
    arch = request.arch
    say_text(", ".join(f"{k} = {v}" for k, v in arch.shown_knobs.items()), title=arch.name)
    shape = show_shape(arch.input)
    say(f"{shown_costs(arch.params, arch.macs)} at {shape}")
    many = "pieces" if splits.task.words else "images"
    sizes = f"{len(splits.train):,} {many} to train on, {len(splits.validation):,} to validate with"
    say(f"{request.data.written()}: {sizes}")
    if counts := _counts(splits):
        shown = {"".join(c if c.isprintable() else "?" for c in k): n for k, n in counts.items()}
        say_text("classes: " + ", ".join(f"{name} {n:,}" for name, n in shown.items()))
    for note in (*resizing(splits), *splits.notes):
        say(note)
    if (batch := request.recipe.batch) >= len(splits.train):
        words = f"an epoch is a single step: a batch has up to {batch:,} {many}"
        say(f"{words}; with fewer, it learns more")
    where = f"{team.size} processes, {device}" if team.size > 1 else f"{device}"
    recipe = {"epochs": str(request.recipe.epochs), **request.recipe.arguments()}
    say_text(", ".join(f"{k} = {v}" for k, v in recipe.items()) + f"; seed {request.seed}; {where}")
    say()


def _facts(request: Request, splits: Splits, device: torch.device, team: Ranks) -> dict[str, Any]:
    """What was trained, for tools."""
    arch = request.arch
    return {
        "spec": request.spec,
        "knobs": arch.shown_knobs,
        "input": show_shape(arch.input),
        "params": arch.params,
        "macs": arch.macs,
        "hash": arch.hash,
        "data": {
            "set": request.data.written(full=True),
            "digest": splits.digest,
            "classes": _counts(splits),
            "notes": list(splits.notes),
        },
        "recipe": request.recipe.arguments(full=True),
        "seed": request.seed,
        "device": str(device),
        "processes": team.size,
    }


def _keep(request: Request, module: Any, result: dict[str, Any], card: ModelCard) -> list[str]:
    """Writes what is wanted; says what it is, and what can be done with it."""
    from archdsl.training.keep import write_folder, write_weights

    output, arch = request.output, request.arch
    if output is None:
        return []
    if output.suffix and not output.is_dir():
        write_weights(output, module, card)
        known = arch.spec.knobs
        name, given = split_call(request.spec)
        variant = arch.spec.variants.get(name)
        named = {n: knob.default for n, knob in known.items()}
        named |= dict(variant.knobs if variant else {}) | read_settings(arch.spec.program, given)
        changed = {k: v for k, v in arch.network.knobs.items() if v != named[k]}
        sets = [f"--set {shlex.quote(f'{k}={known[k].show(v)}')}" for k, v in changed.items()]
        call = " ".join([shlex.quote(request.spec), *sets, f"--input {show_shape(arch.input)}"])
        return [f"{output}: the weights", _next(call, output)]
    spec, weights = write_folder(output, arch, module, result, card)
    return [f"{output}: the spec with its knobs decided, weights and figures",
            _next(shlex.quote(str(spec)), weights)]  # fmt: skip


def _next(spec: str, weights: Path) -> str:
    return f"next: archdsl compile {spec} --weights {shlex.quote(str(weights))}"

"""``archdsl evaluate``: what a trained network is worth on a data set."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.epochs import shown_score
from archdsl.cli.options import DataName, json_option, python_option, read_registry
from archdsl.cli.output import say, say_json, table
from archdsl.cli.outputs import check_outputs, force_option
from archdsl.cli.progress import LOADING, told
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.base import show_shape
from archdsl.modelcard import ModelCard
from archdsl.pictures.confusion import confusion
from archdsl.pictures.saving import check_format, save
from archdsl.training.packages import need
from archdsl.training.records import is_folder, read_data
from archdsl.training.sets import Pictures
from archdsl.training.tasks import CLASSIFICATION, Task

if TYPE_CHECKING:
    from archdsl.registry import Registry
    from archdsl.training.data.splits import Images, Splits
    from archdsl.training.metrics import Evaluation
    from archdsl.training.predictor import Predictor
    from archdsl.training.scores import Metric
    from archdsl.training.sets import Data

PARTS = ("test", "validation", "train")
SHOWN = 12  # classes, up to which the matrix is printed; of more, what is confused most
PAIRS = 10

SHARES = {  # the arguments of a set that draw a part of it
    "test": ("seed", "test"),
    "validation": ("seed", "test", "validation"),
    "train": (),
}
APART = {"seed", "test", "validation", "train", "size", "channels", "bits", "skip_unreadable"}
CUT = (
    "note: the part `{}` is drawn at random here, and the network was trained {}: it may have "
    "learned from some of these images"
)


@click.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.option(
    "--data",
    required=True,
    type=DataName(),
    metavar="DATA",
    help="The data, as for `archdsl train`; a folder is read in the size of MODEL.",
)
@click.option(
    "--part",
    default="test",
    show_default=True,
    type=click.Choice(PARTS),
    help="Which images to measure on; those of the test set had no part in any choice.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the confusion matrix: .svg, .png, .pdf, .tex or .html.",
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1; or a GPU if any."
)
@force_option
@json_option
@python_option
def command(
    model: Path,
    data: str,
    part: str,
    output: Path | None,
    device: str,
    force: bool,
    as_json: bool,
    python: tuple[Path, ...],
) -> None:
    """Measure a trained network: accuracy, class by class, confusion, calibration; of networks for
    several labels, values or masks, the metrics of their task.

    MODEL is what `archdsl predict` takes. Images are normalised as those of its training were,
    whatever the data is.
    """
    if output is not None:
        check_format(output)
        check_outputs([output], [model, *python], force)
    registry = read_registry(python)
    record = read_data(data, registry=registry)
    with told("" if as_json else LOADING):
        need("torch")
        from archdsl.training.data import load
        from archdsl.training.devices import choose_device
        from archdsl.training.metrics import evaluated
        from archdsl.training.predictor import read_model

    found = read_model(model, registry, choose_device(device))
    if is_folder(data, registry) and isinstance(record, Pictures):
        record = read_as(record, found.card)
    splits = load(record, Path())
    images = _images(splits, part, found.card, record.written())
    if part in splits.drawn and cut_otherwise(record, part, found.card, registry):
        say(CUT.format(part, f"on {d}" if (d := found.card.data) else "by a program"), error=True)
    if splits.task is not CLASSIFICATION:
        metrics = [cls() for cls in registry.metrics.values()]
        _other(found, images, splits.task, metrics, (record, part), model, output, as_json)
        return
    result = evaluated(found, images)
    what = f"{record.written()}: {len(images):,} images of its part `{part}`"
    if as_json:
        say_json({"model": str(model), "data": record.written(full=True), "part": part,
                  **_plain(result, found.card.classes)})  # fmt: skip
    else:
        _say(result, what, images.largest, found.card.classes)
    if output is not None:
        below = f"accuracy {result.accuracy:.2%}; {what}"
        counts = result.confusion.tolist()
        save(confusion(counts, found.card.classes, f"Confusion of {model.name}", below), output)
        if not as_json:
            say(f"{output}: the confusion matrix")


def cut_otherwise(record: Data, part: str, card: ModelCard, registry: Registry) -> bool:
    """Whether a part may have images that the network learned from: its training drew other parts
    of this set, or nobody knows which. Another set has nothing in common with that of the training,
    as far as its name says."""
    if part == "train":
        return False
    written, fold, _ = card.data.partition(", fold ")
    try:
        trained = read_data(written, registry=registry)
    except ArchError:  # a set that is not known here, or no set
        return True
    if trained.written(full=True) != written:  # a note of somebody's own training
        return True
    if type(trained) is not type(record):
        return False
    before, now = trained.arguments(full=True), record.arguments(full=True)
    if any(before.get(key) != now.get(key) for key in {*before, *now} - APART):
        return False
    shares = (before.get(key) != now.get(key) for key in SHARES[part])
    return any(shares) or bool(fold and part == "validation")


def read_as(pictures: Pictures, card: ModelCard) -> Pictures:
    """Pictures, read as a network takes them."""
    if card.values not in ("uint8", "uint16") or len(card.image) != 3:
        return pictures  # then they are not for it, which is told
    channels, *sides = card.image
    size = sides[0] if sides[0] == sides[1] else tuple(sides)
    return replace(pictures, size=size, channels=channels, bits=int(card.values[4:]))


def _images(splits: Splits, part: str, card: ModelCard, name: str) -> Images:
    """The images of a part, their labels being places among the network's classes. Raises
    ``ArchError`` where the data is of other images or classes (A805), or has no such part."""
    from archdsl.training.data.splits import Images

    if splits.image != card.image:
        shapes = f"{show_shape(card.image)}, and the images are {show_shape(splits.image)}"
        raise _mismatch(f"it takes {shapes}")
    if splits.values != card.values:
        raise _mismatch(f"it takes {card.values}, and the images are {splits.values}")
    if splits.task.name != card.task:
        raise _mismatch(f"it is for {card.task}, and the data is for {splits.task.name}")
    if splits.classes != len(card.classes):
        raise _mismatch(f"it knows {len(card.classes)} classes, and the data has {splits.classes}")
    named = splits.names or tuple(map(str, range(splits.classes)))
    if set(named) != set(card.classes):
        odd = next(name for name in named if name not in card.classes)
        raise _mismatch(f"the data has the class `{odd}`, which it was not trained on")
    images: Images = getattr(splits, part)
    if not len(images):
        help = [f"--part {other}" for other in PARTS if len(getattr(splits, other))]
        reason = f"it has no images of the part `{part}`"
        raise ArchError([diagnose(codes.NO_DATA, help=help[:1], name=name, reason=reason)])
    if splits.task is not CLASSIFICATION:
        if tuple(named) != card.classes:
            raise _mismatch(f"the data has its {splits.task.counted} in another order")
        return images
    import torch

    places = torch.tensor([card.classes.index(name) for name in named])
    return Images(images.images, places[images.labels])


def _other(
    found: Predictor,
    images: Images,
    task: Task,
    metrics: list[Metric],
    what: tuple[Data, str],
    model: Path,
    output: Path | None,
    as_json: bool,
) -> None:
    """Says what a network for another task is worth."""
    from archdsl.training.metrics import measured

    if output is not None and not task.dense:
        raise click.UsageError(f"there is no confusion matrix of {task.name}: leave out -o")
    (record, part), classes = what, found.card.classes
    result = measured(found, images, task, metrics)
    if as_json:
        plain: dict[str, Any] = {"loss": result.loss, **result.scores}
        if result.each:
            plain |= {task.counted: dict(zip(classes, result.each, strict=True))}
        if result.confusion is not None:
            plain["confusion"] = result.confusion.tolist()
        say_json({"model": str(model), "data": record.written(full=True), "part": part, **plain})
    else:
        many = "pieces" if task.words else "images"
        say(f"{record.written()}: {len(images):,} {many} of its part `{part}`")
        scores = [f"{name} {shown_score(name, value)}" for name, value in result.scores.items()]
        say(", ".join([*scores, f"loss {result.loss:.4f}"]))
        if not result.each:
            return
        say()
        names = list(dict.fromkeys(name for one in result.each for name in one))
        rows = [
            [name, *(shown_score(n, one[n]) if n in one else "-" for n in names)]
            for name, one in zip(classes, result.each, strict=True)
        ]
        one = {"classes": "class", "labels": "label", "values": "value"}[task.counted]
        for line in table([one, *names], rows, range(1, len(names) + 1)):
            say(line)
    if output is not None and result.confusion is not None:
        title, below = f"Confusion of {model.name}", f"pixels; {record.written()}, `{part}`"
        save(confusion(result.confusion.tolist(), classes, title, below), output)
        if not as_json:
            say(f"{output}: the confusion matrix of the pixels")


def _mismatch(reason: str) -> ArchError:
    return ArchError([diagnose(codes.DATA_MISMATCH, reason=reason)])


def _plain(result: Evaluation, classes: tuple[str, ...]) -> dict[str, Any]:
    scores = zip(classes, _scores(result), result.confusion.sum(1).tolist(), strict=True)
    return {
        "accuracy": result.accuracy,
        "balanced_accuracy": result.balanced,
        "loss": result.loss,
        "confidence": result.confidence,
        "calibration_error": result.calibration,
        "classes": {
            name: {"images": count, "recall": recall, "precision": precision, "f1": f1}
            for name, (recall, precision, f1), count in scores
        },
        "confusion": result.confusion.tolist(),
    }


def _scores(result: Evaluation) -> list[list[float | None]]:
    """Recall, precision and F1 of each class; nothing where there is none."""
    columns = (result.recall.tolist(), result.precision.tolist(), result.f1.tolist())
    return [[None if isnan(v) else v for v in row] for row in zip(*columns, strict=True)]


def _say(result: Evaluation, what: str, largest: float, classes: tuple[str, ...]) -> None:
    say(what)
    say(f"accuracy {result.accuracy:.2%}, loss {result.loss:.4f}; "
        f"the largest class has {largest:.2%}")  # fmt: skip
    say(f"balanced accuracy {result.balanced:.2%}, the mean of the classes")
    sure = f"the network is {result.confidence:.1%} sure on the average"
    say(f"calibration error {result.calibration:.1%}: {sure}, and right in {result.accuracy:.1%}")
    say()
    counts = result.confusion.sum(1).tolist()
    rows = [
        [name, f"{count:,}", *("-" if v is None else f"{v:.1%}" for v in scores)]
        for name, count, scores in zip(classes, counts, _scores(result), strict=True)
    ]
    for line in table(["class", "images", "recall", "precision", "F1"], rows, (1, 2, 3, 4)):
        say(line)
    say()
    if len(classes) <= SHOWN:
        said = [[str(n) if n else "." for n in row] for row in result.confusion.tolist()]
        header = ["true, and said", *classes]
        cells = [[name, *row] for name, row in zip(classes, said, strict=True)]
        for line in table(header, cells, range(1, len(classes) + 1)):
            say(line)
        return
    wrong = result.confusion.clone().fill_diagonal_(0)
    values, places = wrong.flatten().topk(PAIRS)
    pairs = [
        [classes[place // len(classes)], classes[place % len(classes)], f"{count:,}"]
        for count, place in zip(values.tolist(), places.tolist(), strict=True)
        if count
    ]
    for line in table(["true", "said most often instead", "images"], pairs, (2,)):
        say(line)

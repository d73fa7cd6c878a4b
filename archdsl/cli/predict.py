"""``archdsl predict``: which class each file is of; or its labels, values or mask."""

from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli.options import json_option, python_option, read_registry
from archdsl.cli.output import say, say_json, show_diagnostics, table
from archdsl.cli.outputs import check_outputs, force_option
from archdsl.cli.progress import LOADING, told
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.modelcard import ModelCard
from archdsl.outputs import check_name, write_output
from archdsl.training.packages import need
from archdsl.training.tasks import CLASSIFICATION, IGNORED, MULTILABEL, REGRESSION, TASKS, Task

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 64  # files that are held at once


@click.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--top", default=3, show_default=True, type=click.IntRange(1), help="How many classes to name."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the masks into this folder, as PNG of the pictures' sizes: the number of a class in"
    " each pixel, and 255 around the middle, which alone the network sees.",
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1; or a GPU if any."
)
@force_option
@json_option
@python_option
def command(
    model: Path,
    files: tuple[Path, ...],
    top: int,
    output: Path | None,
    device: str,
    force: bool,
    as_json: bool,
    python: tuple[Path, ...],
) -> int:
    """Say which class each file is of, with probabilities; or which labels or values it has. Of
    networks for masks, it says what share of the pixels each class has, and -o keeps the masks.

    MODEL is what `archdsl train` or `best` wrote (.pt, .safetensors, the .arch beside them, or the
    folder of both), or what `archdsl compile` made of it (.pt2, .onnx). Files are pictures,
    folders with pictures, or arrays of bytes in .npy. Exit code 1: a file, or the model, cannot be
    read.
    """
    with told(LOADING):
        need("torch")
        import torch

        from archdsl.training.data.example import read_example
        from archdsl.training.data.folder_layout import images_of
        from archdsl.training.data.images import BadPicture
        from archdsl.training.devices import choose_device
        from archdsl.training.predictor import read_model

    found = read_model(model, read_registry(python), choose_device(device))
    card, task = found.card, TASKS[found.card.task]
    if task.words:
        reason = "it predicts the next token of a text, which says nothing of a file"
        raise ArchError([diagnose(codes.DATA_MISMATCH, reason=reason)])
    below = [images_of(path)[0] if path.is_dir() else [path] for path in files]
    files = tuple(file for some in below for file in some)
    if not files:
        raise click.UsageError("there is no picture in the folder")
    if output is not None and not task.dense:
        raise click.UsageError(f"there are no masks of {task.name}: leave out -o")
    if output is not None:
        _check_places(output, files, card, force)
    bad: list[Diagnostic] = []
    rows: list[tuple[str, dict[str, float]]] = []
    for start in range(0, len(files), BATCH):
        examples: dict[Path, Any] = {}
        for path in files[start : start + BATCH]:
            try:
                examples[path] = read_example(path, card.image, card.values)
            except BadPicture as problem:
                help = [f"name the files in it: `{shlex.quote(str(path))}/*`"]
                fields = {"name": str(path), "reason": str(problem)}
                bad.append(diagnose(codes.UNREADABLE, help=help * path.is_dir(), fields=fields))
        if not examples:
            continue
        outputs = found.logits(torch.stack(list(examples.values())))
        for path, of_one in zip(examples, outputs, strict=True):
            if task.dense:
                mask = of_one.argmax(0).to(torch.uint8)
                if output is not None:
                    write_mask(_place(output, path, card), whole(mask, path))
            rows.append((str(path), _said(of_one, card.classes, task, top)))
    if as_json:
        say_json([{"file": name, task.counted: said} for name, said in rows])
    elif rows:
        shown = "{:.4g}" if task is REGRESSION else "{:.1%}"
        cells = [[name, *(f"{c} {shown.format(v)}" for c, v in said.items())]
                 for name, said in rows]  # fmt: skip
        most = max(map(len, cells)) - 1
        first = {"classes": "class", "labels": "label", "values": "value"}[task.counted]
        first = "pixels" if task.dense else first
        then = ["or"] if task is CLASSIFICATION else [""]
        header = ["file", *[first, *then, *[""] * most][:most]]
        for line in table(header, [[*row, *[""] * (most + 1 - len(row))] for row in cells]):
            say(line)
    if bad:
        show_diagnostics(bad)
    return 1 if bad else 0


def _said(output: Tensor, classes: tuple[str, ...], task: Task, top: int) -> dict[str, float]:
    """What a network says of one file, by the names of the classes, labels or values: the ``top``
    classes with their probabilities, all labels, the likeliest first, or the shares of pixels."""
    if task is REGRESSION:
        return dict(zip(classes, output.tolist(), strict=True))
    if task.dense:
        counts = output.argmax(0).flatten().bincount(minlength=len(classes))
        shares, top = counts / counts.sum(), len(classes)
    elif task is MULTILABEL:
        shares, top = output.sigmoid(), len(classes)
    else:
        shares = output.softmax(0)
    values, places = shares.topk(min(top, len(classes)))
    return {
        classes[i]: v for i, v in zip(places.tolist(), values.tolist(), strict=True)
        if v or not task.dense
    }  # fmt: skip


def _place(folder: Path, path: Path, card: ModelCard) -> Path:
    """Where the mask of a file goes: pictures as PNG, volumes as arrays."""
    return folder / f"{path.stem}{'.png' if len(card.image) == 3 else '.npy'}"


def _check_places(folder: Path, files: tuple[Path, ...], card: ModelCard, force: bool) -> None:
    """Raises before anything is predicted where masks could not be kept, each by itself."""
    places = [_place(folder, path, card) for path in files]
    if len(set(places)) < len(places):
        raise click.UsageError("-o wants files of different names: two masks would have the same")
    check_name(folder)
    check_outputs(places, files, force)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as problem:
        fields = {"name": str(folder), "reason": (problem.strerror or str(problem)).lower()}
        raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields)]) from None


def whole(mask: Tensor, path: Path) -> Tensor:
    """The mask of a picture ``(H, W)`` at the picture's own size: around the middle, which alone
    the network sees, pixels are of no class. That of a volume stays as it is."""
    import torch

    from archdsl.training.data.images import size_of

    size = size_of(path, need("PIL.Image", "pillow")) if mask.ndim == 2 else None
    if size is None or size.upright == mask.shape:
        return mask
    scale = min(has / seen for has, seen in zip(size.upright, mask.shape, strict=True))
    inner = [round(scale * n) for n in mask.shape]
    top, left = ((has - n) // 2 for has, n in zip(size.upright, inner, strict=True))
    resized = torch.nn.functional.interpolate(mask[None, None], inner, mode="nearest-exact")
    found = torch.full(size.upright, IGNORED, dtype=mask.dtype)
    found[top : top + inner[0], left : left + inner[1]] = resized[0, 0]
    return found


def write_mask(place: Path, mask: Tensor) -> None:
    """Writes a mask ``(H, W)``, or of a volume. Raises ``ArchError`` (A008)."""
    array: Any = mask.numpy()
    stream = io.BytesIO()
    if array.ndim == 2:
        need("PIL.Image", "pillow").fromarray(array).save(stream, format="PNG")
    else:
        need("numpy").save(stream, array)
    write_output(place, stream.getvalue())

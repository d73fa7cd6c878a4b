"""``archdsl predict``: which class each file is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.cli.options import json_option, python_option, read_registry
from archdsl.cli.output import say, say_json, show_diagnostics, table
from archdsl.cli.progress import LOADING, told
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Diagnostic, diagnose
from archdsl.training.packages import need

BATCH = 64  # files that are held at once


@click.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--top", default=3, show_default=True, type=click.IntRange(1), help="How many classes to say."
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1; or a GPU if any."
)
@json_option
@python_option
def command(
    model: Path,
    files: tuple[Path, ...],
    top: int,
    device: str,
    as_json: bool,
    python: tuple[Path, ...],
) -> int:
    """Say which class each file is of, with probabilities.

    MODEL is what `archdsl train` or `best` wrote (.pt, .safetensors, or the .arch beside them),
    or what `archdsl compile` made of it (.pt2, .onnx). Files are pictures, or arrays of bytes in
    .npy. Exit code 1: a file, or the model, cannot be read.
    """
    with told(LOADING):
        need("torch")
        import torch

        from archdsl.training.data.example import read_example
        from archdsl.training.data.pictures import BadPicture
        from archdsl.training.devices import choose_device
        from archdsl.training.predictor import read_model

    found = read_model(model, read_registry(python), choose_device(device))
    classes, top = found.card.classes, min(top, len(found.card.classes))
    bad: list[Diagnostic] = []
    rows: list[tuple[str, list[tuple[str, float]]]] = []
    for start in range(0, len(files), BATCH):
        examples: dict[Path, Any] = {}
        for path in files[start : start + BATCH]:
            try:
                examples[path] = read_example(path, found.card.image)
            except BadPicture as problem:
                bad.append(diagnose(codes.UNREADABLE, name=str(path), reason=str(problem)))
        if not examples:
            continue
        shares = found.logits(torch.stack(list(examples.values()))).softmax(1)
        for path, of_one in zip(examples, shares, strict=True):
            values, places = of_one.topk(top)
            said = [(classes[i], v) for i, v in zip(places.tolist(), values.tolist(), strict=True)]
            rows.append((str(path), said))
    if as_json:
        say_json([{"file": name, "classes": dict(said)} for name, said in rows])
    elif rows:
        cells = [[name, *(f"{c} {v:.1%}" for c, v in said)] for name, said in rows]
        header = ["file", *["class", *["or"] * (top - 1)]]
        for line in table(header, cells):
            say(line)
    if bad:
        show_diagnostics(bad)
    return 1 if bad else 0

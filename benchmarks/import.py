"""Which networks of torchvision and timm `archdsl import` turns into specs that are the same, and
in how many lines: tables, as Markdown.

    python benchmarks/import.py > benchmarks/imported.md   # all of the following
    python benchmarks/import.py torchvision           # torchvision's classification networks
    python benchmarks/import.py segmentation          # torchvision's networks for segmentation
    python benchmarks/import.py timm                  # those of timm that timm.txt names
    python benchmarks/import.py timm resnet50 dla34   # some
    python benchmarks/import.py specs                 # archdsl's own specs, compiled and imported
    python benchmarks/import.py specs/resnet.arch     # some of them, or those of a folder

Of specs the table has the lines of the spec, too, without comments, its paper and its variants,
which no module has, and how many times as many the import has.

Networks are made without memory for their weights; their graphs, parameters and multiply-adds are
proven equal, and nothing is run.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import archdsl
from archdsl.importing.convert import Imported
from archdsl.importing.proof import pairs

LARGE = 10**9  # parameters

MODULES = {
    "torchvision": lambda: importlib.import_module("torchvision.models"),
    "segmentation": lambda: importlib.import_module("torchvision.models.segmentation"),
}
TITLES = {
    "torchvision": "Networks of torchvision for classification",
    "segmentation": "Networks of torchvision for segmentation",
    "timm": "Networks of timm",
    "specs": "Specs, compiled and imported again",
}


def main() -> None:
    warnings.simplefilter("ignore")
    if sys.argv[1:] and (paths := specs_of(sys.argv[1:])):
        again(paths)
    elif sys.argv[1:]:
        table(sys.argv[1], sys.argv[2:] or names_of(sys.argv[1]))
    else:
        print("# Networks that were imported\n\nWritten by `python benchmarks/import.py`.")
        for group, title in TITLES.items():
            print(f"\n## {title}\n")
            again(specs_of([group])) if group == "specs" else table(group, names_of(group))


def names_of(library: str) -> list[str]:
    """The networks of a library that are asked for."""
    import torchvision

    if library == "timm":
        return Path(__file__).with_name("timm.txt").read_text().split()
    found: list[str] = torchvision.models.list_models(module=MODULES[library]())
    return found


def table(library: str, names: list[str]) -> None:
    """Prints networks of a library: lines and parameters of the spec, or why there is none."""
    print("| network | lines | parameters | |\n| --- | --- | --- | --- |")
    lines, missing = [], Counter[str]()
    for name in names:
        try:
            imported = spec_of(library, name)
        except archdsl.ArchError as problem:
            reasons = list(dict.fromkeys(d.message for d in problem.diagnostics))
            missing.update(reasons)
            print(f"| {name} | | | {'; '.join(reasons)} |", flush=True)
            continue
        count = sum(1 for line in imported.text.split("\n") if line)
        lines.append(count)
        print(f"| {name} | {count} | {imported.architecture.params:,} | |", flush=True)
    found = f"\n{len(lines)} of {len(names)} are the same network"
    print(f"{found}, in a median of {median(lines):g} lines." if lines else f"{found}.")
    for reason, times in missing.most_common():
        print(f"- {times}: {reason}")


def specs_of(arguments: list[str]) -> list[Path]:
    """The specs that are meant: those of the package, of folders, and files."""
    package = Path(archdsl.__file__).parents[1]
    found: list[Path] = []
    for argument in arguments:
        path = package / "specs" if argument == "specs" else Path(argument)
        if path.is_dir():
            found += sorted(path.glob("*.arch"))
        elif path.suffix == ".arch":
            found.append(path)
    return found


def again(paths: list[Path]) -> None:
    """Prints specs that were compiled and imported: whether each is the same network, whether it
    has the same hash, which how weights start is a part of, and its lines."""
    print("| spec | lines | imported | times | hash | |\n| --- | --- | --- | --- | --- | --- |")
    ratios: list[float] = []
    for path in paths:
        try:
            wanted = archdsl.read(path).with_knobs()
            shapes = wanted.inputs if len(wanted.inputs) > 1 else wanted.input
            made = archdsl.import_module(_built(wanted), shapes, name=path.stem, run=False)
        except archdsl.ArchError as problem:
            reasons = list(dict.fromkeys(d.message for d in problem.diagnostics))
            print(f"| {path.stem} | | | | | {'; '.join(reasons)} |", flush=True)
            continue
        if pairs(wanted.flat, made.architecture.flat) is None:
            print(f"| {path.stem} | | | | | another network |", flush=True)
            continue
        before, after = said(path.read_text()), said(made.text)
        ratios.append(after / before)
        same = "same" if made.architecture.hash == wanted.hash else "but for the start"
        cells = f"{path.stem} | {before} | {after} | {after / before:.2f} | {same}"
        print(f"| {cells} | |", flush=True)
    within = sum(ratio <= 1.3 for ratio in ratios)
    found = f"{len(ratios)} of {len(paths)} are the same network"
    print(f"\n{found}, {within} in at most 1.3 times the lines.")


def _built(arch: archdsl.Architecture) -> Any:
    """The network of a spec: a large one without memory for its weights."""
    import torch

    with torch.device("meta" if arch.params > LARGE else "cpu"):
        return arch.build()


def said(text: str) -> int:
    """The lines of a spec that say something of a network."""
    count, left_out = 0, False
    for line in text.split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not line.startswith((" ", "}", ")")):
            left_out = words[0] in ("paper", "variant")
        count += not left_out
    return count


def spec_of(library: str, name: str) -> Imported:
    """A network as a spec; with numbers where a fixed filter is asked for them."""
    model, shape = made(library, name)
    try:
        return archdsl.import_module(model, shape, name=name, run=False)
    except archdsl.ArchError as problem:
        if not any("are not known" in d.message for d in problem.diagnostics):
            raise
    model, shape = made(library, name, device="cpu")
    return archdsl.import_module(model, shape, name=name, run=False)


def made(library: str, name: str, device: str = "meta") -> tuple[Any, tuple[int, ...]]:
    """A network, by default without memory for its weights, and the shape of its images."""
    import torch

    from archdsl.importing.sources import ModelSource, input_of, load_model

    module = "timm" if library == "timm" else MODULES[library]().__name__
    source = ModelSource(module, name)
    try:
        with torch.device(device):
            model = load_model(source, None)
    except (NotImplementedError, RuntimeError):  # its code wants numbers
        model = load_model(source, None)
    return model, input_of(source, model)


if __name__ == "__main__":
    main()

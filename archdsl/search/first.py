"""A first spec and a first search for a folder of images: what somebody begins with who has
nothing but data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.values import show
from archdsl.files import builtin_names
from archdsl.spec import Spec, parse
from archdsl.training.data.folder_layout import images_of, layout
from archdsl.training.packages import need
from archdsl.training.sets import ImageFolder
from archdsl.units import short

LOOKED_AT = 500  # images whose sizes are asked for
SIZES = (16, 24, 32, 48, 64)  # that small networks are trained on in minutes
LAST = 8  # pixels of the last stage, about
DEPTHS = (1, 2, 3, 4)
TOLERANCES = (5, 8, 12, 20)  # percent
NAMED = 5  # classes that a comment lists

SPEC = """## A residual network for the images in {place}.
arch {name}(
  ## blocks in each of the {stages} stages
  depth = 2 in 1..8,
  width = 16 in 4..128,
  classes = {classes}
)

input 3x{size}x{size}
default conv(bias = false)

block unit(c, stride = 1) {{
  residual {{
    conv(c, 3, stride = stride) -> bn -> relu
    conv(c, 3) -> bn
  }}
  relu
}}

stem: conv(width, 3) -> bn -> relu
for i in 1..{stages} {{
  stage: repeat depth as j {{
    unit(width * 2 ^ (i - 1), stride = 2 if j == 1 and i > 1 else 1)
  }}
}}
head: global_avgpool -> linear(classes)
"""
SEARCH = """## At an equal number of multiply-adds, should a network for the images in
## {place} be wider or deeper? For each depth, the width is solved.
search {name}

spec "{name}.arch"
vary depth in {{{depths}}}
hold macs = {budget} within {within}% by width

data image_folder({path}, size = {size}{skip})
train epochs = 15, batch = 64, optimizer = sgd(weight_decay = 1e-4), schedule = one_cycle
tune lr in 0.01..0.3 log

seeds 2 then 5
trials 12
"""


@dataclass(frozen=True, slots=True)
class FirstProject:
    """What was found, and the two texts that are written for it."""

    name: str
    spec: str
    search: str
    counts: dict[str, int]  # of images, by their classes
    size: int
    budget: str
    notes: tuple[str, ...]  # what was found out in reading them


def first(
    folder: Path, below: Path, name: str = "", size: int | None = None, skip: bool = False
) -> FirstProject:
    """The texts for a folder of images; ``below`` is where the search will lie. The budget is
    what the network costs as it stands, and every depth can meet it. All images are read, as the
    search will read them; those that cannot be are left out where ``skip`` says so.

    Raises ``ArchError`` where the folder is not laid out as one of classes, with all images that
    cannot be read, and where there are too few.
    """
    need("torch")
    from archdsl.training.data import load

    given = str(folder)
    plan = layout(ImageFolder(given), Path())
    found: dict[str, list[Path]] = {}
    for places in plan.parts.values():
        for label, place in places.items():
            found.setdefault(label, []).extend(images_of(place)[0])
    size = size or _fitting([path for paths in found.values() for path in paths])
    name = name or _name_of(folder)
    splits = load(ImageFolder(given, size, skip_unreadable=skip), Path())
    stages = max(1, size // LAST).bit_length()
    about = {"name": name, "size": size, "place": show(folder.name or str(folder))}
    spec = SPEC.format(stages=stages, classes=len(found), **about)
    space = parse(spec)
    macs = float(f"{space.with_knobs().macs:.2g}")
    budget = short(macs)
    within = _tolerance(space, macs)
    search = SEARCH.format(
        depths=", ".join(map(str, DEPTHS)),
        budget=budget,
        within=within,
        path=show(_from(folder, below)),
        skip=", skip_unreadable = true" if skip else "",
        **about,
    )
    counts = {label: len(paths) for label, paths in found.items()}
    return FirstProject(name, spec, search, counts, size, budget, splits.notes)


def _fitting(paths: Sequence[Path]) -> int:
    """The largest of the sizes that is no larger than the images are."""
    pillow = need("PIL.Image", "pillow")
    sides = []
    for path in paths[:: max(1, len(paths) // LOOKED_AT)]:
        try:
            with pillow.open(path) as image:
                sides.append(min(image.size))
        except Exception:  # Pillow raises many kinds, and reading the images says which
            continue
    middle = median(sides) if sides else SIZES[-1]
    return max([n for n in SIZES if n <= middle], default=SIZES[0])


def _name_of(folder: Path) -> str:
    """A name of the language for a folder's."""
    plain = re.sub(r"\W+", "_", folder.resolve().name, flags=re.ASCII).strip("_").lower()
    if plain in builtin_names() or not plain[:1].isalpha():
        return f"images_{plain}".rstrip("_")
    try:
        parse(f"arch {plain}\ninput 1\nrelu\n")
    except ArchError:  # a word of the language
        return f"images_{plain}"
    return plain


def _tolerance(space: Spec, macs: float) -> int:
    """The least tolerance, in percent, within which every depth meets a budget."""
    nearest = (space.fit(macs=macs, by="width", depth=depth, within=0.99) for depth in DEPTHS)
    off = max(abs(network.macs - macs) / macs for network in nearest)
    return next((n for n in TOLERANCES if 100 * off <= n), TOLERANCES[-1])


def _from(folder: Path, below: Path) -> str:
    """The folder as the search names it: from where that lies, or else whole."""
    there, here = folder.resolve(), below.resolve()
    for base, up in ((here, ""), (here.parent, "../")):
        if there.is_relative_to(base):
            return f"{up}{there.relative_to(base).as_posix()}"
    return there.as_posix()

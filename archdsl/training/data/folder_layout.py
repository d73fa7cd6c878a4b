"""How a folder of images is laid out: a folder for each class, or first one for each part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.diagnostics.model import ArchError
from archdsl.training.data.search_path import missing, unreadable

if TYPE_CHECKING:
    from archdsl.training.sets import ImageFolder, Pictures

# What the folder of a part is called, in small letters.
PARTS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "eval": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
ENDINGS = frozenset(
    """.avif .bmp .dib .gif .j2k .jfif .jp2 .jpe .jpeg .jpf .jpg .jpx .pbm .pcx .pfm .pgm .png .pnm
    .npy .ppm .qoi .sgi .tga .tif .tiff .webp""".split()
)
MASKED = frozenset({"images", "masks"})  # pictures and the classes of their pixels
JUNK = frozenset({"thumbs.db", "desktop.ini"})  # what systems leave in folders of pictures
NAMED = 5  # names that a message lists


@dataclass(frozen=True, slots=True)
class FolderLayout:
    """The classes in the order of their names, and the folder of each in each part: ``train``
    alone where no parts are ``given``."""

    root: Path
    classes: tuple[str, ...]
    parts: dict[str, dict[str, Path]]
    given: bool


def layout(data: ImageFolder, folder: Path) -> FolderLayout:
    """Looks at names of folders, and at no image. Raises ``ArchError`` where there are fewer than
    two classes (A801), or where folders are neither classes nor parts (A802)."""
    root = folder / data.path
    below = folders(data, root)
    found = {name: PARTS.get(name.lower(), "") for name in below}
    named = {part for part in found.values() if part}
    if "train" in named and (len(named) > 1 or len(found) == 1):
        return _in_parts(data, root, below, found)
    if found and all(found.values()):
        reason = f"there are {_list(sorted(found))} in it, and no folder `train`"
        raise missing(data.name, reason, [root])
    _check_classes(data, root, below)
    if _repeated(data, below):
        names = _list(sorted(folders(data, next(iter(below.values())))))
        reason = f"each of the folders {_list(sorted(below))} has the same folders in it: {names}"
        help = [
            "where they are parts, call them train, val and test",
            "where they are classes, put the images of each into its folder itself",
        ]
        raise unreadable(data.name, reason, root, help)
    return FolderLayout(root, tuple(below), {"train": below}, False)


def folders(data: Pictures, place: Path) -> dict[str, Path]:
    """The visible folders in a folder, by their names and in the order of these."""
    try:
        found = sorted(p for p in place.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as problem:
        raise missing(data.name, (problem.strerror or str(problem)).lower(), [place]) from None
    return {p.name: p for p in found}


def _in_parts(
    data: ImageFolder, root: Path, below: dict[str, Path], found: dict[str, str]
) -> FolderLayout:
    other = sorted(name for name, part in found.items() if not part)
    if other:
        reason = f"beside the parts {_list(sorted(n for n in found if found[n]))} there is "
        raise unreadable(data.name, reason + _list(other), root)
    twice = [part for part, n in Counter(found.values()).items() if n > 1]
    if twice:
        names = _list(sorted(name for name, part in found.items() if part == twice[0]))
        raise unreadable(data.name, f"{names} are both the part `{twice[0]}`", root)
    parts = {part: folders(data, below[name]) for name, part in found.items()}
    _check_classes(data, root / next(n for n in found if found[n] == "train"), parts["train"])
    for name, part in found.items():
        unknown = sorted(set(parts[part]) - set(parts["train"]))
        if unknown:
            reason = f"{name} has the class {_list(unknown)}, which is not among those to train on"
            raise unreadable(data.name, reason, root)
    return FolderLayout(root, tuple(parts["train"]), parts, True)


def _check_classes(data: ImageFolder, root: Path, below: dict[str, Path]) -> None:
    if set(below) == MASKED:
        reason = "the folders `images` and `masks` are not classes"
        raise unreadable(data.name, reason, root, [f'mask_folder("{data.path}") takes them'])
    if not below:
        raise missing(data.name, "there is no folder for each class in it", [root])
    if len(below) == 1:
        (name, place), *_ = below.items()
        inner = folders(data, place)
        help = [f'write image_folder("{data.path}/{name}")'] if len(inner) > 1 else []
        found = f", in which are {_list(sorted(inner))}" if inner else ""
        reason = f"there is one folder in it, `{name}`{found}; classes are two or more folders"
        raise missing(data.name, reason, [root], help)


def _repeated(data: ImageFolder, below: dict[str, Path]) -> bool:
    """Whether all folders have the same folders in them, and no images of their own."""
    inner = [frozenset(folders(data, place)) for place in below.values()]
    if len(inner[0]) < 2 or any(names != inner[0] for names in inner):
        return False
    return not any(p.suffix.lower() in ENDINGS for place in below.values() for p in place.iterdir())


def _list(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:NAMED]) + more


def images_of(place: Path) -> tuple[list[Path], list[Path]]:
    """The images in a folder and below it, in an order that every system agrees on, and the
    other files. What begins with a dot, and all below it, is passed over."""
    images, others = [], []
    for path in place.rglob("*"):
        inside = path.relative_to(place)
        if any(part.startswith(".") for part in inside.parts) or not path.is_file():
            continue
        if path.suffix.lower() in ENDINGS:
            images.append(path)
        elif path.name.lower() not in JUNK:
            others.append(path)
    return sorted(images, key=lambda p: p.relative_to(place).as_posix()), others


def no_images(data: ImageFolder, name: str, others: list[Path], root: Path) -> ArchError:
    """The error for a class without images."""
    found = f"; {left_out(others)}" if others else ""
    reason = f"there is no image in the folder of the class {name}{found}"
    return missing(data.name, reason, [root], [f"read are {' '.join(sorted(ENDINGS))}"])


def left_out(others: list[Path]) -> str:
    """How many files are not images by their endings, and which endings these are."""
    counts = Counter(path.suffix.lower() or "none" for path in others).most_common(NAMED)
    endings = ", ".join(f"{ending} {count:,}" for ending, count in counts)
    noun = "file is" if len(others) == 1 else "files are"
    return f"{len(others):,} {noun} left out because of the ending: {endings}"

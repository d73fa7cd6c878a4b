"""A spec on data: its input and its classes are those of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.layers.base import Shape, show_shape
from archdsl.layers.ids import Ids
from archdsl.spec import Architecture, Spec
from archdsl.training.tasks import CLASSIFICATION, SEGMENTATION, Task

MAIN = "main"  # of several results
CLASSES = "classes"  # the knob that says how many there are
VOCABULARY, LENGTH = "vocabulary", "length"  # those of a network for token ids
HALVED = 32  # what sides that are halved at each of five levels are multiples of
SIZE = "size"  # one by which some networks for masks bring their result to that of the image


def adapt(spec: Spec, image: Shape, classes: int) -> tuple[dict[str, Any], Shape]:
    """The knobs that the data fixes, and the input: for ``spec.candidate(knobs, input)``.

    ``image`` is a shape, channels first. ``check_fit`` says whether a candidate fits. Raises
    ``ArchError`` where the spec has several inputs, or one of another number of axes (A805), or
    it does not allow so many classes.
    """
    _check_own_input(spec, image)
    wanted = {CLASSES: classes}
    if len(image) == 1:
        wanted |= {VOCABULARY: classes, LENGTH: image[0]}
    known = {k: spec.read_knob(k, str(v)) for k, v in wanted.items() if k in spec.knobs}
    return known, image


def _check_own_input(spec: Spec, image: Shape) -> None:
    """A network for signals is another one on images: each of its kernels has an axis more. One of
    several inputs may be none at all where the first has another size."""
    try:
        arch = spec.with_knobs()
        given = arch.input
    except ArchError:  # it has no input of its own, or is not a network there
        return
    _check_one_input(arch)
    if len(given) != len(image):
        kinds = {2: "signals", 3: "images", 4: "volumes"}
        a, b = (f"{kinds.get(len(s), 'vectors')} such as {show_shape(s)}" for s in (given, image))
        if len(image) == 1:
            b = f"rows of {image[0]} numbers or token ids"
        raise _mismatch(f"it is one for {a}, and the data has {b}")


def fit(
    spec: Spec,
    knobs: Mapping[str, Any],
    image: Shape,
    classes: int,
    task: Task = CLASSIFICATION,
) -> Architecture:
    """The candidate with these knobs for the data. A knob ``classes`` among them is kept.

    Raises ``ArchError`` where it is not a network with this input, or its result is not what
    the task asks for (A805): one number for each class, or for each class in each pixel.
    """
    fixed, input = adapt(spec, image, classes)
    try:
        arch = spec.candidate({**fixed, **knobs}, input)
    except ArchError as error:
        note = f"the input is that of the data: {show_shape(input)}"
        first, *rest = [_noted(d, note) for d in error.diagnostics]
        help = _fitting_variants(spec, {**fixed, **knobs}, image, classes, task)
        raise ArchError([replace(first, help=(*help, *first.help)), *rest]) from None
    check_fit(arch, image, classes, task)
    return arch


def _noted(d: Diagnostic, note: str) -> Diagnostic:
    """A mistake in the shapes, with what may have led to it."""
    return replace(d, notes=(*d.notes, note)) if d.code.startswith("A2") else d


def check_fit(arch: Architecture, image: Shape, classes: int, task: Task = CLASSIFICATION) -> None:
    """Raises ``ArchError`` (A805) unless a network takes the images, and gives what the task asks
    for: a number for each class, label or value, of masks in each pixel."""
    _check_one_input(arch)
    if isinstance(arch.input, Ids) is not task.words:
        kinds = ("numbers", "token ids") if task.words else ("token ids", "numbers")
        raise _mismatch("it takes {}, and the data has {}".format(*kinds))
    if isinstance(arch.input, Ids) and arch.input.vocabulary != classes:
        reason = f"its vocabulary has {arch.input.vocabulary:,} tokens, and the data {classes:,}"
        raise _mismatch(reason, [f"give the spec a knob `{VOCABULARY}`, or write {classes} there"])
    if tuple(arch.input) != tuple(image):
        reason = f"it takes {show_shape(arch.input)}, and the images are {show_shape(image)}"
        raise _mismatch(reason)
    weights = {r.name: r.weight for r in arch.network.root.results}
    if weights and MAIN not in weights:
        reason = f"it gives {', '.join(weights)}, and none of them is its main result"
        raise _mismatch(reason)
    ends = [("its result", arch.output)]
    ends += [(n, shape) for n, shape in arch.outputs.items() if weights.get(n)]
    ends += [(s.name, arch.flat.nodes[s.node].shape) for s in arch.flat.side_outputs]
    wanted = task.output(image, classes)
    for name, shape in ends:
        if shape != wanted:
            many = task.counted if classes > 1 else task.counted.removesuffix("s")
            reason = f"{name} has the shape {show_shape(shape)}, and the data has {classes} {many}"
            if task.words:
                reason += f" to choose from at each place: {show_shape(wanted)}"
                raise _mismatch(reason, ["it ends in `conv(vocabulary, 1)`, or in `unembed`"])
            if task.dense:
                reason += f" in each pixel: {show_shape(wanted)}"
            raise _mismatch(reason, _advice(arch, shape, wanted))


def _fitting_variants(
    spec: Spec, knobs: Mapping[str, Any], image: Shape, classes: int, task: Task
) -> list[str]:
    """What to say of variants of a spec that fit the data as the spec itself does not, or that fit
    images a little larger."""

    def fitting(size: Shape) -> list[str]:
        found = []
        for name, variant in spec.variants.items():
            try:
                arch = spec.candidate({**variant.knobs, **knobs}, size)
            except ArchError:
                continue
            if arch.output == task.output(size, classes):
                found.append(name)
        return found

    if names := fitting(image):
        return [f"its variant `{name}` fits the data" for name in names]
    if not task.dense:  # what halves images at each level needs sides that can be halved so often
        return []
    near = (image[0], *(n + -n % HALVED for n in image[1:]))
    of = f"images of {show_shape(near)}: give the data that size"
    return [f"its variant `{name}` fits {of}" for name in fitting(near)]


def _check_one_input(arch: Architecture) -> None:
    if len(arch.inputs) > 1:
        raise _mismatch(f"it takes {', '.join(arch.inputs)}, and the data has images alone")


def _advice(arch: Architecture, shape: Shape, wanted: Shape) -> list[str]:
    classes = wanted[0]
    if len(shape) < len(wanted):
        return ["a network for masks ends in a convolution, such as `conv(classes, 1)`"]
    if len(shape) > len(wanted):
        return ["end it in `global_avgpool -> linear(classes)`, or take masks as labels"]
    if shape[0] == classes:
        if SIZE in arch.spec.knobs and len(set(wanted[1:])) == 1 and shape[1] == arch.knobs[SIZE]:
            follows = "let it follow the input: `let image = in.size` before the first layer"
            return [
                f"set `{SIZE}` to {wanted[1]}, the size of the images",
                f"or {follows}, and `resize(image)` after the last",
            ]
        spec, knobs = arch.spec, {CLASSES: classes} if CLASSES in arch.spec.knobs else {}
        return _fitting_variants(spec, knobs, arch.input, classes, SEGMENTATION) or [
            "pad its convolutions, or resample the result to the size of the image"
        ]
    if CLASSES not in arch.spec.knobs:
        return [f"give the spec a knob `{CLASSES}` for its last layer, or write {classes} there"]
    return [f"leave `{CLASSES}` to the data"] if arch.knobs[CLASSES] != classes else []


def _mismatch(reason: str, help: list[str] | None = None) -> ArchError:
    return ArchError([diagnose(codes.DATA_MISMATCH, help=help or [], reason=reason)])

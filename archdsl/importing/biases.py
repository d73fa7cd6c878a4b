"""What is added to the scores of attention: masks, and learned numbers for distances. It is run as
the model computes it (``fixed``), and what comes out is compared with what the language adds."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import torch

from archdsl.importing.cut import BATCH, AxisSplit
from archdsl.importing.fixed import LARGE, Looked, looked_up, unknown
from archdsl.importing.layer_of import Gap
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Ref, Tied, TracedCall
from archdsl.importing.values import AttentionScores, OfQueries
from archdsl.layers.arguments import per_axis
from archdsl.layers.base import Shape


def given(record: TracedCall, place: int, name: str) -> Any:
    """An argument as it was recorded."""
    return record.args[place] if len(record.args) > place else record.kwargs.get(name)


def looked(value: Any) -> Looked:
    """A tensor of fixed numbers and of those of a parameter. Raises ``Gap``."""
    if not isinstance(value, (Ref, Tied)):
        raise Gap(" with a number")
    if unknown(value):
        raise Gap(" with fixed numbers that are not known: make the model with its numbers")
    found = looked_up(value)
    if found is None:
        raise Gap(" with a tensor that is computed, of parameters or of what comes in")
    return found


def with_added(
    lower: Lowering, record: TracedCall, scores: AttentionScores, value: Any
) -> AttentionScores:
    """Scores to which something is added."""
    if scores.softmax:
        raise Gap(" to attention weights")
    if record.shapes[0] != scores.shape:
        raise Gap(" to attention scores, which changes their shape")
    return biased_by(lower, scores, value)


def biased_by(lower: Lowering, scores: AttentionScores, value: Any) -> AttentionScores:
    """Scores and what is added to them: products of queries, or what is fixed and learned."""
    products = lower.value(value) if isinstance(value, Ref) else None
    if not isinstance(products, OfQueries):
        return replace(scores, added=(*scores.added, added_to(scores, value)))
    if scores.turned:
        raise Gap(" to attention scores whose axes changed places")
    products = replace(products, shape=scores.shape)
    return replace(scores, products=(*scores.products, products))


@operation("masked_fill")
def masked(lower: Lowering, record: TracedCall) -> AttentionScores:
    """Scores of which some count for nothing."""
    scores, value = lower.argument(record, 0, "input"), lower.argument(record, 2, "value")
    if not isinstance(scores, AttentionScores) or scores.softmax:
        raise Gap(" of anything but attention scores")
    if not isinstance(value, (int, float)) or value > LARGE:
        raise Gap(" with anything but minus infinity")
    found = added_to(scores, given(record, 1, "mask"), fill=value)
    return replace(scores, added=(*scores.added, found))


def added_to(scores: AttentionScores, value: Any, fill: float | None = None) -> Looked:
    """What is added to scores, in the shape that these have without cuts. A tensor of truth values
    says which count; with ``fill``, which do not. Raises ``Gap``."""
    found = looked(value)
    numbers = found.numbers
    if numbers.dtype == torch.bool:
        left_out = ~numbers if fill is None else numbers
        numbers = torch.zeros(numbers.shape).masked_fill(left_out, -torch.inf)
    elif fill is not None:
        raise Gap(" by numbers")
    plain = (*scores.queries.shape[:-1], scores.keys.shape[-2])

    def shaped(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.broadcast_to(scores.shape)
        return (tensor.mT if scores.turned else tensor).reshape(plain)

    try:
        places = None if found.places is None else shaped(found.places)
        return Looked(shaped(numbers), found.tied, places)
    except RuntimeError:
        raise Gap(" of another shape than the attention scores") from None


def is_causal(value: Any) -> bool:
    """Whether a mask leaves out what comes after each token, and nothing else: of numbers that are
    added, or of truth values, true where a token is left out."""
    numbers = looked(value).numbers
    if numbers.dim() != 2 or numbers.shape[0] != numbers.shape[1]:
        return False
    left_out = numbers if numbers.dtype == torch.bool else numbers <= LARGE
    plain = numbers.dtype == torch.bool or bool((numbers[~left_out] == 0).all())
    return plain and bool((left_out == torch.ones_like(left_out).triu(1)).all())


def cells_of(queries: AxisSplit, sees: dict[str, Any]) -> Shape:
    """The size of what attends to itself: a window, a grid, or the whole tensor."""
    size = queries.vertex.shape[1:]
    cells = per_axis(sees.get("windows") or sees.get("grid") or 0, len(size))
    return tuple(side or n for side, n in zip(cells, size, strict=True))


def biased(
    queries: AxisSplit, sees: dict[str, Any], added: tuple[Looked, ...]
) -> tuple[dict[str, Any], dict[str, Tied]]:
    """The options of attention within windows that say what is added to its scores, and its
    weights. Raises ``Gap``."""
    options = dict(sees)
    size, cells = queries.vertex.shape[1:], cells_of(queries, sees)
    shift = {-by % n for by, n in zip(queries.rolled, size, strict=True)} if queries.rolled else {0}
    terms = [_by_window(queries, term) for term in added]
    numbers = sum((term.numbers for term in terms), torch.zeros(()))
    left_out = numbers <= LARGE
    if bool((numbers[~left_out] != 0).any()):
        raise Gap(" with fixed numbers that are added to scores")
    if left_out.any() or shift != {0}:
        alike = left_out if not left_out.dim() else left_out[:, 0]
        if bool((left_out != left_out[:, :1]).any() if left_out.dim() else False):
            raise Gap(" with a different mask for each head")
        if not sees and shift == {0} and bool((alike == torch.ones_like(alike).triu(1)).all()):
            options["causal"] = True
        elif (
            len(shift) == 1
            and shift != {0}
            and len(size) == 2
            and left_out.dim()
            and _moved(alike, size, cells, min(shift))
        ):
            options["shift"] = min(shift)
        elif shift != {0}:
            raise Gap(" of shifted windows that do not mask pixels from across the border")
        else:
            raise Gap(" with a mask that is neither causal nor that of shifted windows")
    learned = [term for term in terms if term.tied is not None]
    if len(learned) > 1:
        raise Gap(" with several learned biases")
    if not learned:
        return options, {}
    return {**options, "relative": True}, {"weight": _relative(learned[0], cells, left_out)}


def _by_window(queries: AxisSplit, term: Looked) -> Looked:
    """What is added to scores, as ``(windows, heads, pixels, pixels)``. Raises ``Gap`` where it is
    not the same for each image."""
    atoms = [atom for group in queries.axes[:-2] for atom in group]
    heads = [a for a in atoms if a.axis == 0]
    space = sorted(a for a in atoms if a.axis > 0)
    batch = [a for a in atoms if a.axis == BATCH]
    order = [atoms.index(a) for a in (*batch, *space, *heads)]

    def sorted_out(tensor: torch.Tensor) -> torch.Tensor:
        last = tensor.shape[-2:]
        count, rank = len(atoms), len(atoms)
        tensor = tensor.reshape(*[a.size for a in atoms], *last)
        tensor = tensor.permute(*order, count, rank + 1)
        images = batch[0].size if batch else 1
        many = heads[0].size if heads else 1
        tensor = tensor.reshape(images, -1, many, *last)
        if bool((tensor != tensor[:1]).any()):
            raise Gap(" with numbers that differ from image to image")
        return tensor[0]

    places = None if term.places is None else sorted_out(term.places)
    return Looked(sorted_out(term.numbers), term.tied, places)


def _moved(
    left_out: torch.Tensor, size: tuple[int, ...], cells: tuple[int, ...], shift: int
) -> bool:
    """Whether those are left out that came into a window from across the border."""
    down, right = (torch.arange(n) >= n - shift for n in size)
    parts = 2 * down[:, None] + 1 * right
    (height, width), (h, w) = size, cells
    parts = parts.reshape(height // h, h, width // w, w).transpose(1, 2).reshape(-1, h * w)
    apart = parts[:, :, None] != parts[:, None]
    return left_out.shape == apart.shape and bool((left_out == apart).all())


def _relative(term: Looked, cells: tuple[int, ...], left_out: torch.Tensor) -> Tied:
    """The learned table of what is added for each distance between two pixels, with its numbers in
    our order. Raises ``Gap``."""
    assert term.places is not None and term.tied is not None, "it is learned"
    why = " with a learned bias that is not one number for each distance and head"
    heads = term.places.shape[1]
    if len(cells) != 2:
        raise Gap(" with a learned bias, of a tensor that is not an image")
    h, w = cells
    place = torch.arange(h * w)
    down, right = place // w, place % w
    far = (down[:, None] - down + h - 1) * (2 * w - 1) + right[:, None] - right + w - 1
    ours = (far * heads)[None] + torch.arange(heads)[:, None, None]
    ours = ours.broadcast_to(term.places.shape)
    count = (2 * h - 1) * (2 * w - 1) * heads
    known = (~left_out).broadcast_to(term.places.shape)
    order = torch.full((count,), -1)
    order[ours[known]] = term.places[known]
    whole = bool((order.sort().values == torch.arange(count)).all())
    if (
        prod(term.tied.shape) != count
        or not whole
        or bool((order[ours[known]] != term.places[known]).any())
    ):
        raise Gap(why)
    if bool((order == torch.arange(count)).all()):
        return term.tied
    return replace(term.tied, order=tuple(order.tolist()))

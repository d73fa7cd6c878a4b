"""What a model computes of queries and learned vectors alone, and adds to the scores of attention:
it is run, and compared with a learned vector for each distance down and each to the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import torch

from archdsl.importing.cut import AxisSplit, numbers_of
from archdsl.importing.fixed import MOST, multiply_adds_between, parameters_of, run_with
from archdsl.importing.layer_of import Gap
from archdsl.importing.record import Ref, Tied, TracedCall
from archdsl.importing.values import Computed, OfQueries
from archdsl.layers.base import Shape

if TYPE_CHECKING:
    from archdsl.importing.lower import Lowering


def learned(value: Any) -> bool:
    """Whether a tensor is learned, or computed of such."""
    return isinstance(value, Tied) or (isinstance(value, Computed) and not value.constant)


def of_queries(record: TracedCall, ref: Any, source: AxisSplit, why: str) -> OfQueries:
    """The product of queries with learned vectors. ``why`` it is no layer by itself."""
    return OfQueries(Ref(record), {ref: source}, record, why)


def goes_on(lower: Lowering, record: TracedCall) -> list[Any] | None:
    """What an operation makes of such tensors; nothing where it is of others, too."""
    values = [lower.value(ref) for ref in record.refs()]
    mine = [value for value in values if isinstance(value, OfQueries)]
    rest = [value for value in values if not isinstance(value, (OfQueries, Tied, Computed))]
    if not mine or rest or record.compute is None:
        return None
    sources = {ref: source for value in mine for ref, source in value.sources.items()}
    return [
        replace(mine[0], ref=Ref(record, n), sources=sources) for n in range(len(record.shapes))
    ]


def relative_keys(
    queries: AxisSplit, terms: Sequence[OfQueries], shape: Shape, cells: Shape
) -> tuple[float, dict[str, Tied]]:
    """The vectors for distances whose products with queries are added to scores of this shape
    without cuts, and what queries are multiplied with before. Raises ``Gap``."""
    if len(cells) != 2:
        raise Gap(f" with products of queries, of {_seen_as(cells)}")
    if prod(shape) > MOST:
        raise Gap(f" with products of queries that are added to more than {MOST:,} scores")
    why = " with products of queries that are not those with a vector for each distance"
    of = queries.vertex
    images, each = queries.batch, queries.shape[-1]
    if any(source.vertex is not of for term in terms for source in term.sources.values()):
        raise Gap(why)
    tied = {key: t for term in terms for key, t in parameters_of(term.ref, term.sources).items()}
    if len(tied) != 2 or any(t.tensor is None for t in tied.values()):
        raise Gap(why)
    sizes = {key: prod(t.shape) for key, t in tied.items()}

    def run(x: torch.Tensor, given: dict[str, torch.Tensor]) -> torch.Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for term in terms:
            known = {ref: numbers_of(source, x) for ref, source in term.sources.items()}
            found = run_with(term.ref, given, known)
            if found is None:
                raise Gap(why)
            total = total + term.factor * found.broadcast_to(term.shape).reshape(shape)
        return total

    def only(channel: int) -> torch.Tensor:
        """Of all heads' channels, this one is 1 and the others are 0."""
        x = torch.zeros(images, *of.shape, dtype=torch.float64)
        x[:, channel::each] = 1
        return x

    def alone(key: str, numbers: torch.Tensor) -> dict[str, torch.Tensor]:
        return {k: numbers if k == key else torch.zeros(n).double() for k, n in sizes.items()}

    h, w = cells
    place = torch.arange(h * w)
    down, right = place // w - (place // w)[:, None], place % w - (place % w)[:, None]
    ways = {"height_rel": (down + h - 1, 2 * h - 1), "width_rel": (right + w - 1, 2 * w - 1)}
    generator = torch.Generator().manual_seed(0)
    drawn = {key: torch.randn(n, generator=generator).double() for key, n in sizes.items()}
    x = torch.randn((images, *of.shape), generator=generator).double()
    vectors = numbers_of(replace(queries, factor=1.0), x)
    expected = torch.zeros(shape, dtype=torch.float64)
    factors, weights = set(), {}
    for key, t in tied.items():
        factor = float(run(only(0), alone(key, torch.ones(sizes[key]).double())).flatten()[0])
        counted = alone(key, torch.arange(sizes[key]).double())
        firsts = [
            (run(only(n), counted) / (factor or 1)).reshape(-1, h * w, h * w)[0].round().long()
            for n in (0, min(1, each - 1))
        ]
        steps = firsts[1] - firsts[0]
        for name, (distance, count) in ways.items():
            at = torch.full((count,), -1)
            at[distance] = firsts[0]
            if name not in weights and bool((at[distance] == firsts[0]).all()):
                break
        else:
            raise Gap(why)
        order = (at[:, None] + torch.arange(each) * int(steps.flatten()[0])).flatten()
        if sizes[key] != count * each or set(order.tolist()) != set(range(count * each)):
            raise Gap(why)
        table = drawn[key][order].reshape(count, each)
        products = (vectors @ table.mT).reshape(-1, h * w, count)
        index = distance.expand(products.shape[0], -1, -1)
        expected += factor * products.gather(2, index).reshape(shape)
        factors.add(round(factor, 12))
        weights[name] = _in_order(t, count, each, order.tolist())
    if len(factors) != 1 or not torch.allclose(run(x, drawn), expected, rtol=1e-9, atol=1e-9):
        raise Gap(why)
    known = {ref for term in terms for ref in term.sources}
    theirs = multiply_adds_between([term.ref for term in terms], known) // images
    ours = sum(count for _, count in ways.values()) * prod(queries.shape) // images
    if theirs != ours:
        raise Gap(
            f" with products of queries and vectors of {theirs:,} multiply-adds, where `attend` has"
            f" {ours:,}: multiply queries with the whole tables, and gather from the products"
        )
    return factors.pop(), weights


def _seen_as(cells: Shape) -> str:
    """What attends to itself, where that is no image."""
    if len(cells) == 1:
        return "pixels in one row: flatten the image after queries, keys and values are parted"
    return "a tensor that is not an image"


def _in_order(tied: Tied, count: int, each: int, order: list[int]) -> Tied:
    assert tied.tensor is not None, "it was asked for"
    own = replace(tied, shape=tuple(tied.tensor.shape), turned=False)
    if order == list(range(count * each)):
        return own
    if order == torch.arange(count * each).reshape(each, count).mT.flatten().tolist():
        return replace(own, flipped=True)
    return replace(own, order=tuple(order))

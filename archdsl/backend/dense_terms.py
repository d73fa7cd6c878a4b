"""How many layers a dense block has, and what each adds, in the parameters of a class."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from archdsl.backend.dense import DensePiece
from archdsl.backend.skipped import unless_fewer
from archdsl.backend.terms import Num
from archdsl.backend.translate import Translator, Untranslatable

if TYPE_CHECKING:
    from archdsl.backend.flow import ClassTerms


def after_layers(
    flow: ClassTerms, piece: DensePiece, translator: Translator, here: int, record: bool
) -> int:
    """The channels of what comes in and of all layers: where each adds as many, a product."""
    count = _count(flow, piece, translator, here)
    found = last = here
    added, met, outer = list[int](), set[str](), flow.forms
    for i, unit in enumerate(piece.units):
        flow.forms = {}
        last = flow.piece(unit, translator, [last if piece.sees_last else found], 0, record)
        found = found + last
        added.append(last)
        new = [form for text, form in flow.forms.items() if text not in met]
        met |= flow.forms.keys()
        flow.forms = outer
        flow.note_forms(*(unless_fewer(form, count, i) for form in new))
    if len({(int(n), getattr(n, "text", "")) for n in added}) > 1:
        return found
    if record:
        flow.counts[id(piece)], flow.growths[id(piece)] = count, last
    if isinstance(here, Num) and isinstance(count, Num) and count == len(added):
        found = here + last * count
    return found


def _count(flow: ClassTerms, piece: DensePiece, translator: Translator, here: int) -> Any:
    """How many layers the text says that there are, if it can be said."""
    given = flow.written.first(piece.span, translator.block)
    if given is not None:
        with suppress(Untranslatable):
            return translator.argument(given, here)
    return None

"""What a class says of other arguments than those of its uses, where its steps would differ: steps
that some uses leave out, turns that are written out, numbers that an inner class has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from archdsl.backend.conditions import claims, keeps, numbers
from archdsl.backend.given_terms import with_terms
from archdsl.backend.runs import is_run
from archdsl.backend.scope import SHORTCUT
from archdsl.backend.spec_text import stands_in, word_of
from archdsl.backend.strides import stride_between
from archdsl.backend.symbols import spoken, worked_out
from archdsl.backend.terms import (
    BOTH,
    COMPARISON,
    EITHER,
    SUM,
    Num,
    Word,
    both,
    opposite,
    same,
    shown,
    written,
)
from archdsl.backend.translate import Untranslatable
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.backend.flow import ClassTerms
    from archdsl.backend.instance import Instance
    from archdsl.backend.pieces import PlanPiece
    from archdsl.backend.plan import Plan
    from archdsl.backend.scope import Entry
    from archdsl.backend.translate import Translator
    from archdsl.diagnostics.source import Span

DENSE, RESIDUAL, PLAIN = "dense", "residual", "identity"
EVEN = 720720  # which all numbers to 16 divide


def skipped(
    flow: ClassTerms,
    plan: Plan,
    small: Instance,
    whole: Mapping[int, int],
    found: Mapping[int, int],
) -> Iterator[Word]:
    """That the fullest use has its steps, or that what comes in without them is what it says.

    In ``conv(8, 3); if n > 2 { conv(c, 3) }; conv(d, 1)`` the last layer takes ``c`` channels in
    the fullest use: of one without the second layer, that is right for ``c == 8`` alone. Where the
    class says the number of the smaller one, it is right with the step where both are equal.
    ``whole`` and ``found`` are the channels of all values in the fullest use and in a smaller one.
    """
    full = plan.full
    places = {e.label: i for i, e in enumerate(small.scope.entries, 1)}
    labels = ["", *(e.label for e in full.scope.entries)]
    since: dict[int, Word | None] = {}  # by value: what decides the steps that were left out before
    for place, entry in enumerate(full.scope.entries, 1):
        there = places.get(entry.label)
        if there is None:
            continue
        other = small.scope.entries[there - 1]
        if len(entry.inputs) > 1 or len(other.inputs) > 1:  # what is joined has to fit anyway
            continue
        mine, theirs = entry.inputs[0], other.inputs[0]
        decides = since.get(mine)
        if mine > 0 and labels[mine] not in places:
            step = full.scope.entries[mine - 1]
            decides = flow.condition(step.label, step.span, plan.definition)
        since[place] = decides
        texts = [shown(channels, SUM) for channels in (whole[mine], found[theirs])]
        if decides is None or agree(*texts):
            continue
        if flow.is_said(full, mine, whole) and flow.is_said(small, theirs, found):
            same = int(whole[mine]) == int(found[theirs])
            equal = Word(same, " == ".join(texts), COMPARISON)
            swapped = Word(same, " == ".join(reversed(texts)), COMPARISON)
            told = {opposite(e).text for e in (equal, swapped)}
            if told.isdisjoint(decides.text.split(" or ")):
                yield either(decides, equal)
                yield either(opposite(decides), equal)


def counted(flow: ClassTerms, entry: Entry, translator: Translator, here: int) -> Iterator[Word]:
    """That the loops around a step, whose turns are written out one after the other, and the layers
    of a `dense` are as many as they are here, wherever the step is there."""
    written, block = translator.written, translator.block
    counts: list[Callable[[], Any]] = [
        partial(translator.turns, loop, here) for loop in written.loops_around(entry.span, block)
    ]
    node = written.call(entry.span)
    if node is not None and node.callee.text == DENSE and stands_in(entry.span, block):
        given = written.first(entry.span, block)
        counts += [] if given is None else [partial(translator.value, given, here)]
    for count in counts:
        with suppress(Untranslatable):
            yield from wherever(flow, entry.span, block, numbers([count()]), entry.label)


def repeated(
    flow: ClassTerms, entry: Entry, translator: Translator, before: int, after: int
) -> Iterator[Word]:
    """That a step which is repeated gives as many channels as come in, where each of its copies is
    written with those of the first."""
    if entry.repeat < 2 or same(before, after):
        return
    form, block = keeps(before, after, 1), translator.block
    loops = translator.written.loops_around(entry.span, block)
    if loops and is_run(entry):
        with suppress(Untranslatable):
            form = unless_fewer(form, translator.turns(loops[-1], before), 1)
    yield from wherever(flow, entry.span, block, [form], entry.label)


def added(
    flow: ClassTerms,
    instance: Instance,
    place: int,
    translator: Translator,
    found: Mapping[int, int],
) -> Iterator[Word]:
    """That a residual adds what comes in as it is: other arguments may want a projection."""
    entries = instance.scope.entries
    node = translator.written.call(entries[place - 1].span)
    start, end = entries[place - 1].inputs
    if node is None or node.callee.text != RESIDUAL or min(start, end) < 0:
        return
    if start and entries[start - 1].name == SHORTCUT:
        return
    if not all(flow.is_said(instance, n, found) for n in (start, end)):
        return
    said = next((a.value for a in node.arguments if a.name and a.name.text == SHORTCUT), None)
    if isinstance(said, tree.Ternary) and stands_in(said.span, translator.block):
        plain = [word_of(n) == PLAIN for n in (said.then, said.otherwise)]
        if sum(plain) == 1:
            with suppress(Untranslatable):
                condition = translator.truth(said.condition, found[start])
                if isinstance(condition, Word):
                    yield condition if plain[0] else opposite(condition)
    else:
        stride = stride_between(instance, start, end, flow.strides) or 1
        form = keeps(found[start], found[end], stride)
        span, block = entries[end - 1].span, translator.block
        yield from (form, *wherever(flow, span, block, [form]))
        if flow.full is not None:
            yield from shorter(flow, flow.full, instance, place, block, form)


def inside(
    flow: ClassTerms,
    piece: PlanPiece,
    translator: Translator,
    given: Mapping[str, Any],
    found: Mapping[int, int],
) -> Iterator[Word]:
    """That what the class of a step has as a number, because it is the same in all its uses, is
    that number: what it is ``given``, and of a body without a name, the channels ``found``. What
    it is given decides, too, what it is handed beside the arguments of its block. And that it has
    the steps of its class, where that cannot say so itself."""
    signature = piece.plan.signature()
    said = {p.origin for p in signature}
    values = [v for k, v in given.items() if k not in said or not all(said)]
    if piece.plan.definition is None:
        terms = (flow.walked.given(piece, parameter) for parameter in signature)
        handed_in = {getattr(term, "text", "") for term in terms}
        values += [v for v in found.values() if getattr(v, "text", "") not in handed_in]
        values += constants(flow, piece)
    if piece.span is not None:
        forms = [*numbers(values), *steps_of_class(piece.plan, given)]
        yield from wherever(flow, piece.span, translator.block, forms)


def constants(flow: ClassTerms, piece: PlanPiece) -> list[Any]:
    """The terms of what the class of a body without a name has alike in all its uses."""
    plan, inner = piece.plan, flow.walked.within.get(id(piece))
    if inner is None or plan.symbols is None:
        return []
    return [inner.of(source, plan.place(piece.part)) for source in plan.symbols.constants]


def steps_of_class(plan: Plan, given: Mapping[str, Any]) -> Iterator[Word]:
    """What decides the steps of a class that is ``given`` so much, and that it cannot say."""
    if plan.symbols is not None and plan.definition is not None:
        terms = {p.name: given[p.origin] for p in plan.symbols.parameters if p.origin in given}
        for text in plan.symbols.unsaid():
            form = with_terms(text, terms)
            if form is not None:
                yield form


def shorter(
    flow: ClassTerms,
    full: Instance,
    small: Instance,
    place: int,
    block: tree.Block | None,
    form: Word,
) -> Iterator[Word]:
    """That a ``form`` holds of a sum where the last step of what is added is left out: the sum is
    the step at ``place`` of a ``small`` use, and ends later in the ``full`` one."""
    entry = small.scope.entries[place - 1]
    end = small.scope.entries[entry.inputs[1] - 1]
    there = next((e for e in full.scope.entries if e.label == entry.label), None)
    if there is None or len(there.inputs) < 2 or there.inputs[1] <= 0:
        return
    last = full.scope.entries[there.inputs[1] - 1]
    decides = flow.condition(last.label, last.span, block)
    if decides is not None and last.label != end.label:
        yield either(decides, form)


def wherever(
    flow: ClassTerms, span: Span, block: tree.Block | None, forms: Iterable[Word], label: str = ""
) -> Iterator[Word]:
    """That forms hold where a step is there; without a condition of it, everywhere."""
    decides = flow.condition(label, span, block)
    for form in forms:
        if decides is None:
            yield form
            continue
        known = claims(decides.text)
        missing = [part for part in parts_of(form) if not claims(part.text) <= known]
        if missing:
            yield either(opposite(decides), both(missing))


def unless_fewer(form: Word, count: Any, number: int) -> Word:
    """What a layer or a turn needs that is there if the ``count`` of them is more than so many."""
    if number == 0 or not isinstance(count, Num):
        return form
    return either(Word(count <= number, f"{shown(count, SUM)} <= {number}", COMPARISON), form)


def either(a: Word, b: Word) -> Word:
    return Word(a.value or b.value, f"{written(a, EITHER)} or {written(b, EITHER)}", EITHER)


def parts_of(form: Word) -> list[Word]:
    """What a condition is the sum of."""
    if form.level != BOTH or "(" in form.text:
        return [form]
    return [Word(form.value, text, COMPARISON) for text in form.text.split(" and ")]


def agree(a: str, b: str) -> bool:
    """Whether two terms are equal wherever no division leaves a rest, as in ``4 * (c // 4)`` and
    ``c``: a layer whose channels do not divide refuses them."""
    names = spoken(a) | spoken(b)
    for step in (1, 3):
        values = {name: EVEN * (step * i + 1) for i, name in enumerate(sorted(names), step)}
        if worked_out(a, values) != worked_out(b, values):
            return False
    return True

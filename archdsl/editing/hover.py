"""What is said of the thing at a place of a text, as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archdsl import driver
from archdsl.analysis.by_line import by_line
from archdsl.diagnostics.source import Span
from archdsl.editing import described
from archdsl.editing.context import context_at
from archdsl.editing.reading import Reading
from archdsl.elaborate.published import Paper, Published, Variant
from archdsl.layers.base import show_shape
from archdsl.resolve.table import Definition, NameUse
from archdsl.syntax import tree


@dataclass(frozen=True, slots=True)
class Hover:
    """A place, and what is said of it."""

    span: Span
    markdown: str


def hover(reading: Reading, offset: int) -> Hover | None:
    """What is known of the name at a place: of a layer its arguments and what it costs there, of
    a knob what it may be, of an `arch` its figures and its paper."""
    if reading.is_search:
        return _of_search(reading, offset)
    found = reading.names.at(offset)
    if found is None:
        return _of_word(reading, offset) if reading.broken else None
    said = _of_use(found, reading) if isinstance(found, NameUse) else _of_definition(found, reading)
    return Hover(found.span, said) if said else None


def _of_word(reading: Reading, offset: int) -> Hover | None:
    """What is built in under the word at a place of a statement that does not parse yet."""
    text = reading.source.text
    start = next((i for i in range(offset, 0, -1) if not _WORD.match(text[i - 1])), 0)
    end = next((i for i in range(offset, len(text)) if not _WORD.match(text[i])), len(text))
    if context_at(reading, end).kind in ("comment", "text"):
        return None
    found = described.built_in(text[start:end], reading)
    return None if found is None else Hover(Span(reading.source, start, end), found.markdown)


_WORD = re.compile(r"\w")


def _of_use(use: NameUse, reading: Reading) -> str:
    if use.definition is not None:
        return _with_costs(_of_definition(use.definition, reading), use.span, reading)
    if use.kind in ("layer", "pattern", "function"):
        found = described.built_in(use.name, reading)
        return "" if found is None else _with_costs(found.markdown, use.span, reading)
    if use.kind == "cost":
        cost = reading.registry.static_costs[use.name]
        return f"`{use.name}`: {cost.title} of the whole network"
    if use.kind in ("argument", "word"):
        return _of_argument(use, reading)
    return ""


def _of_argument(use: NameUse, reading: Reading) -> str:
    around = context_at(reading, use.span.end).argument
    if around is None:
        return ""
    found = described.called(around.callee, reading, use.span.start)
    if found is None:
        return ""
    name = use.name if use.kind == "argument" else around.name
    at = {a.name: a for a in found.arguments}
    taken = at.get(name)
    if taken is None and around.place < len(found.arguments):
        taken = found.arguments[around.place]
    return "" if taken is None else f"`{taken.label}` of `{found.name}`: {taken.expected}"


def _of_definition(found: Definition, reading: Reading) -> str:
    if found.kind == "arch":
        return _of_arch(found, reading)
    if found.kind == "variant":
        return _of_variant(found.name, reading)
    return described.definition(found, reading).markdown


def _of_arch(found: Definition, reading: Reading) -> str:
    program, network = reading.program, reading.network
    lines = [f"**{found.name}**"]
    if program is not None and program.doc:
        lines.append(program.doc)
    if network is not None:
        figures = driver.analyse(network)
        lines.append(
            f"With the defaults: {show_shape(network.root.input)} to "
            f"{show_shape(network.root.shape)}, {figures.params:,} parameters, "
            f"{figures.macs:,} MACs"
        )
    papers = [n for n in reading.file.statements if isinstance(n, tree.Paper)]
    if papers and program is not None:
        with_paper = [v.paper for v in program.variants if v.paper is not None]
        lines += [_paper(p) for p in dict.fromkeys(with_paper[:1])] or [papers[0].title]
    elif papers:
        lines.append(papers[0].title)
    return "\n\n".join(lines)


def _of_variant(name: str, reading: Reading) -> str:
    if reading.program is None:
        return ""
    known: dict[str, Variant] = {v.name: v for v in reading.program.variants}
    variant = known.get(name)
    if variant is None:
        return ""
    knobs = reading.program.knobs
    shown = ", ".join(f"{k} = {knobs[k].show(v)}" for k, v in variant.knobs.items())
    lines = [f"variant **{name}**" + (f": `{shown}`" if shown else "")]
    lines += [variant.doc] if variant.doc else []
    lines += [_published(p) for p in variant.published]
    lines += [_paper(variant.paper)] if variant.paper is not None else []
    return "\n\n".join(lines)


def _paper(paper: Paper) -> str:
    where = " ".join(str(x) for x in (paper.venue, paper.year) if x)
    said = ", ".join(x for x in (f"*{paper.title}*", paper.authors, where) if x)
    return (
        f"{said}, [arXiv:{paper.arxiv}](https://arxiv.org/abs/{paper.arxiv})" * bool(paper.arxiv)
        or said
    )


def _published(fact: Published) -> str:
    errors = {"top-1 error": fact.top1, "top-5 error": fact.top5, "error": fact.error}
    shown = ", ".join(f"{name} {100 * e:.4g} %" for name, e in errors.items() if e is not None)
    return f"{fact.dataset}: {shown}" + (f" ({fact.source})" if fact.source else "")


def _with_costs(said: str, span: Span, reading: Reading) -> str:
    """The text, and what its line makes of the network that the defaults make."""
    if reading.shown is None or not said:
        return said
    place = by_line(reading.shown, reading.source).get(span.line)
    if place is None or not place.span.start <= span.start <= place.span.end:
        return said
    return f"{said}\n\nHere: {place.hint}"


def _of_search(reading: Reading, offset: int) -> Hover | None:
    for node in reading.file.walk():
        word = node.name if isinstance(node, tree.Argument) else None
        word = word or getattr(node, "callee", None) or getattr(node, "name", None)
        if isinstance(node, tree.Name):
            word = tree.Word(node.span, node.text)
        if not isinstance(word, tree.Word) or not word.span.start <= offset <= word.span.end:
            continue
        search = reading.search
        if search is not None and word.text in search.spec.knobs:
            knob = search.spec.knobs[word.text]
            return Hover(
                word.span,
                f"`{knob.name}` of `{search.spec.name}`: "
                + described.knob_words(knob)
                + (f"\n\n{knob.doc}" if knob.doc else ""),
            )
        found = described.setting(word.text, reading)
        if found is not None:
            return Hover(word.span, found.markdown)
        recipe = described.setting("train", reading)
        assert recipe is not None
        for taken in recipe.arguments:
            if taken.name == word.text:
                return Hover(word.span, f"`{taken.label}`: {taken.expected}")
    return None

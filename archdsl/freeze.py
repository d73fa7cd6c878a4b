"""A spec with its knobs decided, as text: the network that it makes, and no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import option_number
from archdsl.files import ARCH, builtin_folder
from archdsl.ir.network import Choice
from archdsl.layers.base import show_shape
from archdsl.modelcard import ModelCard, with_card, without_card
from archdsl.outputs import ELSEWHERE, unsealed, write_output
from archdsl.spec import Architecture
from archdsl.syntax import tree
from archdsl.within import Outside, within
from archdsl.writing import write_text

OTHER = "it is not the file that the spec uses"

INPUT = "it is the spec that is read, or a file that the spec uses"

Edit = tuple[int, int, str]  # characters from .. to, and what stands there instead


def freeze(arch: Architecture) -> str:
    """The text of an architecture's spec with its knobs at their values, without domains, and
    without a model card.

    Choices inside bodies are fixed by their paths; the input is what it is here. Loading the
    text gives a network of the same hash.
    """
    program = arch.spec.program
    source = arch.spec.source
    edits: list[Edit] = []
    for node in program.main.syntax.statements:
        if isinstance(node, tree.Fix) or _is_other_variant(node, arch):
            edits.append(_line(node.span))
        elif isinstance(node, tree.Input) and program.given_input(arch.network.knobs) != arch.input:
            edits.append(_edit(node.tensors[0].shape.span, show_shape(arch.input)))
    for knob in program.arch.knobs:
        name = knob.name.text
        value = arch.spec.knobs[name].show(arch.network.knobs[name])
        edits.append(_edit(knob.span, f"{name} = {value}"))
    text = source.text
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    text = without_card(unsealed(text.encode("utf-8")).decode("utf-8"))
    fixed = [f"fix {choice.path} = {_option(choice)}\n" for choice in arch.network.choices]
    if fixed:
        text = text.rstrip("\n") + "\n\n" + "".join(fixed)
    return text


def write_frozen(path: Path, arch: Architecture, card: ModelCard | None = None) -> list[Path]:
    """Writes the frozen text, with a card at its end if there is one, and beside it the files that
    the spec uses, if they are not those that come with archdsl. Gives the files beside it that are
    new.

    Raises ``ArchError`` (A008), with nothing written, where another file is in the way, where
    one of them would lie outside of the folder of ``path``, and where it would take the place of
    what it was made of.
    """
    return write_texts(path, freeze(arch), arch.spec.source.text, arch.spec.used, card)


def write_texts(
    path: Path, text: str, source: str, used: Mapping[str, str], card: ModelCard | None = None
) -> list[Path]:
    """As ``write_frozen``, of the text, of what it was made from, and of the files that it uses."""
    _check_source(path, text, [source, *used.values()])
    new = {}
    for name, other in used.items():
        try:
            target = within(path.parent, name, ARCH, f"the folder of {path}")
        except Outside as problem:
            fields = {"name": name, "reason": str(problem)}
            raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields)]) from None
        if target.resolve() == path.resolve():
            fields = {"name": str(path), "reason": "the spec uses a file of this name"}
            raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields)])
        if target.exists():
            if not _is_that(target, other):
                raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(target), reason=OTHER)])
        elif not _is_that(builtin_folder() / name, other):
            new[target] = other
    for target, other in new.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, other)
    write_output(path, text if card is None else with_card(text, card), ARCH)
    return list(new)


def check_frozen(path: Path, arch: Architecture) -> None:
    """Raises ``ArchError`` (A008) where a file has the text of the spec or of a file that it uses,
    and would lose it: its domains, its variants and its other choices. A link is followed."""
    _check_source(path, freeze(arch), [arch.spec.source.text, *arch.spec.used.values()])


def _check_source(path: Path, made: str, texts: Iterable[str]) -> None:
    if any(_is_that(path, text) for text in texts) and not _is_that(path, made):
        fields = {"name": str(path), "reason": INPUT}
        raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields, help=[ELSEWHERE])])


def _is_that(path: Path, text: str) -> bool:
    if not path.is_file():
        return False
    there = unsealed(path.read_bytes()).decode("utf-8", "replace")
    plain = unsealed(text.encode("utf-8")).decode("utf-8")
    return without_card(there) == without_card(plain)


def _is_other_variant(node: tree.Node, arch: Architecture) -> bool:
    """Whether a statement is a variant that this architecture is not."""
    if not isinstance(node, tree.Variant):
        return False
    defaults = {name: knob.default for name, knob in arch.spec.knobs.items()}
    return defaults | dict(arch.spec.variants[node.name.text].knobs) != dict(arch.network.knobs)


def _option(choice: Choice) -> str:
    """What was chosen: by its label, which other options beside it do not change, or by its
    number."""
    written = choice.options[choice.chosen]
    found = option_number(written, choice.options)
    plain = written.isascii() and written.isidentifier()
    return written if plain and found == choice.chosen else str(choice.chosen + 1)


def _line(span: Span) -> Edit:
    """Takes a statement out, with its line if it stands alone there."""
    text, start, end = span.source.text, span.start, span.end
    alone = text[:start].rpartition("\n")[2].strip() == ""
    if alone and text[end:].partition("\n")[0].strip() == "":
        start = text.rfind("\n", 0, start) + 1
        end = text.find("\n", end) + 1 or len(text)
        if text[:start].endswith("\n\n") and text[end:].startswith("\n"):
            end += 1  # of the empty lines around it, one is left
    return start, end, ""


def _edit(span: Span, text: str) -> Edit:
    return span.start, span.end, text

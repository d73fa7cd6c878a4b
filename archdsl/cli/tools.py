"""What coding agents are offered by ``archdsl mcp``: a spec as text in, JSON values or text out.

Nothing is written, and no file is read but those that come with archdsl. The work of a call has
the bounds of a command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from archdsl.budget.fitting import Aim, cost_of
from archdsl.budget.fitting import fit as fitted
from archdsl.budget.texts import read_budget, read_share
from archdsl.cli import check as checking
from archdsl.cli import explain as explaining
from archdsl.cli import fit as fitting
from archdsl.cli import summary as summing
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose, fault
from archdsl.diagnostics.render import printable, render
from archdsl.diagnostics.source import Source, Span
from archdsl.elaborate.work import Work
from archdsl.files import Bundle, Library
from archdsl.freeze import freeze
from archdsl.lint import warnings
from archdsl.pictures.mermaid import mermaid
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw as drawing
from archdsl.spec import Architecture, Spec
from archdsl.syntax import tree
from archdsl.syntax.parse import MAX_CHARACTERS

NAME = "spec.arch"  # what the text is called in messages
MOST_HANDED = 4 * MAX_CHARACTERS  # characters of all files of a call
MOST_USES = 200  # `use` of one call, also of files that were read

Text = Annotated[str, Field(description="the text of a spec in the language of archdsl")]
Knobs = Annotated[
    dict[str, str | int | float | bool] | None,
    Field(description="values of knobs; the others have their defaults"),
]
InputShape = Annotated[
    list[int] | str | None,
    Field(description="this input shape instead of the spec's, channels first, as in 3x32x32"),
]
Files = Annotated[
    dict[str, str] | None,
    Field(description="texts of the files that the spec uses, by their paths"),
]
Depth = Annotated[int, Field(description="so many levels of blocks are opened", ge=1, le=100)]
PartPath = Annotated[
    str | None, Field(description="explain this part or layer alone, as in stage2.conv1")
]
KnobName = Annotated[str | None, Field(description="say what this knob changes instead")]
Cost = Annotated[
    Literal["macs", "params", "activations", "memory"],
    Field(description="memory is that of an inference"),
]
Budget = Annotated[str, Field(description="as in 2G, 350M, 512MiB")]
Solved = Annotated[
    Annotated[list[str], Field(max_length=100)] | str,
    Field(description="the knobs that are made larger or smaller, as in width, depth"),
]
Share = Annotated[str, Field(description="how far off the budget it may be")]
Form = Annotated[
    Literal["svg", "mermaid"], Field(description="a picture, or a flowchart that is easy to read")
]


class Handed:
    """Gives what `use` names from the texts that were handed in, else from what comes with
    archdsl. So many times in one call (A403), as a text of many lines may name a file in each."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.bundle, self.library, self.read = Bundle(texts), Library(None), 0

    def __call__(self, path: str, place: Span) -> tree.File:
        self.read += 1
        if self.read > MOST_USES:
            raise fault(codes.TOO_MANY_FILES, place, limit=MOST_USES)
        return (self.bundle if path in self.bundle.texts else self.library)(path, place)


def _spec(text: str, files: Mapping[str, str] | None) -> Spec:
    texts = {printable(name): other for name, other in (files or {}).items()}
    if (size := sum(map(len, texts.values()))) > MOST_HANDED:
        expected, given = f"at most {MOST_HANDED:,} characters in all", f"{size:,}"
        fields = {"name": "files", "callee": "a call", "expected": expected, "given": given}
        raise ArchError([diagnose(codes.WRONG_ARGUMENT, fields=fields)])
    return Spec(Source(NAME, text), Handed(texts), work=Work())


def _network(
    text: str,
    knobs: Mapping[str, Any] | None,
    shape: list[int] | str | None,
    files: Mapping[str, str] | None,
) -> Architecture:
    return _spec(text, files).candidate(knobs or {}, _sides(shape))


def _sides(shape: list[int] | str | None) -> Any:
    """A shape, also where it is written as on the command line; what is none stays as it is."""
    if isinstance(shape, str) and re.fullmatch(r"\d{1,9}(x\d{1,9})*", shape.strip()):
        return [int(side) for side in shape.strip().split("x")]
    return shape


def check(spec: Text, files: Files = None) -> dict[str, Any]:
    """Say whether every candidate of a spec is a network: each assignment of its knobs that its
    requirements admit.

    `ok` is the answer. `diagnostics` are the mistakes and warnings, each with its place (lines
    and columns from 1) and help; `text` is the same to read. `space` says how much was covered
    and, where a candidate is not a network, with which knobs.
    """
    found: dict[str, Any] = {"spec": NAME, "ok": False, "proof": None, "warnings": []}
    found["complete"] = True
    try:
        parsed = _spec(spec, files)
        found |= checking.survey_space(parsed)
        if found["ok"]:
            found["warnings"] = warnings(parsed.program, found["network"].network)
    except ArchError as error:
        found["diagnostics"], found["complete"] = error.diagnostics, error.complete
    said: list[Diagnostic] = [*found["diagnostics"], *found["warnings"]]
    return {**checking.plain(found), "text": render(said)}


def summary(
    spec: Text, knobs: Knobs = None, input: InputShape = None, files: Files = None, depth: Depth = 2
) -> dict[str, Any]:
    """Tell shapes and costs of a network, part by part: parameters, multiply-adds for one image,
    memory in bytes, depth in weighted layers."""
    arch = _network(spec, knobs, input, files)
    return summing.plain(arch, summing.columns_of(arch), depth, 32, "float32")


def explain(
    spec: Text,
    knobs: Knobs = None,
    input: InputShape = None,
    files: Files = None,
    path: PartPath = None,
    knob: KnobName = None,
) -> dict[str, Any]:
    """Say what each line of a spec makes: the layers with their shapes, and what they cost. Or,
    of a knob, the costs over its values and their formulas."""
    arch = _network(spec, knobs, input, files)
    if knob is not None:
        return explaining.effect_of(arch, knob).plain()
    return {"lines": [explaining.plain(p) for p in explaining.places_of(arch, path)]}


def fit(
    spec: Text,
    cost: Cost,
    budget: Budget,
    by: Solved,
    within: Share = "2%",
    knobs: Knobs = None,
    input: InputShape = None,
    files: Files = None,
) -> dict[str, Any]:
    """Solve for the knobs whose network meets a budget; nothing is trained. `spec` is the text of
    that network, its knobs decided."""
    parsed = _spec(spec, files)
    shape = _sides(input)
    before = parsed.candidate(knobs or {}, shape)
    share, amount = read_share(parsed.program, within), read_budget(parsed.program, cost, budget)
    names = [name.strip() for name in by.split(",")] if isinstance(by, str) else by
    aim = Aim(cost, cost_of(cost), amount, tuple(names), share, given=tuple(knobs or ()))
    given = {name: value for name, value in before.knobs.items() if name in (knobs or {})}
    found = fitted(parsed, aim, given, shape)
    plain = fitting.plain(aim, before, found)
    return {**plain, "name": plain["spec"], "spec": freeze(found.found.arch)}


def draw(
    spec: Text,
    knobs: Knobs = None,
    input: InputShape = None,
    files: Files = None,
    form: Form = "svg",
    depth: Depth = 2,
) -> str:
    """Draw a network: blocks as boxes, repeats folded, branches side by side."""
    arch = _network(spec, knobs, input, files)
    if form == "mermaid":
        return mermaid(arch.network, depth)
    return svg(drawing(arch.network, arch.shown_knobs, depth=depth))


def source(spec: Text, knobs: Knobs = None, input: InputShape = None, files: Files = None) -> str:
    """The network as Python source: a module of PyTorch that needs nothing but torch."""
    return _network(spec, knobs, input, files).source()


TOOLS: tuple[Callable[..., Any], ...] = (check, summary, explain, fit, draw, source)

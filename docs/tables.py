"""Writes the parts of the documents that say what the code knows: between `generated` marks.

python docs/tables.py           # rewrites what has changed
python docs/tables.py --check   # writes nothing; fails where something would change
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from archdsl import parse
from archdsl.cli.main import COMMANDS
from archdsl.cli.output import human
from archdsl.diagnostics import codes
from archdsl.elaborate.arithmetic import MAX_LIST
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.elaborate.machine import MAX_DEPTH, MAX_SIZE
from archdsl.elaborate.patterns.fractal import MAX_COLUMNS
from archdsl.elaborate.patterns.residual import LayerOr
from archdsl.elaborate.statements import MAX_TURNS
from archdsl.elaborate.work import MAX_PIECES, MAX_STEPS, MAX_WORK
from archdsl.files import builtin_names
from archdsl.graph.written import value_text
from archdsl.layers.arguments import (
    Boolean,
    Initial,
    Number,
    NumberList,
    OneOf,
    PerAxis,
    Reader,
    SameOr,
    Sizes,
    Whole,
)
from archdsl.layers.base import Layer, Parameter, show_shape, signature
from archdsl.layers.init import FUNCTIONS as INITIALISATIONS
from archdsl.registry import BUILT_IN, REGISTRY
from archdsl.search.settings import PRUNERS, SAMPLERS
from archdsl.spec import Spec, read
from archdsl.syntax.build import MAX_DIGITS
from archdsl.syntax.nesting import MAX_BRACKETS, MAX_OPERATORS
from archdsl.syntax.parse import MAX_CHARACTERS
from archdsl.training.recipe import TABLES, Recipe
from archdsl.training.settings import Setting

ROOT = Path(__file__).parents[1]

GROUPS = {
    "convolution": "Convolutions and linear layers",
    "standardized": "Convolutions of standardised filters",
    "normalization": "Normalisation",
    "magnitude": "Normalisation by a magnitude",
    "scalar": "The same number for all elements",
    "activation": "Activations",
    "attention": "Attention",
    "tokens": "Tokens",
    "cross_attention": "Attention to other tensors",
    "pooling": "Pooling",
    "resampling": "Resampling",
    "shaping": "Moving, dropping and rearranging",
    "axes": "Axes",
    "join": "Joins",
}

# What an argument takes, in a word; the words are explained above the tables.
WORDS: dict[Reader, str] = {
    Whole(1): "count",
    Whole(0): "index",
    PerAxis(1): "size",
    PerAxis(0): "margin",
    SameOr(): "padding",
    Number(): "number",
    Number(0): "amount",
    Number(0, 1): "share",
    Boolean(): "flag",
    Initial(): "init",
    Sizes(): "shape",
    NumberList(): "numbers",
}

# A call of every built-in function; its value is worked out.
CALLS = {
    "min": "min(3, 1, 2)",
    "max": "max([3, 1, 2])",
    "round": "round(2.5)",
    "floor": "floor(2.5)",
    "ceil": "ceil(2.5)",
    "sqrt": "sqrt(1/4)",
    "log": "log(8, 2)",
    "exp": "exp(0)",
    "abs": "abs(-3)",
    "sum": "sum([3, 4, 6, 3])",
    "len": "len([3, 4, 6, 3])",
    "zip": "zip([64, 128], [3, 4])",
    "sorted": "sorted([3, 1, 2])",
    "unique": "unique([1, 2, 1])",
    "reversed": "reversed(1..3)",
}

# What the families of codes are about, as archdsl.diagnostics.codes says it.
STAGES = dict(re.findall(r"``(A\d)\.\.``\s+([^,.`]+)", codes.__doc__ or ""))


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def header(*cells: str) -> str:
    return row(*cells) + "\n" + row(*("---" for _ in cells))


def prose(text: str | None) -> str:
    """A docstring on one line, its code in single backticks, its papers as links."""
    line = " ".join((text or "").split()).replace("``", "`")
    return re.sub(r"arXiv:(\d+\.\d+)", r"[arXiv:\1](https://arxiv.org/abs/\1)", line)


def takes(reader: Reader) -> str:
    return WORDS.get(reader, reader.expected)


def argument(parameter: Parameter) -> str:
    text, reader = parameter.name, parameter.reader
    if parameter.required:
        return f"`{text}` {takes(reader)}"
    if parameter.default is None:
        return f"`{text}` {takes(reader)}, optional"
    default = parameter.default
    shown = f"{default:g}" if isinstance(default, float) else value_text(default)
    if isinstance(default, str) and "quoted" in takes(reader):
        shown = f'"{default}"'
    text = f"`{text} = {shown}`"
    if isinstance(reader, (OneOf, LayerOr)):
        others = [f"`{w}`" for w in reader.words if w != default]
        return f"{text} or {', '.join(others)}" + (
            ", or a layer" if isinstance(reader, LayerOr) else ""
        )
    return f"{text} {takes(reader)}"


def arguments(cls: type[Layer]) -> str:
    return "<br>".join(argument(p) for p in signature(cls))


def layers() -> Iterator[str]:
    for module in BUILT_IN["layers"]:
        title = GROUPS[module.rpartition(".")[2]]
        yield f"### {title}\n"
        yield header("layer", "arguments", "", "for example")
        for cls in (c for c in REGISTRY.layers.values() if c.__module__ == module):
            shown = ", after ".join((f"`{cls.name}(f)`", "`let f = shared { ... }`"))
            if not cls.is_tied:
                example = cls.examples[0]
                shapes = " and ".join(map(show_shape, example.inputs))
                shown = f"`{example.call}`: {shapes} to {show_shape(example.output)}"
            yield row(f"`{cls.name}`", arguments(cls), prose(cls.__doc__), shown)
        yield ""


def kinds() -> Iterator[str]:
    yield header("word", "what the argument takes")
    used = {p.reader for cls in REGISTRY.layers.values() for p in signature(cls)}
    for reader, word in WORDS.items():
        if reader in used:
            yield row(word, reader.expected)


def patterns() -> Iterator[str]:
    yield header("pattern", "arguments", "")
    for name, cls in REGISTRY.patterns.items():
        first = (cls.__doc__ or "").split("\n\n")[0]
        yield row(f"`{name}`", arguments(cls), prose(first))


def functions() -> Iterator[str]:
    yield header("for example", "is", "")
    for function in FUNCTIONS.values():
        call = CALLS[function.name]
        knob = parse(f"arch example(it = {call})\ninput 3x8x8\nrelu\n").knobs["it"]
        yield row(f"`{call}`", f"`{knob.show(knob.default)}`", function.doc)


def initialisations() -> Iterator[str]:
    yield header("initialisation", "PyTorch call on a weight `w`")
    for function in INITIALISATIONS.values():
        given = [_parameter(*p) for p in function.parameters]
        call = f"{function.name}({', '.join(given)})" if given else function.name
        plain = function.call.format_map({"w": "w", **{n: n for n, _ in function.parameters}})
        yield row(f"`{call}`", f"`{plain.replace(chr(34), '')}`")


def _parameter(name: str, default: float | str | None) -> str:
    if default is None:
        return name
    return f"{name} = {default if isinstance(default, str) else f'{default:g}'}"


def errors() -> Iterator[str]:
    for stage, group in groupby(codes.ALL.values(), key=lambda kind: kind.code[:2]):
        yield f"## {STAGES.get(stage, stage).capitalize()}\n"
        for kind in group:
            yield f"### {kind.code}\n"
            yield f"{escaped(kind.template)}\n"
            yield unfolded(kind.page) + "\n"
            if kind.help:
                yield f"*Help:* {unfolded(kind.advice)}\n"


def escaped(text: str) -> str:
    """The blanks of a message, `<name>`, as text: outside of code they would be tags."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;") for p in parts)


def unfolded(text: str) -> str:
    return " ".join(text.split())


def setting(parameter: Parameter) -> str:
    """An argument of a record of a search: its default may be another record."""
    default, name = parameter.default, parameter.name
    if isinstance(default, Setting):
        others = [f"`{w}`" for w in parameter.reader.words if w != default.name]
        return f"`{name} = {default.written()}`, or {', '.join(others)}"
    if default in ("", ()):
        return f"`{name}` {takes(parameter.reader)}, optional"
    return argument(parameter)


def records(kinds: Mapping[str, type[Setting]], title: str) -> Iterator[str]:
    yield header(title, "arguments", "")
    for name, cls in kinds.items():
        given = "<br>".join(setting(p) for p in signature(cls))
        yield row(f"`{name}`", given, prose((cls.__doc__ or "").split("\n\n")[0]))


def samplers() -> Iterator[str]:
    yield from records(SAMPLERS, "sampler")


def pruners() -> Iterator[str]:
    yield from records(PRUNERS, "pruner")


def data_sets() -> Iterator[str]:
    yield from records(REGISTRY.data, "data")


def recipe() -> Iterator[str]:
    yield header("setting")
    for parameter in signature(Recipe):
        yield row(setting(parameter))
    yield ""
    for name, kinds in TABLES.items():
        yield from records(kinds, name.removesuffix("s"))
        yield ""
    yield from records(REGISTRY.augmentations, "augmentation")


def recipes() -> Iterator[str]:
    yield header("recipe", "sets", "")
    for name, cls in REGISTRY.recipes.items():
        yield row(f"`{name}`", f"`{' '.join(cls.settings.split())}`", prose(cls.__doc__))


def metrics() -> Iterator[str]:
    yield header("metric", "of", "", "")
    for name, cls in REGISTRY.metrics.items():
        better = "maximize" if cls.maximize else "minimize"
        yield row(f"`{name}`", ", ".join(cls.tasks), better, prose(cls.__doc__))


def limits() -> Iterator[str]:
    yield header("at most", "of", "")
    for most, what, kind in (
        (MAX_CHARACTERS, "characters of a file", codes.FILE_TOO_LONG),
        (MAX_BRACKETS, "brackets within each other", codes.TOO_NESTED),
        (MAX_OPERATORS, "operators within each other", codes.TOO_NESTED),
        (MAX_DIGITS, "digits of a number", codes.NUMBER_TOO_LONG),
        (MAX_LIST, "items of a list", codes.LIST_TOO_LONG),
        (MAX_DEPTH, "blocks within blocks", codes.TOO_DEEP),
        (MAX_TURNS, "turns of a `repeat`", codes.TOO_MANY_TURNS),
        (MAX_COLUMNS, "columns of a fractal", codes.TOO_MANY_COLUMNS),
        (MAX_SIZE, "layers of a network", codes.TOO_LARGE),
        (MAX_PIECES, "pieces of a spec, defaults put in where they are used", codes.TOO_MUCH_WORK),
        (MAX_STEPS, "steps of a candidate: pieces that are run", codes.TOO_MUCH_WORK),
        (MAX_WORK, "steps of all candidates of a command", codes.TOO_MUCH_WORK),
    ):
        yield row(f"{most:,}", what, f"[{kind.code}](errors.md#{kind.code.lower()})")


def commands() -> Iterator[str]:
    yield header("command", "")
    for name, help in COMMANDS.items():
        yield row(f"`archdsl {name}`", help)


def zoo() -> Iterator[str]:
    yield header("spec", "paper", "variants", "parameters", "MACs")
    for name in builtin_names():
        spec = read(name)
        archs = [spec.variant(v) for v in spec.variants] or [spec.with_knobs()]
        yield row(
            f"`{name}`",
            "; ".join(papers(spec)),
            ", ".join(f"`{v}`" for v in spec.variants) or "its defaults",
            span([a.params for a in archs]),
            span([a.macs for a in archs]),
        )


def papers(spec: Spec) -> list[str]:
    found = []
    for paper in dict.fromkeys(v.paper for v in spec.variants.values()):
        if paper is None:
            continue
        names = [name.split()[-1] for name in paper.authors.split(",") if name.strip()]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        text = f"{who} {paper.year or ''}".strip() or paper.title
        found.append(f"[{text}](https://arxiv.org/abs/{paper.arxiv})" if paper.arxiv else text)
    return found


def span(counts: list[int]) -> str:
    low, high = human(min(counts)), human(max(counts))
    return low if low == high else f"{low} to {high}"


def references() -> Iterator[str]:
    """Networks of torchvision and timm, and what their weights give here."""
    known = json.loads((ROOT / "docs" / "references.json").read_text("utf-8"))

    def names(found: Mapping[str, Mapping[str, str]], package: str) -> str:
        given = found.get(package, {}).items()
        return ", ".join(f"`{n}`" if n == v else f"`{n}` (`{v}`)" for n, v in given)

    yield header("weights of", "network there (variant here, if it is called otherwise)")
    for package in ("torchvision", "timm"):
        yield row(package, names(known["equal"], package))
        yield row(f"{package}, too large to be run", names(known["equal tensors"], package))
    ordered = known["in an order"]
    yield row(f"timm, with `--order {','.join(ordered['order'])}`", names(ordered, "timm"))
    yield row("timm, refused", names(known["refused"], "timm"))
    yield ""
    yield header("network of timm", "what is another there")
    for found in known["others"].values():
        yield row(names(found, "timm"), found["why"])


PARTS: dict[str, Callable[[], Iterable[str]]] = {
    "layers": layers,
    "arguments": kinds,
    "patterns": patterns,
    "functions": functions,
    "initialisations": initialisations,
    "limits": limits,
    "errors": errors,
    "commands": commands,
    "zoo": zoo,
    "references": references,
    "samplers": samplers,
    "pruners": pruners,
    "data": data_sets,
    "recipe": recipe,
    "recipes": recipes,
    "metrics": metrics,
}
MARKED = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def rewritten(text: str) -> str:
    """A document with its generated parts as they should be."""

    def part(match: re.Match[str]) -> str:
        made = "\n".join(PARTS[match[2]]()).rstrip("\n")
        return f"{match[1]}\n{made}\n\n{match[4]}"

    return MARKED.sub(part, text)


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main(given: list[str]) -> int:
    stale = 0
    for path in documents():
        before = path.read_text("utf-8")
        after = rewritten(before)
        if after == before:
            continue
        stale += 1
        if "--check" in given:
            print(f"{path.relative_to(ROOT)} is out of step: run `python docs/tables.py`")
        else:
            path.write_text(after, "utf-8")
            print(f"{path.relative_to(ROOT)} rewritten")
    return 1 if stale and "--check" in given else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

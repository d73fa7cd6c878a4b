"""The Python of a layer of one's own, as it is shown where an operation is missing and written by
``--partial``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archdsl.importing.calls import TensorExpression
from archdsl.importing.rules import AXES, Rule, rule_of
from archdsl.layers.base import Shape

INDENT = "    "
BASE = ("Expression", "Layer", "Module", "Shape", "Steps", "Weight", "everything")
FROM = {
    "archdsl.layers.base": BASE,
    "archdsl.layers.join": ("Join",),
    "archdsl.layers.recorded": ("equal", "of_rank", "recorded"),
}
LONGEST = 88  # characters of a line


@dataclass(frozen=True, slots=True)
class CustomLayer:
    """A layer of one's own: its name, the operation, its code or why it has none, and the shapes
    that were recorded."""

    name: str
    operation: str
    code: TensorExpression | None
    rows: Mapping[tuple[Shape, ...], Shape]
    why: str = ""

    @property
    def title(self) -> str:
        """The name of the class."""
        return "".join(part.capitalize() for part in self.name.split("_") if part)

    def lines(self) -> list[str]:
        """The class."""
        code, rules = self.code, self._rules()
        several = max((len(inputs) for inputs in self.rows), default=1) > 1
        plain = re.sub(r"[^\w.]", "_", self.operation)  # a file may call it anything
        shown = plain if code is None else code.shown.replace('"', "'")  # no quote ends the text
        out = [
            f"class {self.title}({'Join' if several else 'Layer'}):",
            f'{INDENT}"""What `{shown}` computes."""'.replace("\\", "\\\\"),
            "",
            f'{INDENT}name = "{self.name}"',
        ]
        if code is not None:
            out.append(f"{INDENT}overwritable = False")
        out += self._shape(rules)
        if code is not None and code.weights:
            weights = [
                f'Weight("{name}", {shape!r}{"" if trained else ", trainable=False"}),'
                for name, shape, trained in code.weights
            ]
            out += _method("weights(self, *inputs: Shape) -> tuple[Weight, ...]", "(", weights, ")")
        if any(rule.macs for rule in rules):
            rows = zip(self.rows, rules, strict=True)
            table = [f"{inputs!r}: {rule.macs}," for inputs, rule in rows]
            head = "macs(self, inputs: tuple[Shape, ...], output: Shape) -> int"
            out += _method(head, "recorded({", table, "}, inputs, self.name)")
        if not several and not all(rule.pointwise for rule in rules):
            head = "window(self, input: Shape) -> tuple[Steps, Steps]"
            out += _method(head, "everything(input)")
        if code is None:
            out += [
                "",
                f"{INDENT}# Its PyTorch code, in a method `torch`, is for you to write: it is",
            ]
            return [*out, f"{INDENT}# `{plain}`{self.why}."]
        kind, made = _made(code)
        return [*out, *_method(f"torch(self, *inputs: Shape) -> {kind}", made)]

    def _rules(self) -> list[Rule]:
        if self.code is None:
            return [Rule(None, False, 0) for _ in self.rows]
        return [rule_of(self.code, inputs, output) for inputs, output in self.rows.items()]

    def _shape(self, rules: list[Rule]) -> list[str]:
        """The method ``shape``: the rule where all that was recorded has one, else a table."""
        head = "shape(self, *inputs: Shape) -> Shape"
        axes = rules[0].axes if rules else None
        ranks = {len(inputs[0]) for inputs in self.rows if inputs}
        if axes is None or len(ranks) != 1 or any(rule.axes != axes for rule in rules):
            table = [f"{inputs!r}: {output!r}," for inputs, output in self.rows.items()]
            return _method(head, "recorded({", table, "}, inputs, self.name)")
        rank = ranks.pop()
        checked = f"of_rank(inputs[0], {rank}, self.name)"
        if next(len(inputs) for inputs in self.rows) > 1:
            checked = f"of_rank(equal(inputs, self.name), {rank}, self.name)"
        if not axes:
            return _method(head, checked)
        used = set(re.findall(r"[a-z]", " ".join(axes)))
        names = ", ".join(name if name in used else "_" for name in AXES[rank])
        result = f"({', '.join(axes)}{',' * (len(axes) == 1)})"
        unpacked = f"{names}{',' * (rank == 1)} = {checked}"
        lines = ["", f"{INDENT}def {head}:"]
        lines += [f"{INDENT * 2}{unpacked}"] if used else [f"{INDENT * 2}{checked}"]
        return [*lines, f"{INDENT * 2}return {result}"]


def _method(head: str, result: str, table: Iterable[str] = (), end: str = "") -> list[str]:
    lines = ["", f"{INDENT}def {head}:"]
    rows = list(table)
    short = " ".join(rows)
    short = short.removesuffix(",") if len(rows) > 1 or result.endswith("{") else short
    one = f"{INDENT * 2}return {result}{short}{end}"
    if len(one) <= LONGEST or not rows:
        return [*lines, one]
    inner = [f"{INDENT * 3}{row}" for row in rows]
    return [*lines, f"{INDENT * 2}return {result}", *inner, f"{INDENT * 2}{end}"]


def _made(code: TensorExpression) -> tuple[str, str]:
    """The class and the text of what a layer's method ``torch`` gives."""
    if not code.is_module:
        return "Expression", f"Expression({_quoted(code.template)})"
    call = ast.parse(code.text, mode="eval").body
    assert isinstance(call, ast.Call), "a module is made by a call"
    given = ", ".join(f'"{k.arg}": {ast.unparse(k.value)}' for k in call.keywords)
    target = f'"{ast.unparse(call.func)}"'
    return "Module", f"Module({target}, (), {{{given}}})" if given else f"Module({target})"


def _quoted(text: str) -> str:
    return repr(text) if '"' in text or "\\" in text else f'"{text}"'


def file_text(layers: Iterable[CustomLayer], said: str = "") -> str:
    """A Python file of such layers, with the imports that they need."""
    bodies = ["\n".join(layer.lines()) for layer in layers]
    body = "\n\n\n".join(bodies)
    heads = [f'"""{said or "Layers that the language does not have."}"""', ""]
    for module, names in FROM.items():
        used = [name for name in names if re.search(rf"\b{name}\b", body)]
        if used:
            heads.append(f"from {module} import {', '.join(used)}")
    return "\n".join([*heads, "", "", body, ""])

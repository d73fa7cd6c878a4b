"""Classes that PyTorch has not: their source, taken out of the file beside a layer, whole."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.base import Expression, Layer, Module

KNOWN = {  # what an emitted file calls PyTorch, and other ways to import the same
    "math": ("import math",),
    "OrderedDict": ("from collections import OrderedDict",),
    "torch": ("import torch",),
    "F": ("import torch.nn.functional as F", "from torch.nn import functional as F"),
    "nn": ("from torch import nn", "import torch.nn as nn"),
    "Tensor": ("from torch import Tensor",),
}
FUTURE = "from __future__ import annotations"


@dataclass(frozen=True)
class Helper:
    """A class or a function that an emitted file has to define for a layer: its name, and the
    Python file that has it."""

    name: str
    file: Path
    layer: str


def helpers_of(layer: Layer, code: Module | Expression) -> frozenset[Helper]:
    """What the code of a layer needs beside PyTorch."""
    names = set(code.helpers)
    if isinstance(code, Module):
        names |= {name for name in (code.target, code.through) if name.isidentifier()}
    if not names:
        return frozenset()
    file = file_of(type(layer))
    return frozenset(Helper(name, file, layer.name) for name in names)


def file_of(layer: type[Layer]) -> Path:
    """The Python file that has the classes of a kind of layer which PyTorch has not."""
    file = Path(layer.torch.__code__.co_filename)
    return file.parent / layer.modules if layer.modules else file


@dataclass
class Definitions:
    """What an emitted file takes from others: statements by the names that they bind, and lines
    of imports by theirs."""

    statements: dict[str, str] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        return {*self.statements, *self.imports}

    @property
    def texts(self) -> list[str]:
        """The statements, each once."""
        return list(dict.fromkeys(self.statements.values()))


def definitions(helpers: Iterable[Helper], taken: Iterable[str]) -> Definitions:
    """The source of helpers, of what they use within their files, and the imports that they need.

    Raises ``ArchError`` (A608) where one is not there, needs what an emitted file cannot have, or
    where two files mean different things by one name. ``taken`` are names of the file's own.
    """
    found = Definitions()
    for helper in helpers:
        file = _read(helper)
        for name, text in file.needed(helper):
            into = found.imports if name in file.imports else found.statements
            known = into.get(name, text)
            others = found.statements if into is found.imports else found.imports
            if name in taken or name in others or known != text:
                raise _failed(helper, f"`{name}` means another thing in the file already")
            into[name] = text
    return found


def import_lines(needed: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Lines beside those that every emitted file may have: of the standard library, and others."""
    lines = sorted({line for name, line in needed.items() if line not in KNOWN.get(name, ())})
    lines = [line for line in lines if line != FUTURE]
    inner = [line for line in lines if _package(line) in sys.stdlib_module_names]
    return inner, [line for line in lines if line not in inner]


def _package(line: str) -> str:
    return line.split()[1].partition(".")[0]


# ------------------------------------------------------------------------- one file


@dataclass
class _File:
    """The top-level names of a Python file: statements that bind them, and imports."""

    path: Path
    statements: dict[str, ast.stmt]
    texts: dict[int, str]
    imports: dict[str, str]
    is_future: bool

    def needed(self, helper: Helper) -> Iterator[tuple[str, str]]:
        """The names that a helper needs with their text, in the order of the file."""
        if helper.name not in self.statements:
            raise _failed(helper, f"{self.path.name} defines no `{helper.name}`")
        wanted: set[str] = set()
        stack = [helper.name]
        while stack:
            name = stack.pop()
            if name in wanted:
                continue
            if name in self.imports:
                wanted.add(name)
                self.check(helper, name)
            elif name in self.statements:
                wanted.add(name)
                statement = self.statements[name]
                stack += [n for n, s in self.statements.items() if s is statement]
                stack += [n.id for n in ast.walk(statement) if isinstance(n, ast.Name)]
        if self.is_future:
            yield "annotations", FUTURE
        for name, line in self.imports.items():
            if name in wanted:
                yield name, line
        for name, statement in self.statements.items():
            if name in wanted:
                yield name, self.texts[id(statement)]

    def check(self, helper: Helper, name: str) -> None:
        line = self.imports[name]
        if _package(line) in ("archdsl", "") or line.startswith("from ."):
            reason = f"it needs `{line}`, which is not there without archdsl or its package"
            raise _failed(helper, reason)
        if name in KNOWN and line not in KNOWN[name] and not line.startswith(f"import {name}."):
            raise _failed(helper, f"`{name}` is what `{KNOWN[name][0]}` gives, not `{line}`")


def _read(helper: Helper) -> _File:
    try:
        text = helper.file.read_text("utf-8")
        return _parsed(helper.file, text)
    except (OSError, UnicodeDecodeError, SyntaxError) as problem:
        raise _failed(helper, f"{helper.file.name} cannot be read: {problem}") from None


@cache
def _parsed(path: Path, text: str) -> _File:
    lines = text.split("\n")
    found = _File(path, {}, {}, {}, False)
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            found.is_future = True
            found.imports["annotations"] = FUTURE
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.imports |= dict(_imported(node))
        else:
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            found.texts[id(node)] = "\n".join(lines[first - 1 : node.end_lineno])
            found.statements |= dict.fromkeys(_bound(node), node)
    return found


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        said = alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
        if isinstance(node, ast.Import):
            yield name, f"import {said}"
        else:
            yield name, f"from {'.' * node.level}{node.module or ''} import {said}"


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement of a file binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            yield part.name
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            yield from (name for name, _ in _imported(part))


def _failed(helper: Helper, reason: str) -> ArchError:
    fields = {"name": helper.name, "layer": helper.layer, "reason": reason}
    return ArchError([diagnose(codes.NO_MODULE, fields=fields)])

"""The pass that fills the table of names, over the tree of a text that may have mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from archdsl.diagnostics.model import ArchError, Fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.elaborate.side_outputs import STATEMENTS
from archdsl.layers.arguments import Reader
from archdsl.layers.base import signature
from archdsl.layers.init import FUNCTIONS as INIT_FUNCTIONS
from archdsl.layers.init import InitFunction
from archdsl.registry import REGISTRY, Registry
from archdsl.resolve.table import Definition, LexicalScope, Names, NameUse
from archdsl.syntax import tree

Load = Callable[[str, Span], tree.File]

EXPORTED = ("block", "fn")


def resolve(file: tree.File, load: Load, registry: Registry = REGISTRY) -> Names:
    """The names of a file and of those that it uses. Never fails: what `load` cannot give is
    ``missing``, what nothing defines ``unknown``."""
    return _Project(load, registry).names_of(file)


@dataclass(slots=True)
class _Project:
    """Files that are resolved together, each once."""

    load: Load
    registry: Registry
    known: dict[int, Names] = field(default_factory=dict)
    files: list[tree.File] = field(default_factory=list)  # kept, so that no other takes their id

    def names_of(self, file: tree.File) -> Names:
        found = self.known.get(id(file))
        if found is None:
            self.files.append(file)
            found = self.known[id(file)] = Names(file.span.source, LexicalScope(file.span))
            _FileResolver(self, found).file(file)
        return found


@dataclass(slots=True)
class _Scope:
    """The names of a region while it is walked, in the order in which they become known."""

    region: LexicalScope
    parent: _Scope | None = None
    names: dict[str, Definition] = field(default_factory=dict)

    def inner(self, span: Span, late: bool = False) -> _Scope:
        region = LexicalScope(span, self.region, late)
        self.region.inner.append(region)
        return _Scope(region, self)

    def lookup(self, name: str) -> Definition | None:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


class _FileResolver:
    """Walks one file as the compiler does: in the order of the text, bodies of blocks and
    functions at the end, when all names of the file are known."""

    def __init__(self, project: _Project, names: Names) -> None:
        self.project = project
        self.registry = project.registry
        self.names = names
        self.top = _Scope(names.root)
        self.later: list[Callable[[], None]] = []

    def file(self, file: tree.File) -> None:
        for node in file.statements:
            if isinstance(node, tree.Use):
                self.use(node)
            elif isinstance(node, (tree.Block, tree.Fn)):
                self.callable(node, self.top, seen_from=0)
        for node in file.statements:
            if not isinstance(node, (tree.Use, tree.Block, tree.Fn)):
                self.statement(node, self.top)
        for finish in self.later:
            finish()

    # ------------------------------------------------------------------ definitions

    def define(
        self,
        word: tree.Word,
        kind: str,
        whole: Span,
        scope: _Scope | None = None,
        seen_from: int | None = None,
        parameters: tuple[Definition, ...] = (),
        of: Definition | None = None,
    ) -> Definition:
        """Adds a definition, to a scope if expressions see it. A word without a place is that of
        something that is missing, and defines nothing."""
        made = Definition(word.text, kind, word.span, whole, parameters, of)
        if word.text.isidentifier():
            self.names.definitions.append(made)
            if scope is not None:
                self.show(made, scope, whole.end if seen_from is None else seen_from)
        return made

    def show(self, definition: Definition, scope: _Scope, seen_from: int) -> None:
        scope.names[definition.name] = definition
        scope.region.names.append((seen_from, definition))

    def callable(
        self, node: tree.Block | tree.Fn, scope: _Scope, seen_from: int | None = None
    ) -> None:
        """A block or a function; its body is walked at the end."""
        kind = "block" if isinstance(node, tree.Block) else "fn"
        parameters = tuple(
            Definition(p.name.text, "parameter", p.name.span, p.span) for p in node.parameters
        )
        self.define(node.name, kind, node.span, scope, seen_from, parameters)

        def walk() -> None:
            inner = scope.inner(node.span, late=True)
            for parameter in parameters:
                self.names.definitions.append(parameter)
                self.show(parameter, inner, node.span.start)
            for written, parameter in zip(node.parameters, parameters, strict=True):
                if written.default is not None:  # it may have the name of one around
                    own = inner.names.pop(parameter.name)
                    self.visit(written.default, inner)
                    inner.names[parameter.name] = own
            if isinstance(node, tree.Block):
                self.statements(node.body, inner)
            else:
                self.visit(node.value, inner)

        self.later.append(walk)

    def use(self, node: tree.Use) -> None:
        path = str(node.path.value)
        exported: dict[str, Definition] = {}
        try:
            library = self.project.names_of(self.project.load(path, node.path.span))
        except (Fault, ArchError):
            pass
        else:
            if library is not self.names:
                self.names.used[path] = library
                found = [d for _, d in library.root.names if d.kind in EXPORTED]
                exported = {d.name: d for d in found if d.span.source is library.source}
        if not node.names:
            for definition in exported.values():
                self.show(definition, self.top, 0)
        for wanted in node.names:
            meant = exported.get(wanted.name.text)
            self.note(wanted.name, "unknown" if meant is None else "name", meant)
            if meant is None:
                word = wanted.alias or wanted.name
                self.define(word, "missing", wanted.span, self.top, 0)
            elif wanted.alias is None:
                self.show(meant, self.top, 0)
            else:
                self.define(
                    wanted.alias, "alias", wanted.span, self.top, 0, meant.parameters, of=meant
                )

    # ------------------------------------------------------------------------ uses

    def note(
        self, word: tree.Word | tree.Name, kind: str, definition: Definition | None = None
    ) -> None:
        if word.text:
            self.names.uses.append(NameUse(word.text, word.span, kind, definition))

    def name(
        self, word: tree.Word | tree.Name, scope: _Scope, words: Sequence[str] = ()
    ) -> Definition | None:
        """Notes what a name means: the user's names come before the words of an argument, and
        those before built-ins."""
        found = scope.lookup(word.text)
        kind = "name"
        if found is None:
            kind = "word" if word.text in words else self.built_in(word.text)
        self.note(word, kind, found)
        return found

    def built_in(self, name: str) -> str:
        if name in self.registry.layers:
            return "layer"
        if name in self.registry.patterns:
            return "pattern"
        return "function" if name in FUNCTIONS or name in INIT_FUNCTIONS else "unknown"

    def argument_words(self, callee: str) -> dict[str, Sequence[str]]:
        """The arguments of what is built in, in their order, and the words that they understand."""
        cls = {**self.registry.patterns, **STATEMENTS}.get(callee, self.registry.layers.get(callee))
        if cls is not None:
            readers: dict[str, Reader] = {p.name: p.reader for p in signature(cls)}
            return {name: reader.words for name, reader in readers.items()}
        if callee in INIT_FUNCTIONS:
            parameters = INIT_FUNCTIONS[callee].parameters
            return {name: InitFunction.words.get(name, ()) for name, _ in parameters}
        return {}

    def arguments(
        self,
        callee: str,
        arguments: tuple[tree.Argument, ...],
        scope: _Scope,
        parameters: Sequence[Definition] | None,
    ) -> None:
        """The arguments of a call. ``parameters`` are those of a user's block or function,
        nothing where the callee is built in."""
        words = self.argument_words(callee) if parameters is None else {}
        places = list(words)
        own = {p.name: p for p in parameters or ()}
        for place, argument in enumerate(arguments):
            key = places[place] if place < len(places) else ""
            if argument.name is not None:
                key = argument.name.text
                if key in own:
                    self.note(argument.name, "name", own[key])
                else:
                    known = key in words or (parameters is None and not words)
                    self.note(argument.name, "argument" if known else "unknown")
            value = argument.value
            if isinstance(value, tree.Name):
                self.name(value, scope, words.get(key, ()))
            else:
                self.visit(value, scope)

    def call(self, node: tree.Call, scope: _Scope) -> None:
        found = self.name(node.callee, scope)
        parameters: Sequence[Definition] | None = None
        if found is not None and found.target.kind in EXPORTED:
            parameters = found.target.parameters
        callee = "" if found is not None else node.callee.text
        self.arguments(callee, node.arguments, scope, parameters)
        pattern = self.registry.patterns.get(callee)
        if node.qualifier is not None and node.qualifier.text in self.registry.layers.joins:
            self.note(node.qualifier, "layer")
        if node.body is None:
            return
        inner = self.counted(node.turn, node.body, scope)
        for statement in node.body.statements:
            (self.arm if pattern is not None and pattern.arms else self.statement)(statement, inner)

    # ------------------------------------------------------------------- statements

    def statements(self, body: tree.Body, scope: _Scope) -> None:
        for node in body.statements:
            self.statement(node, scope)

    def arm(self, node: tree.Node, scope: _Scope) -> None:
        """A statement of a branch: what one arm keeps, no other sees."""
        if isinstance(node, tree.Labelled):
            self.define(node.label, "label", node.span)
            self.arm(node.statement, scope)
        elif isinstance(node, (tree.Let, tree.Require, tree.For, tree.If, tree.Repeat)):
            self.statement(node, scope)
        else:
            self.statement(node, scope.inner(node.span))

    def statement(self, node: tree.Node, scope: _Scope) -> None:
        kind = type(node)
        if isinstance(node, tree.Let):
            self.visit(node.value, scope)
            for word in node.targets:
                self.define(word, "let", node.span, scope)
        elif isinstance(node, tree.Kept):
            self.statement(node.statement, scope)
            self.define(node.name, "tensor", node.span, scope)
        elif isinstance(node, tree.Labelled):
            self.labelled(node, scope)
        elif isinstance(node, (tree.For, tree.Repeat)):
            self.loop(node, scope)
        elif isinstance(node, tree.Input):
            for tensor in node.tensors:
                self.arguments("input", tensor.arguments, scope, None)
                self.visit(tensor.shape, scope)
                if tensor.name is not None:
                    self.define(tensor.name, "tensor", tensor.span, scope)
        elif isinstance(node, tree.Output):
            self.define(node.name, "output", node.span)
            self.arguments("output", node.arguments, scope, None)
            self.statements(node.body, scope.inner(node.body.span))
        elif isinstance(node, tree.Default):
            found = self.name(node.callee, scope)
            parameters = None if found is None else found.target.parameters
            self.arguments(node.callee.text, node.arguments, scope, parameters)
        elif isinstance(node, (tree.Block, tree.Fn)):  # in the wrong place
            self.callable(node, scope)
        elif isinstance(node, tree.Arch):
            self.header(node, scope)
        elif isinstance(node, tree.Require):
            costs = tuple(self.registry.static_costs)
            for part in node.condition.walk():
                if not isinstance(part, tree.Name) or part.text not in costs:
                    continue
                if scope.lookup(part.text) is None:
                    self.note(part, "cost")
            self.visit(node.condition, scope, costs)
        elif isinstance(node, tree.Variant):
            self.variant(node)
        elif isinstance(node, (tree.Paper, tree.Published)):
            for fact in node.facts:
                self.visit(fact.value, scope)
        elif kind not in (tree.Fix, tree.Use):
            self.visit(node, scope)

    def labelled(self, node: tree.Labelled, scope: _Scope) -> None:
        self.define(node.label, "label", node.span)
        statement = node.statement
        if isinstance(statement, tree.Kept):  # its name is for what follows the part
            self.statement(statement.statement, scope.inner(node.span))
            self.define(statement.name, "tensor", node.span, scope)
        else:
            self.statement(statement, scope.inner(node.span))

    def loop(self, node: tree.For | tree.Repeat, scope: _Scope) -> None:
        self.visit(node.items if isinstance(node, tree.For) else node.count, scope)
        inner = self.counted(node.turn, node.body, scope)
        for word in node.targets if isinstance(node, tree.For) else ():
            self.define(word, "item", node.span, inner, node.body.span.start)
        self.statements(node.body, inner)

    def counted(self, turn: tree.Word | None, body: tree.Body, scope: _Scope) -> _Scope:
        inner = scope.inner(body.span)
        if turn is not None:
            self.define(turn, "turn", turn.span, inner, body.span.start)
        return inner

    def header(self, node: tree.Arch, scope: _Scope) -> None:
        self.define(node.name, "arch", node.span)
        for knob in node.knobs:
            self.visit(knob.default, scope)
            if knob.domain is not None:
                self.visit(knob.domain, scope)
            self.define(knob.name, "knob", knob.span, scope)

    def variant(self, node: tree.Variant) -> None:
        """Its values are worked out with all names of the file."""
        self.define(node.name, "variant", node.span)

        def walk() -> None:
            for argument in node.arguments:
                if argument.name is not None:
                    knob = self.top.names.get(argument.name.text)
                    if knob is not None and knob.kind != "knob":
                        knob = None
                    self.note(argument.name, "unknown" if knob is None else "name", knob)
                self.visit(argument.value, self.top)
            for fact in node.facts:
                self.statement(fact, self.top)

        self.later.append(walk)

    # ------------------------------------------------------------------ expressions

    def visit(self, node: tree.Node, scope: _Scope, noted: Sequence[str] = ()) -> None:
        """An expression, a chain or a body. ``noted`` are names that have been seen to, unless
        something defines them."""
        if isinstance(node, tree.Name):
            if node.text not in noted or scope.lookup(node.text):
                self.name(node, scope)
        elif isinstance(node, tree.Call):
            self.call(node, scope)
        elif isinstance(node, tree.Comprehension):
            inner = scope.inner(node.span)
            for clause in node.clauses:
                self.visit(clause.items, inner, noted)
                for word in clause.targets:
                    self.define(word, "item", clause.span, inner, node.span.start)
                if clause.condition is not None:
                    self.visit(clause.condition, inner, noted)
            self.visit(node.item, inner, noted)
        elif isinstance(node, tree.Body):
            self.statements(node, scope.inner(node.span))
        elif isinstance(node, tree.If):
            for condition in node.conditions:
                self.visit(condition, scope)
            for body in (*node.bodies, *([node.otherwise] if node.otherwise else [])):
                self.statements(body, scope.inner(body.span))
        elif isinstance(node, tree.Arm):
            for pattern in node.patterns:
                if not (isinstance(pattern, tree.Name) and pattern.text == "_"):
                    self.visit(pattern, scope, noted)
            self.visit(node.value, scope, noted)
        elif isinstance(node, (tree.Let, tree.Kept, tree.Labelled, tree.For, tree.Repeat)):
            self.statement(node, scope)
        else:
            for child in node.children():
                self.visit(child, scope, noted)

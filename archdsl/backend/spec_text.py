"""What the backend reads in the spec's own text: doc comments, and which statement a step
belongs to. Line breaks are no part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archdsl.diagnostics.source import Span
from archdsl.syntax import tree

STATEMENTS = (tree.Apply, tree.Labelled, tree.Kept, tree.Output, tree.Let, tree.Fn)
LAYERS = (tree.Call, tree.Chain, tree.Name, tree.Body)
Place = tuple[str, int, int]


class Written:
    """The files of a spec, by place: the trees are walked when first asked for."""

    def __init__(self, files: Iterable[tree.File]) -> None:
        self.files = {file.span.source.name: file for file in files}
        self.starts: dict[str, dict[tuple[int, int], int]] = {}
        self.calls: dict[str, dict[tuple[int, int], tree.Call]] = {}
        self.names: dict[str, dict[int, str]] = {}  # of tensors, by the end of their statement
        self.with_lets: dict[int, bool] = {}  # whether a block has a `let`

    def doc(self, node: tree.Node) -> str:
        """The ``##`` comment above a block, or an empty text."""
        file = self.files.get(node.span.source.name)
        return "" if file is None else file.doc(node)

    def kept_as(self, span: Span) -> str:
        """The name under which the spec keeps the result of the layer at this place: that of
        the last layer of ``... as name``."""
        name = span.source.name
        known = self.names.get(name)
        if known is None:
            file = self.files.get(name)
            nodes = [] if file is None else list(file.walk())
            kept = [node for node in nodes if isinstance(node, tree.Kept)]
            known = {_end(k.statement): k.name.text for k in kept}
            parts = [node.statement for node in nodes if isinstance(node, tree.Labelled)]
            known |= {k.span.end: k.name.text for k in parts if isinstance(k, tree.Kept)}
            self.names[name] = known
        return known.get(span.end, "")

    def call(self, span: Span) -> tree.Call | None:
        """The call that stands at this place."""
        name = span.source.name
        known = self.calls.get(name)
        if known is None:
            file = self.files.get(name)
            nodes = () if file is None else file.walk()
            calls = [node for node in nodes if isinstance(node, tree.Call)]
            known = {(c.span.start, c.span.end): c for c in calls}
            for c in calls:  # what a pattern makes stands where its name does
                if c.body is not None:
                    known.setdefault((c.callee.span.start, c.callee.span.end), c)
            self.calls[name] = known
        return known.get((span.start, span.end))

    def given(
        self, span: Span, names: Sequence[str], block: tree.Block | None, called: str = ""
    ) -> dict[str, tree.Node]:
        """What a call at a place of a block is given, there or by a `default` that is in force, by
        the ``names`` of what it calls. A layer that a pattern makes stands where its name does:
        then it is ``called`` something else."""
        found: dict[str, tree.Node] = {}
        for node in (*self.defaults(span, block, called), self.call(span)):
            has_body = isinstance(node, tree.Call) and node.body is not None
            for place, argument in enumerate(() if node is None else node.arguments):
                if argument.name is None and (place >= len(names) or has_body):
                    continue
                name = names[place] if argument.name is None else argument.name.text
                found[name] = argument.value
        return found

    def first(self, span: Span, block: tree.Block | None) -> tree.Node | None:
        """The first argument of a call with a body, there or by a `default`: how often it is."""
        call, found = self.call(span), None
        for node in (*self.defaults(span, block), call):
            if node is not None and node.arguments and node.arguments[0].name is None:
                found = node.arguments[0].value
        return found

    def defaults(
        self, span: Span, block: tree.Block | None, called: str = ""
    ) -> list[tree.Default]:
        """The `default`s that are in force for the layer or call at a place of a block: those of
        the file that speak of no name of the block, and those of the bodies around it. What a
        `default` makes itself is made where it is used, after all others."""
        if block is None or not stands_in(span, block):
            return []
        node = self.call(span)
        words = {span.text if node is None else node.callee.text, called}
        path = list(around(block.body, span))
        late = any(isinstance(inside, tree.Default) for inside in path)
        found = []
        for inside in (self.files[span.source.name], *path):
            for statement in (
                inside.statements if isinstance(inside, (tree.Body, tree.File)) else ()
            ):
                if not isinstance(statement, tree.Default) or statement.callee.text not in words:
                    continue
                of_file = isinstance(inside, tree.File)
                if of_file and (
                    statement.span.start > block.span.start or _names(statement, block)
                ):
                    continue
                if late or statement.span.end <= span.start:
                    found.append(statement)
        return found

    def node(self, span: Span) -> tree.Node | None:
        """The layer expression that stands at this place."""
        file = self.files.get(span.source.name)
        places = (n for n in (() if file is None else file.walk()) if n.span == span)
        return next((n for n in places if isinstance(n, LAYERS)), None)

    def let(self, name: tree.Name, block: tree.Block | None) -> tree.Node | None:
        """The statement that gives a name where it is used: a `let`, a loop, ``... as name``.
        Nothing for a parameter of the block, or a name of the header."""
        file = self.files[name.span.source.name]
        inside: tree.Node = file if block is None else block.body
        found: tree.Node | None = None
        while True:
            statements = inside.statements if isinstance(inside, (tree.Body, tree.File)) else ()
            for node in statements:
                if node.span.end <= name.span.start and name.text in _given(node):
                    found = node
            within = [n for n in inside.children() if _covers(n, name)]
            if not within:
                break
            inside = within[0]
            loop = isinstance(inside, (tree.For, tree.Repeat, tree.Comprehension))
            if loop and name.text in _given(inside):
                found = inside
        if found is None and block is not None:
            if any(p.name.text == name.text for p in block.parameters):
                return None
            for node in file.statements:
                if name.text in _given(node):
                    found = node
        return found

    def bodies_around(
        self, span: Span, block: tree.Block | None
    ) -> list[tuple[tree.If | tree.Ternary, int]]:
        """The conditions that a place in a block stands under, the outermost first: each with
        which of its bodies it is in."""
        found: list[tuple[tree.If | tree.Ternary, int]] = []
        if block is None or block.span.source is not span.source:
            return found
        inside: tree.Node | None = block.body
        while inside is not None:
            bodies: tuple[tree.Node, ...] = ()
            if isinstance(inside, tree.If):
                last = () if inside.otherwise is None else (inside.otherwise,)
                bodies = (*inside.bodies, *last)
            elif isinstance(inside, tree.Ternary):
                bodies = (inside.then, inside.otherwise)
            for number, body in enumerate(bodies):
                if holds(body, span) and isinstance(inside, (tree.If, tree.Ternary)):
                    found.append((inside, number))
            inside = next((n for n in inside.children() if holds(n, span)), None)
        return found

    def loops_around(self, span: Span, block: tree.Block | None) -> list[tree.For | tree.Repeat]:
        """The loops of a block that a place is within the bodies of, the outermost first."""
        if block is None or block.span.source is not span.source:
            return []
        nodes = around(block.body, span)
        return [n for n in nodes if isinstance(n, (tree.For, tree.Repeat)) and holds(n.body, span)]

    def lets_before(self, span: Span, block: tree.Block | None) -> Iterator[tree.Let]:
        """The `let`s right before the statement that a place belongs to, out of loops."""
        if block is None or block.span.source is not span.source or not self.has_lets(block):
            return
        for node in around(block.body, span):
            if isinstance(node, (tree.For, tree.Repeat)):
                return
            if isinstance(node, tree.Body):
                place = next((i for i, s in enumerate(node.statements) if holds(s, span)), 0)
                while place and isinstance(let := node.statements[place - 1], tree.Let):
                    yield let
                    place -= 1

    def has_lets(self, block: tree.Block) -> bool:
        """Whether a `let` stands anywhere in a block."""
        known = self.with_lets.get(id(block))
        if known is None:
            nodes: list[tree.Node] = [block.body]
            known = False
            while nodes and not known:
                node = nodes.pop()
                known = isinstance(node, tree.Let)
                nodes.extend(node.children())
            self.with_lets[id(block)] = known
        return known

    def is_first(self, let: tree.Let, block: tree.Block) -> bool:
        """Whether nothing has been applied yet in its block where a `let` stands."""
        for node in block.body.statements:
            if node is let:
                return True
            if not isinstance(node, (tree.Let, tree.Require, tree.Default)):
                return False
        return False

    def statement(self, span: Span) -> int:
        """Where the statement begins that a layer of this place belongs to: the innermost one
        around it."""
        name = span.source.name
        known = self.starts.get(name)
        if known is None:
            file = self.files.get(name)
            known = {} if file is None else dict(_places(file))
            self.starts[name] = known
        return known.get((span.start, span.end), span.start)


JOINED = ("branch", "residual")  # of these the joining step comes last, at the place of the word


def _end(statement: tree.Node) -> int:
    """The end of the place of the last layer that a statement applies."""
    last = statement.chain if isinstance(statement, tree.Apply) else statement
    while isinstance(last, tree.Chain):
        last = last.links[-1]
    joins = isinstance(last, tree.Call) and last.body is not None and last.callee.text in JOINED
    return last.callee.span.end if joins and isinstance(last, tree.Call) else statement.span.end


def _places(file: tree.File) -> Iterator[tuple[tuple[int, int], int]]:
    """Every node of a file with the start of its statement."""
    stack: list[tuple[tree.Node, int | None]] = [(file, None)]
    while stack:
        node, start = stack.pop()
        if isinstance(node, tree.Body):
            start = None
        elif start is None and isinstance(node, STATEMENTS):
            start = node.span.start
        if start is not None:
            yield (node.span.start, node.span.end), start
        stack.extend((child, start) for child in node.children())


def around(body: tree.Node, span: Span) -> Iterator[tree.Node]:
    """The nodes around a place, from a body inwards."""
    inside: tree.Node | None = body
    while inside is not None:
        yield inside
        inside = next((n for n in inside.children() if holds(n, span)), None)


def holds(node: tree.Node, span: Span) -> bool:
    return node.span.start <= span.start and span.end <= node.span.end


def stands_in(span: Span, block: tree.Block | None) -> bool:
    """Whether a place is in the text of a block: what is handed in speaks of other names."""
    return block is not None and block.span.source is span.source and holds(block, span)


def _names(statement: tree.Default, block: tree.Block) -> bool:
    """Whether a `default` of the file speaks of something that is called as a parameter of a block
    is: there that name means another thing."""
    own = {p.name.text for p in block.parameters}
    return any(isinstance(n, tree.Name) and n.text in own for n in statement.walk())


def _covers(node: tree.Node, inner: tree.Node) -> bool:
    return node.span.start <= inner.span.start and inner.span.end <= node.span.end


def _given(node: tree.Node) -> set[str]:
    """The names that a statement gives."""
    if isinstance(node, tree.Let):
        return {t.text for t in node.targets}
    if isinstance(node, tree.Kept):
        return {node.name.text}
    if isinstance(node, tree.Comprehension):
        return {t.text for clause in node.clauses for t in clause.targets}
    if isinstance(node, (tree.For, tree.Repeat)):
        turn = {node.turn.text} if node.turn is not None else set()
        return turn | ({t.text for t in node.targets} if isinstance(node, tree.For) else set())
    return set()


def word_of(node: tree.Node) -> str:
    """What a name or a text says; nothing where it is neither."""
    if isinstance(node, tree.Name):
        return node.text
    return node.value if isinstance(node, tree.Literal) and isinstance(node.value, str) else ""

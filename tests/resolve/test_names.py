"""The table of names: what is defined, what each use means, and what can be seen where."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics.source import Source, Span
from archdsl.elaborate.code import BlockCode, FnCode
from archdsl.elaborate.scope import Scope, Variable
from archdsl.files import Bundle, Library, builtin_folder, builtin_names, read_source
from archdsl.resolve.rename import rename
from archdsl.resolve.resolver import resolve
from archdsl.resolve.table import Definition, Names, NameUse
from archdsl.syntax import tree
from archdsl.syntax.parse import parse, read_tree

Place = tuple[str, int]


def place(span: Span) -> Place:
    return span.source.name, span.start


@contextmanager
def seen_by_the_compiler() -> Iterator[dict[Place, tuple[str, Place | None]]]:
    """What each name means to what is elaborated: where it is defined, or nothing."""
    found: dict[Place, tuple[str, Place | None]] = {}

    def note(node: tree.Node, scope: Scope) -> None:
        word = node.callee if isinstance(node, tree.Call) else node
        if not isinstance(word, (tree.Name, tree.Word)):
            return
        entry = scope.lookup(word.text)
        known = isinstance(entry, (Variable, BlockCode, FnCode))
        found[place(word.span)] = word.text, place(entry.span) if known and entry else None

    with pytest.MonkeyPatch.context() as patch:
        for name in ("value", "action"):
            kept = getattr(Scope, name)

            def noted(scope: Scope, node: tree.Node, kept: object = kept) -> object:
                note(node, scope)
                return kept(scope, node)  # type: ignore[operator]

            patch.setattr(Scope, name, noted)
        yield found


def agree(text: str, name: str, folder: Path | None = None) -> int:
    """How many names mean the same to the table and to the compiler, which has to be all."""
    with seen_by_the_compiler() as compiled:
        archdsl.Spec(Source(name, text), Library(folder))
    names = resolve(parse(Source(name, text)), Library(folder))
    uses = {place(u.span): u for table in names.files() for u in table.uses}
    for where, (word, defined) in compiled.items():
        use = uses[where]
        assert use.name == word
        if use.kind == "cost":  # to the compiler it is a name that the `require` defines
            continue
        meant = None if use.definition is None else place(use.definition.target.span)
        assert meant == defined, (where, word)
        assert use.kind != "unknown"
    return len(compiled)


@pytest.mark.parametrize("name", builtin_names())
def test_each_name_of_a_spec_means_what_elaboration_takes_it_for(name: str) -> None:
    source, folder = read_source(name)
    assert agree(source.text, source.name, folder) > 5


@pytest.mark.parametrize("path", sorted(builtin_folder().glob("*/*.arch")), ids=lambda p: p.stem)
def test_and_of_the_library(path: Path) -> None:
    text = path.read_text("utf-8") + "\narch all\ninput 8x32x32\nrelu\n"
    assert agree(text, path.name, builtin_folder()) > 1


TEXT = """arch net(width = 16 in 8..32, act = relu in {relu, silu})
input 3x32x32
default conv(bias = false, init = kaiming_normal(fan_out))
let deep = width > 16
fn twice(n, more = n) = 2 * more
block unit(c, width = width) {
  let inner = c + later
  conv(inner, 3, border = reflect) -> bn -> act
  residual { conv(twice(n = c), 3) as kept; kept -> relu }
}
let later = 4
for (n, c) in [(i, width) for i in 1..2 if i != width] as turn { stage: unit(c, width = n + turn) }
branch concat {
  conv(4, 1) as one
  side: conv(8, 1)
}
require macs < 1G
variant wide(width = 32)
output aux(weight = 0.3) { linear(2) }
linear(10)
"""


def table(text: str = TEXT, texts: dict[str, str] | None = None) -> Names:
    return resolve(read_tree(Source("x.arch", text)).file, Bundle(texts or {}))


def offset(text: str, number: int = 1, within: str = TEXT) -> int:
    found = -1
    for _ in range(number):
        found = within.index(text, found + 1)
    return found


def test_all_of_it_means_what_it_means_to_the_compiler() -> None:
    assert agree(TEXT, "x.arch") == 34


def test_what_is_defined() -> None:
    kinds: dict[str, list[str]] = {}
    for definition in table().definitions:
        kinds.setdefault(definition.kind, []).append(definition.name)
    assert kinds == {
        "arch": ["net"],
        "knob": ["width", "act"],
        "let": ["deep", "later", "inner"],
        "fn": ["twice"],
        "block": ["unit"],
        "parameter": ["n", "more", "c", "width"],
        "item": ["i", "n", "c"],
        "turn": ["turn"],
        "label": ["stage", "side"],
        "tensor": ["one", "kept"],
        "variant": ["wide"],
        "output": ["aux"],
    }


def test_what_the_built_in_names_are() -> None:
    kinds: dict[str, set[str]] = {}
    for use in table().uses:
        kinds.setdefault(use.kind, set()).add(use.name)
    names = kinds.pop("name")
    assert names >= {"width", "act", "unit", "twice", "later", "kept", "n", "c"}
    assert kinds == {
        "layer": {"conv", "bn", "relu", "silu", "concat", "linear"},
        "pattern": {"residual", "branch"},
        "function": {"kaiming_normal"},
        "word": {"fan_out", "reflect"},
        "argument": {"bias", "init", "border", "weight"},
        "cost": {"macs"},
    }


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (offset("width > 16"), 1),
        (offset("width = width)"), 6),  # the parameter itself
        (offset("width = width)") + len("width = "), 1),  # the knob, as a default's own name
        (offset("later"), 11),  # given below, and seen by a body all the same
        (offset("n = c)"), 5),  # a parameter's name in a call
        (offset("kept -> relu"), 9),
        (offset("width = n + turn"), 6),
        (offset("n + turn"), 12),
        (offset("width = 32)"), 1),
    ],
)
def test_going_to_a_definition(at: int, line: int) -> None:
    definition = table().definition_at(at)
    assert definition is not None and definition.span.line == line


def test_references() -> None:
    names = table()
    knob = names.definition_at(offset("width"))
    assert knob is not None and knob.kind == "knob"
    assert [span.place.split(":")[1] for span in names.references(knob)] == [
        "1", "4", "12", "12", "6", "18",
    ]  # fmt: skip


def test_what_can_be_completed() -> None:
    names = table()
    top = {"width", "act", "twice", "unit"}
    assert set(names.visible(offset("let deep"))) == top
    assert set(names.visible(offset("branch"))) == top | {"deep", "later"}
    assert set(names.visible(offset("conv(inner"))) == top | {"c", "deep", "later", "inner"}
    assert names.visible(offset("conv(inner"))["width"].kind == "parameter"
    assert set(names.visible(offset("unit(c, w", 2))) == top | {"deep", "later", "n", "c", "turn"}
    assert "one" not in names.visible(offset("conv(8, 1)")), "an arm sees nothing of another"
    assert "one" not in names.visible(offset("linear(10)"))


BROKEN = """arch net(width = 16)
input 3x32x32
block unit(c) {
  let half = c / 2
  conv(half, 3
  bn ->
  conv(half, 1)
}
let after = width
unit(wid
unit(after) -> unknown_one
"""


def test_a_text_with_mistakes_has_a_table() -> None:
    assert len(read_tree(Source("x.arch", BROKEN)).found) >= 2
    names = table(BROKEN)
    assert [d.name for d in names.definitions] == ["unit", "net", "width", "after", "c", "half"]
    use = names.at(offset("half, 1", within=BROKEN))
    assert isinstance(use, NameUse) and use.definition is not None
    assert use.definition.span.line == 4
    assert set(names.visible(offset("unit(wid", within=BROKEN) + 8)) == {"unit", "width", "after"}
    assert [u.name for u in names.uses if u.kind == "unknown"] == ["unknown_one"]


def test_every_piece_of_a_text_has_a_table() -> None:
    for end in range(len(TEXT)):
        names = table(TEXT[:end])
        for at in (0, end):
            names.visible(at)
            names.at(at)


USED = {
    "lib/a.arch": 'use "lib/b.arch": base as ground\nblock one(c) { ground(c) }\nfn f(n) = n\n',
    "lib/b.arch": "block base(c) { conv(c, 3) }\n",
}
USING = 'arch net\nuse "lib/a.arch": one, f as g, gone\ninput 3x8x8\none(c = g(4)) -> gone\n'


def test_names_of_other_files() -> None:
    names = table(USING, USED)
    assert sorted(t.source.name for t in names.files()) == ["lib/a.arch", "lib/b.arch", "x.arch"]
    kinds = {d.name: d.kind for d in names.definitions}
    assert kinds == {"net": "arch", "g": "alias", "gone": "missing"}
    one = names.definition_at(offset("one(c", within=USING))
    assert isinstance(one, Definition) and one.span.place == "lib/a.arch:2:7"
    places = [span.place for span in names.references(one)]
    assert places == ["lib/a.arch:2:7", "x.arch:2:19", "x.arch:4:1"]
    given = names.definition_at(offset("c = g", within=USING))
    assert given is not None and given.span.place == "lib/a.arch:2:11"
    alias = names.definition_at(offset("g(4)", within=USING))
    assert alias is not None and alias.target.span.place == "lib/a.arch:3:4"
    ground = names.used["lib/a.arch"].definition_at(offset("ground(c", within=USED["lib/a.arch"]))
    assert ground is not None and ground.target.span.place == "lib/b.arch:1:7"


def renamed(text: str, at: int, new: str, texts: dict[str, str] | None = None) -> dict[str, str]:
    made = {"x.arch": text, **(texts or {})}
    for span, word in sorted(
        rename(table(text, texts), at, new), key=lambda e: e[0].start, reverse=True
    ):
        old = made[span.source.name]
        made[span.source.name] = old[: span.start] + word + old[span.end :]
    return made


def test_renaming_a_knob() -> None:
    text = renamed(TEXT, offset("width"), "wide_of")["x.arch"]
    assert "arch net(wide_of = 16 in 8..32" in text
    assert "let deep = wide_of > 16" in text
    assert "block unit(c, width = wide_of)" in text, "the parameter keeps its name"
    assert "variant wide(wide_of = 32)" in text
    assert "unit(c, width = n + turn)" in text
    assert archdsl.parse(text).with_knobs().hash == archdsl.parse(TEXT).with_knobs().hash


def test_renaming_across_files() -> None:
    made = renamed(USING, offset("one(c", within=USING), "first", USED)
    assert made["x.arch"].splitlines()[1:] == [
        'use "lib/a.arch": first, f as g, gone',
        "input 3x8x8",
        "first(c = g(4)) -> gone",
    ]
    assert "block first(c) { ground(c) }" in made["lib/a.arch"]
    made = renamed(USING, offset("g(4", within=USING), "h", USED)
    assert "f as h" in made["x.arch"] and "h(4)" in made["x.arch"]
    assert made["lib/a.arch"] == USED["lib/a.arch"]


@pytest.mark.parametrize(
    ("at", "new", "reason"),
    [
        ("width = 16", "act", "`act` would mean something else at x.arch:"),
        ("width = 16", "macs", "`macs` would mean something else at x.arch:17"),
        ("width = 16", "2x", "`2x` cannot be a name"),
        ("width = 16", "if", "`if` cannot be a name"),
        ("deep", "twice", "`twice` would mean something else"),
        ("later = 4", "c", "`c` would mean something else at x.arch:7"),
        ("twice(n,", "relu", "`relu` would mean something else at x.arch:1"),
        ("bn ->", "norm", "`bn` is not a name of this text"),
        ("3x32x32", "norm", "there is no name here"),
        ("stage:", "part", "`stage` is a label"),
    ],
)
def test_a_name_that_would_change_a_meaning_is_refused(at: str, new: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        rename(table(), offset(at), new)
    assert str(error.value).startswith(reason)

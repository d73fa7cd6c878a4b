"""A spec puts nothing into the source but what the compiler means to put there.

A hostile spec and a tame one of the same network are compiled. Without docstrings the two
sources are one syntax tree, but for the names that the specs give; a name stands for one thing
in both. So nothing was added, nothing was shadowed, and nothing more is run.
"""

import ast
import builtins
import inspect
import io
import keyword
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from thinned import thinned
from torch import nn

import archdsl
from archdsl.backend.build import load_source, source_of, top_class
from archdsl.backend.names import MODULE_NAMES, SPOKEN, attribute, class_name
from archdsl.backend.python import docstring, quoted

SPEC = """## {doc}
arch {arch}({knob} = 8, text = {text})
input 3x16x16

## {doc}
block {block}({width}, {kernel} = 3) {{
  residual {{ conv({width}, {kernel}) -> bn -> relu -> conv(2 * {width}, 3) }}
  {inner}: {{ conv({width}, 1) -> relu }}
}}

{stem}: conv({knob}, 3) -> bn
relu as {kept}
{stage}: {{
  {block}(8)
  {block}(16, {kernel} = 5)
}}
output {side}(weight = 0.3) {{ global_avgpool -> linear(10) }}
repeat 5 {{ {block}(12) }}
branch concat {{ identity; {kept} }}
{head}: global_avgpool -> linear(10)
"""
SLOTS = "arch knob block width kernel inner stem kept stage side head".split()
NAMES = {slot: f"tame_{slot}" for slot in SLOTS}
LANGUAGE = frozenset("and as else for if in input match not or".split())  # no names in a spec

WORDS = sorted(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *dir(builtins),
        *MODULE_NAMES,
        *SPOKEN,
        *"DenseBlock Fractal ColumnMean StochasticDepth Scale ChannelNorm F_ super_ _x __x".split(),
        *"__init__ __class__ __dict__ __call__ __getattr__ __setattr__ __del__ __slots__".split(),
        *"_modules _parameters _buffers _forward_hooks _call_impl private_x named_x".split(),
        *"x2 y y2 z h skip skip2 l O I l_ Sequential Module inf nan e1 in_channels".split(),
        *"criterion outputs target Class PRINT Self sys os eval_ flatten_ branch1 main_".split(),
    }
    - LANGUAGE
)


def written(text: str = '"plain"', doc: str = "A comment.", **names: str) -> str:
    return SPEC.format(text=text, doc=doc, **(NAMES | names))


def source(text: str, name: str = "<text>") -> str:
    return source_of(archdsl.parse(text, name).with_knobs())


TAME = source(written())


# ----------------------------------------------------------------- two trees that are one


def bare(code: str) -> ast.Module:
    """The tree of a source without its docstrings, each of which was one plain string."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                assert isinstance(first.value.value, str)
                del node.body[0]
        elif isinstance(node, ast.For):
            node.body = added_at_once(node.body)
    return tree


def added_at_once(body: list[ast.stmt]) -> list[ast.stmt]:
    """A module that is too long for a line with `add_module` has a name first: here it is in it."""
    match body:
        case [
            ast.Assign(targets=[ast.Name(id=name)], value=module),
            ast.Expr(value=ast.Call(func=ast.Attribute(attr="add_module"), args=[label, last])),
        ] if isinstance(last, ast.Name) and last.id == name:
            text = f"self.add_module({ast.unparse(label)}, {ast.unparse(module)})"
            return ast.parse(text).body
    return body


def parts(node: object, local: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """All that a tree is made of, in order, each with its kind. Identifiers are told apart by
    what they are names of: only those of one kind may not be confused."""
    if isinstance(node, list):
        for item in node:
            yield from parts(item, local)
        yield "end", ""
        return
    if not isinstance(node, ast.AST):
        yield "value", repr(node)
        return
    yield "node", type(node).__name__
    match node:
        case ast.Constant(value=str(text)):
            yield "text", text
            return
        case ast.Name(id=name):
            yield "local" if name in local else "global", name
            return
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            yield "torch" if owner in ("nn", "torch", "F") else "part", name
            yield from parts(node.value, local)
            return
        case ast.Call(func=function, args=arguments, keywords=keywords):
            yield from parts([function, *arguments], local)
            kind = "part" if ast.unparse(function) == "seq" else f"keyword of {len(keywords)}"
            for k in keywords:
                yield kind, k.arg or "**"
                yield from parts(k.value, local)
            return
        case ast.FunctionDef() | ast.Lambda():
            local = frozenset(names_bound_in(node))
            yield "method", getattr(node, "name", "lambda")
        case ast.ClassDef(name=name):
            yield "global", name
        case ast.arg(arg=name):
            yield "local", name
    for field, value in ast.iter_fields(node):
        if not (field in ("name", "arg") and isinstance(value, str)):
            yield from parts(value, local)


def names_bound_in(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


IDENTIFIERS = ("text", "local", "global", "part", "torch", "method", "keyword")


def difference(one: str, other: str) -> str | None:
    """Where two sources are no renaming of each other, or nothing."""
    known: dict[tuple[str, str, str], str] = {}
    first, second = list(parts(bare(one))), list(parts(bare(other)))
    for (kind, a), (kind_too, b) in zip(first, second, strict=False):
        named = kind.startswith(IDENTIFIERS)
        if kind != kind_too or (a != b and not named):
            return f"{kind} {a} is {kind_too} {b}"
        if kind == "node" and a in ("FunctionDef", "Lambda"):  # the names of another function
            known = {key: value for key, value in known.items() if key[0] != "local"}
        if named:
            for key, value in (((kind, "one", a), b), ((kind, "other", b), a)):
                if known.setdefault(key, value) != value:
                    return f"{kind} {key[2]} is both {known[key]} and {value}"
    return None if len(first) == len(second) else "one is longer"


def test_what_is_added_shadowed_or_changed_is_seen() -> None:
    assert difference(TAME, TAME) is None
    renamed = TAME.replace("tame_width", "c").replace("TameBlock", "Unit")
    assert difference(TAME, renamed) is None
    assert difference(TAME, TAME + "import os\n")
    assert difference(TAME, TAME.replace("return self", "print(); return self", 1))
    assert difference(TAME, TAME.replace("tame_width", "seq"))
    assert difference(TAME, TAME.replace("12", "13"))
    assert difference(TAME, TAME.replace("super()", "tame_width()"))
    assert difference(TAME, TAME.replace("nn.Conv2d", "nn.Conv1d", 1))
    assert difference(TAME, TAME.replace("self.training", "self.Training", 1))


# ------------------------------------------------------------------------------- names


def outputs(code: str, name: str) -> dict[str, torch.Tensor]:
    """What a source computes of equal weights, in evaluation and in training."""
    module: nn.Module = load_source(code, name)[top_class(code)]()
    for n, tensor in enumerate(module.state_dict().values(), 1):
        if tensor.dtype.is_floating_point:
            torch.manual_seed(n)
            nn.init.uniform_(tensor, 0.1, 0.9)
    x = torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    trained: dict[str, torch.Tensor] = module(torch.cat([x, -x]))
    main, side = trained.values()
    return {"evaluated": module.eval()(x), "main": main, "side": side}


@pytest.mark.parametrize("turn", thinned(range(0, len(WORDS), 8), 6))
@torch.no_grad()
def test_names(turn: int) -> None:
    """Every word stands in every place once, over all turns."""
    expected = outputs(TAME, "tame")
    for start in range(turn, min(turn + 8, len(WORDS))):
        names = {s: WORDS[(start + 23 * n) % len(WORDS)] for n, s in enumerate(SLOTS)}
        code = source(written(**names))
        if names["kept"] != "x":  # which goes on as it is: its source has a name less
            assert difference(TAME, code) is None, names
        found = outputs(code, "hostile")
        assert all(torch.equal(found[k], expected[k]) for k in expected), names


def test_every_word_is_tried_in_every_place() -> None:
    for n in range(len(SLOTS)):
        assert {(start + 23 * n) % len(WORDS) for start in range(len(WORDS))} == {
            *range(len(WORDS))
        }


def test_what_modules_have_by_themselves_is_known() -> None:
    """A part that is called as something of ``nn.Module`` would replace it. (Transformers, which
    other tests import, gives it a method of its own.)"""
    for kind in (nn.Module, nn.Sequential):
        own = [n for n in dir(kind) if not n.startswith("_")]
        made_by = {n: getattr(getattr(kind, n), "__module__", None) or "" for n in own}
        assert {n for n in own if not made_by[n].startswith("transformers")} <= MODULE_NAMES
    assert set(vars(nn.Module())) - {n for n in vars(nn.Module()) if n.startswith("_")} <= (
        MODULE_NAMES
    )


def test_a_side_output_is_not_the_main_one() -> None:
    """`main` is what the result is called."""
    with pytest.raises(archdsl.ArchError) as caught:
        source(written(side="main"))
    assert [d.code for d in caught.value.diagnostics] == ["A143"]


LABELS = st.lists(
    st.sampled_from(["_", "private", "x", "1", "train", "training", "forward", "class", "to"]),
    min_size=1,
    max_size=5,
).map("".join)


@given(LABELS, LABELS)
def test_no_two_labels_have_one_key(a: str, b: str) -> None:
    assert (attribute(a) == attribute(b)) == (a == b)
    assert not attribute(a).startswith("_") and attribute(a) not in MODULE_NAMES
    assert attribute(a).isidentifier() or a[0] == "1"


@given(st.text("abcABC_019", min_size=1, max_size=12), st.text("abcABC -_.\n", max_size=30))
def test_class_names_are_identifiers(name: str, doc: str) -> None:
    assert class_name(name, doc).isidentifier()


# ------------------------------------------------------------------- comments and texts

OWNED = 'import pathlib; pathlib.Path("owned").touch(); print("owned")'
COMMENTS = [
    f'"""; {OWNED}; """',
    f'""" {OWNED}',
    f'\\"""; {OWNED} #',
    f"'''; {OWNED}; '''",
    '"',
    '""',
    '"""',
    '""""""""',
    'ends with "',
    'ends with ""',
    "ends with \\",
    "ends with \\\\",
    'ends with \\"',
    '\\"\\"\\"',
    "\\N{BULLET} \\u202e \\x00 \\n \\",
    "{x} {0} {OWNED} %s %(a)s $HOME `ls`",
    "# -*- coding: utf-7 -*- +AGY-",
    "tabs\tand    spaces",
    "\N{SNOWMAN} \N{PILE OF POO} \N{CYRILLIC SMALL LETTER A}",
    "word" * 60,
    'w"""' * 60,
    "many words " * 60,
    "type: ignore # noqa # fmt: off",
    f'a line\n## """\n## {OWNED}\n## """',
    "a list:\n##   - one\n##\n##   - two",
]


def said(text: str) -> str:
    """A text without its lines and margins, and without spaces: words longer than a line are
    cut."""
    return "".join(text.replace("\n##", "\n").split())


@pytest.mark.parametrize("comment", COMMENTS, ids=range(len(COMMENTS)))
def test_comments(comment: str) -> None:
    code = source(written(doc=comment))
    assert difference(TAME, code) is None
    assert all(len(line) <= 100 or '\\"' in line for line in code.split("\n"))
    tree = ast.parse(code)
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    for block in classes:
        assert said(inspect.cleandoc(ast.get_docstring(block) or "")) == said(comment)


@given(
    st.text(st.sampled_from("a \"\\'\n\t{}#\N{RIGHT-TO-LEFT OVERRIDE}\0\r\x85\u2028"), min_size=1),
    st.integers(0, 3),
)
def test_a_docstring_is_one_string(text: str, indent: int) -> None:
    lines = docstring(f"x{text}", indent)
    assert all(c.isprintable() for line in lines for c in line)
    code = "\n".join([*("if True:\n" + "    " * n for n in ()), *(x[4 * indent :] for x in lines)])
    (statement,) = ast.parse(code).body
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    kept = statement.value.value
    assert [c for c in kept if c in "a\"\\'{}#"] == [c for c in text if c in "a\"\\'{}#"]


@given(st.text())
def test_a_quoted_text_is_itself(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).isascii() and quoted(text).isprintable()


FILES = [
    f'"""; {OWNED}; """.arch',
    f'"""\n{OWNED}\n"""',
    '"',
    "\\",
    "a\\",
    "\\x00\\N{BULLET}",
    "\0.arch",
    "\n\n\nimport os\n",
    "\rimport os",
    "\N{RIGHT-TO-LEFT OVERRIDE}hcra.net",
    "\N{ZERO WIDTH SPACE}",
    "\udcff\udc80.arch",
    "line\N{LINE SEPARATOR}import os",
    "name" * 80,
    "",
    "\N{NO-BREAK SPACE}",
]


@pytest.mark.parametrize("name", FILES, ids=range(len(FILES)))
def test_names_of_files(name: str) -> None:
    code = source(written(), name)
    assert difference(TAME, code) is None
    assert all(c == "\n" or c.isprintable() for c in code)
    code.encode()


TEXTS = ["'", "\\n", "{}", "#", "a b", "\N{SNOWMAN}", "'''; import os; '''", "x" * 300]


@pytest.mark.parametrize("text", TEXTS)
def test_values_of_knobs(text: str) -> None:
    code = source(written(f'"{text}"'))
    assert difference(TAME, code) is None
    header = ast.get_docstring(ast.parse(code)) or ""
    assert text in header or len(text) > 80


def test_values_from_outside() -> None:
    """What `--set` gives is a value of the language, and told as one."""
    arch = archdsl.parse(written()).with_knobs(text=TEXTS[-2])
    assert difference(TAME, source_of(arch)) is None


# -------------------------------------------------------------------------- side effects


def test_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when a hostile spec is read, compiled, loaded, or run."""
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with redirect_stdout(printed), torch.no_grad():
        for comment in COMMENTS:
            for name in (FILES[0], FILES[1]):
                arch = archdsl.parse(written(doc=comment), name).with_knobs(text=TEXTS[-2])
                arch.build().eval()(torch.zeros(1, 3, 16, 16))
    assert printed.getvalue() == ""
    assert list(tmp_path.iterdir()) == []

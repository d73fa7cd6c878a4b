"""The tree-sitter grammar reads every text as the parser does: the same nodes, the same words."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Token, Tree
from program_texts import spec_texts
from required import skip

from archdsl.diagnostics.source import Source
from archdsl.files import builtin_folder
from archdsl.syntax.language import ARCH, tokenize
from archdsl.syntax.reader import TokenReader

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "editors" / "tree-sitter-arch"

Shape = Any  # a node as a tuple: its name, and what is in it; words as texts
Parse = Callable[[str], Any]


@pytest.fixture(scope="session")
def language(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The grammar, compiled."""
    if not find_spec("tree_sitter"):
        skip("the package `tree-sitter` is not installed")
    import tree_sitter

    compiler = shutil.which("cc") or skip("there is no C compiler `cc`")
    library = tmp_path_factory.mktemp("grammar") / "arch.so"
    sources = [str(FOLDER / "src" / name) for name in ("parser.c", "scanner.c")]
    options = ["-shared", "-fPIC", "-O0", f"-I{FOLDER / 'src'}"]
    subprocess.run([compiler, *options, *sources, "-o", str(library)], check=True)
    function = ctypes.CDLL(str(library)).tree_sitter_arch
    function.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    return tree_sitter.Language(capsule(function(), b"tree_sitter.Language", None))


@pytest.fixture(scope="session")
def parse(language: Any) -> Parse:
    """Reads a text by the grammar: the root node."""
    import tree_sitter

    parser = tree_sitter.Parser(language)
    return lambda text: parser.parse(text.encode()).root_node


KEPT = ("+", "-", "*", "/", "//", "%", "^", "and", "or", "not", "in")  # what an operator is
KEPT += ("==", "!=", "<=", ">=", "<", ">")
OPERATORS = ("binary", "unary", "compare_op")


def of_node(node: Any) -> Shape:
    """A node of tree-sitter's as a shape."""
    if node.type == "identifier":
        return node.text.decode()
    if node.type in ("number", "shape", "string", "true", "false"):
        return node.type, node.text.decode()
    inside = [
        of_node(c) if c.is_named else c.type
        for c in node.children
        if (c.is_named or node.type in OPERATORS) and c.type != "comment"
    ]
    return node.type, *inside


def of_tree(tree: Tree[Token]) -> Shape:
    """A node of lark's as a shape."""
    inside = [
        of_tree(c) if isinstance(c, Tree) else of_token(c, tree.data)
        for c in tree.children
        if c is not None
    ]
    return str(tree.data), *(c for c in inside if c is not None)


def of_token(token: Token, parent: str) -> Shape | None:
    if token.type == "STRING" and parent != "string":  # of a paper, a use
        return "string", str(token)
    if parent in (*OPERATORS, "number", "shape", "string", "true", "false"):
        return str(token)
    return str(token) if token.type == "NAME" else None


def read(text: str) -> Shape | None:
    """The text as the parser reads it; nothing where it has a syntax error."""
    source = Source("a.arch", text)
    reader = TokenReader(source, tokenize(source, ARCH), ARCH)
    tree = reader.read()
    return None if reader.found else of_tree(tree)


def agree(parse: Parse, text: str) -> None:
    node, known = parse(text), read(text)
    assert known is not None and not node.has_error, f"{node}\n{text}"
    assert of_node(node) == known, text


@pytest.mark.parametrize("path", sorted(builtin_folder().rglob("*.arch")), ids=lambda p: p.stem)
def test_built_in_specs(parse: Parse, path: Path) -> None:
    agree(parse, path.read_text("utf-8"))


@given(spec_texts())
@settings(max_examples=25)
def test_random_texts(parse: Parse, text: str) -> None:
    agree(parse, text)


@given(spec_texts(), st.data())
@settings(max_examples=20)
def test_texts_that_lack_a_piece(parse: Parse, text: str, data: st.DataObject) -> None:
    """What the parser still reads is read alike. (A word such as `if` for a name is a mistake to
    the parser alone.)"""
    pieces = list(re.finditer(r"\w+|->|\.\.|=>|\n|[^\w\s]", text))
    if pieces:
        piece = data.draw(st.sampled_from(pieces))
        thinner = text[: piece.start()] + text[piece.end() :]
        if read(thinner) is not None:
            agree(parse, thinner)


@pytest.mark.parametrize(
    "text",
    [
        "input 3x32",
        "input image: 3x224x224, numbers: 10",
        "input text(ids = 50257): 512,\n mask: a(2)",
        "input a: 3x32, b(ids = 9): n + 1, c: (3, n)",
        "let a = 5 %3 + 5% + 007 + 1e-4 + 1..3 + 2.5K\nlet b = 3x3x\nrelu",
        "a\n-> b\n\n# why\n-> c # what\n;; d;",
        "let a = x if y else\n z; let b = (1\n+\n2)\nif a { b }\n# so\nelse { c }",
        "let m = match a { 1 => b\n2 | 3 => c, 4 => d, }",
        "conv(input, log)",
        "let a = b in 1..4 step 2 and c in 1..2",
        "let a = (b in 1..4) .. 5 step 2",
        "arch a(k = 1 in 1..2 step 1 log, l = 2 in {1, 2,})\r\n  relu\r\n",
        "residual(shortcut = x) r { conv(1) } -> {} as y",
        "if a { b }; else { c };; conv(8,\n\n3) # ;\n; relu;",
    ],
)
def test_texts_that_are_read_alike(parse: Parse, text: str) -> None:
    if read(text) is None:
        assert parse(text).has_error, text
    else:
        agree(parse, text)


@pytest.mark.parametrize(
    "text",
    [
        "arch",
        "conv(",
        "a -> ",
        "let = 3",
        "{ a",
        "a }",
        "x: y: z",
        "1 2",
        "[a for b in c",
        "é",
        "[a; b]",
        "conv(8; 3)",
        "a -> ; b",
    ],
)
def test_mistakes(parse: Parse, text: str) -> None:
    assert read(text) is None and parse(text).has_error


def test_colours_and_folds_are_of_its_nodes(language: Any) -> None:
    import tree_sitter

    text = b"arch net(width = 16)\nstem: residual { conv(width, 3) }"
    root = tree_sitter.Parser(language).parse(text).root_node
    found = {}
    for path in sorted((FOLDER / "queries").glob("*.scm")):
        query = tree_sitter.Query(language, path.read_text("utf-8"))
        found |= tree_sitter.QueryCursor(query).captures(root)
    words = {name: [n.text.decode() for n in nodes] for name, nodes in found.items()}
    assert words["type"] == ["net"] and words["label"] == ["stem"]
    assert words["function.call"] == ["residual", "conv"]
    assert words["keyword"] == ["arch", "residual"]
    assert words["fold"][0] == "{ conv(width, 3) }"

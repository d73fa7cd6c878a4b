"""The tree of every statement, where statements end, and which words are names where."""

import pytest
from trees import parsed, shown

from archdsl import ArchError
from archdsl.diagnostics.source import Source, Span
from archdsl.syntax import tree
from archdsl.syntax.parse import parse

NOWHERE = Span(Source("", ""), 0, 0)  # trees are equal wherever they stand


def word(text: str) -> tree.Word:
    return tree.Word(NOWHERE, text)


def name(text: str) -> tree.Name:
    return tree.Name(NOWHERE, text)


def number(value: int) -> tree.Literal:
    return tree.Literal(NOWHERE, value)


def apply(text: str) -> tree.Apply:
    return tree.Apply(NOWHERE, name(text))


def body(*names: str) -> tree.Body:
    return tree.Body(NOWHERE, tuple(map(apply, names)))


def argument(key: str | None, value: tree.Node) -> tree.Argument:
    return tree.Argument(NOWHERE, None if key is None else word(key), value)


def test_arch() -> None:
    (node,) = parsed("arch net(depth = 18 in {18, 34}, w = 8 in 4..64 step 4 log, on = true,)")
    choices = tree.Choices(NOWHERE, (number(18), number(34)))
    interval = tree.Interval(NOWHERE, number(4), number(64), number(4), True)
    assert node == tree.Arch(
        NOWHERE,
        word("net"),
        (
            tree.Knob(NOWHERE, word("depth"), number(18), choices),
            tree.Knob(NOWHERE, word("w"), number(8), interval),
            tree.Knob(NOWHERE, word("on"), tree.Literal(NOWHERE, True), None),
        ),
    )
    assert parsed("arch net") == parsed("arch net()") == (tree.Arch(NOWHERE, word("net"), ()),)


def test_domains() -> None:
    (node,) = parsed(
        "arch net(a = relu in {relu, conv(3, 1) -> bn}, b = 1 in 1..n, c = 1 in x..y log)"
    )
    assert isinstance(node, tree.Arch)
    a, b, c = (knob.domain for knob in node.knobs)
    assert isinstance(a, tree.Choices) and shown(a.items[1]) == "(conv(3, 1) -> bn)"
    assert b == tree.Interval(NOWHERE, number(1), name("n"), None, False)
    assert c == tree.Interval(NOWHERE, name("x"), name("y"), None, True)


def test_small_statements() -> None:
    image = tree.Literal(NOWHERE, (3, 8, 8))
    alone = tree.Incoming(NOWHERE, None, (), image)
    assert parsed("input 3x8x8") == (tree.Input(NOWHERE, (alone,)),)
    named = tree.Incoming(NOWHERE, word("a"), (), image)
    ids = tree.Incoming(NOWHERE, word("b"), (argument("ids", number(9)),), number(4))
    assert parsed("input a: 3x8x8, b(ids = 9): 4") == (tree.Input(NOWHERE, (named, ids)),)
    assert parsed("let a = 1") == (tree.Let(NOWHERE, (word("a"),), False, number(1)),)
    assert parsed("let (a, b) = c") == (tree.Let(NOWHERE, (word("a"), word("b")), True, name("c")),)
    assert parsed("default conv(bias = 1)") == (
        tree.Default(NOWHERE, word("conv"), (argument("bias", number(1)),)),
    )
    assert parsed('require a, "why"') == (tree.Require(NOWHERE, name("a"), "why"),)
    assert parsed("require a") == (tree.Require(NOWHERE, name("a"), None),)
    assert parsed('use "lib.arch"') == (tree.Use(NOWHERE, tree.Literal(NOWHERE, "lib.arch"), ()),)
    assert parsed('use "lib.arch": a, b as c') == (
        tree.Use(
            NOWHERE,
            tree.Literal(NOWHERE, "lib.arch"),
            (tree.Import(NOWHERE, word("a"), None), tree.Import(NOWHERE, word("b"), word("c"))),
        ),
    )
    assert parsed("a as b") == (tree.Kept(NOWHERE, apply("a"), word("b")),)
    assert parsed("a: b") == (tree.Labelled(NOWHERE, word("a"), apply("b")),)
    assert parsed("a: b as c") == (
        tree.Labelled(NOWHERE, word("a"), tree.Kept(NOWHERE, apply("b"), word("c"))),
    )
    (fix,) = parsed("fix stage1.unit2.mix = small")
    assert isinstance(fix, tree.Fix) and fix.path == "stage1.unit2.mix"


def test_definitions() -> None:
    parameters = (
        tree.Parameter(NOWHERE, word("c"), None),
        tree.Parameter(NOWHERE, word("k"), number(3)),
    )
    assert parsed("fn f(c, k = 3) = c") == (tree.Fn(NOWHERE, word("f"), parameters, name("c")),)
    assert parsed("block b(c, k = 3) { a }") == (
        tree.Block(NOWHERE, word("b"), parameters, body("a")),
    )
    assert parsed("block b { }") == parsed("block b() {}")
    assert parsed("output aux(weight = 1) { a }") == (
        tree.Output(NOWHERE, word("aux"), (argument("weight", number(1)),), body("a")),
    )


def test_facts() -> None:
    paper = tree.Paper(NOWHERE, "Title", (argument("year", number(2015)),))
    assert parsed('paper "Title", year = 2015') == (paper,)
    top1 = tree.Published(NOWHERE, word("imagenet"), (argument("top1", number(1)),))
    assert parsed('variant v(depth = 1) { imagenet(top1 = 1); paper "Title", year = 2015 }') == (
        tree.Variant(NOWHERE, word("v"), (argument("depth", number(1)),), (top1, paper)),
    )
    assert parsed("variant v") == parsed("variant v {}") == parsed("variant v()")


def test_control_flow() -> None:
    assert parsed("if a { b } else if c { d } else { e }") == (
        tree.If(NOWHERE, (name("a"), name("c")), (body("b"), body("d")), body("e")),
    )
    assert parsed("if a { b } else if c { d }") == (
        tree.If(NOWHERE, (name("a"), name("c")), (body("b"), body("d")), None),
    )
    assert parsed("for x in xs as i { a }") == (
        tree.For(NOWHERE, (word("x"),), False, name("xs"), word("i"), body("a")),
    )
    assert parsed("for (x, y) in xs { a }") == (
        tree.For(NOWHERE, (word("x"), word("y")), True, name("xs"), None, body("a")),
    )
    assert parsed("repeat 3 as j { a }") == (tree.Repeat(NOWHERE, number(3), word("j"), body("a")),)


def test_a_body_belongs_to_a_link_and_not_to_a_header() -> None:
    (node,) = parsed("if deep { relu }")
    assert isinstance(node, tree.If) and node.conditions == (name("deep"),)
    (node,) = parsed("repeat n { relu }")
    assert isinstance(node, tree.Repeat) and node.count == name("n")
    (node,) = parsed("for c in widths { relu }")
    assert isinstance(node, tree.For) and node.items == name("widths")
    (node,) = parsed("residual(a) { relu } -> bn")
    assert isinstance(node, tree.Apply) and shown(node.chain) == "(residual(a) {Apply} -> bn)"
    (node,) = parsed("branch concat { a; b }")
    assert isinstance(node, tree.Apply) and shown(node.chain) == "branch() concat {Apply; Apply}"


ONE = {  # texts of one statement
    "an arrow at the end": "a ->\nb ->\n\nc",
    "an arrow at the start": "a\n-> b\n\n  -> c",
    "operators at the end": "let x = 1 +\n2 *\n3 ==\n4",
    "and, or at the start": "let x = a\nand b\n  or c",
    "after =": "let x =\n\n1",
    "after a comma": 'require a,\n"why"',
    "after :": "a:\nb",
    "after in": "for x in\nxs { a }",
    "after if": "if\na { b }",
    "else on a line of its own": "if a { b }\nelse { c }",
    "else after comments": "if a { b }\n# why\n\n# not\nelse { c }",
    "parentheses": "f(\n1\n,\n\n2 # two\n)",
    "brackets": "let x = [\n1,\n2\n]",
    "knobs": "arch a(\n  # one\n  b = 1,\n\n  c = 2\n)",
    "braces": "{\na\n}",
    "an empty body": "{\n\n# nothing\n}",
    "comments between links": "a # one\n# two\n-> b",
    "after not": "let x = not\na",
    "match arms": "let x = match a {\n1 => b\n2 =>\nc,\n3 => d;\n}",
    "a range": "let x = 1 ..\n3",
}
TWO = {  # texts of two
    "lines": "a\nb",
    "semicolons": "a; b",
    "many of both": "\n;;\n a ;\n;; \n b ;;\n;",
    "a comment between": "a # -> b\nb",
    "other line ends": "a\r\nb\r\n",
    "a sign starts a statement": "let x = 1\n-y",
    "a parenthesis starts a statement": "a\n(b)",
    "a bracket starts a statement": "a\n[b]",
    "a brace starts a statement": "a\n{ b }",
    "one after a body": "if a { b }\nc",
    "a line end in braces in parentheses": "f({ a\nb }); c",
}


@pytest.mark.parametrize("text", ONE.values(), ids=ONE.keys())
def test_a_statement_goes_on(text: str) -> None:
    assert len(parsed(text)) == 1


@pytest.mark.parametrize("text", TWO.values(), ids=TWO.keys())
def test_a_statement_ends(text: str) -> None:
    assert len(parsed(text)) == 2


def test_line_ends_inside_parentheses_mean_nothing_and_inside_braces_much() -> None:
    (node,) = parsed("f(1, { a\nb\n\nc }, [\n2,\n3])")
    assert (
        isinstance(node, tree.Apply) and shown(node.chain) == "f(1, {Apply; Apply; Apply}, [2, 3])"
    )


def test_nothing_is_a_file_of_no_statements() -> None:
    for text in ("", "\n\n", "# a\n## b", ";;\n;", "\t \n"):
        assert parsed(text) == ()


SOFT = "arch input default let fn require use block output paper variant fix step log".split()


@pytest.mark.parametrize("soft", SOFT)
def test_keywords_are_names_where_no_statement_begins(soft: str) -> None:
    assert shown(parsed(f"a -> {soft}")[0].chain) == f"(a -> {soft})"  # type: ignore[attr-defined]
    assert parsed(f"let {soft} = {soft} + 1") == (
        tree.Let(NOWHERE, (word(soft),), False, tree.Binary(NOWHERE, "+", name(soft), number(1))),
    )
    assert parsed(f"f({soft} = {soft}, {soft})") == (
        tree.Apply(
            NOWHERE,
            tree.Call(NOWHERE, word("f"), (argument(soft, name(soft)), argument(None, name(soft)))),
        ),
    )
    assert parsed(f"block {soft}({soft}, b = {soft}) {{ a }}")
    assert parsed(f"arch {soft}({soft} = 1, b = {soft} in 1..{soft})")
    assert parsed(f"for {soft} in {soft} as {soft} {{ a }}")
    assert parsed(f"a as {soft}; b -> {soft}(1)")
    assert parsed(f"fn {soft}({soft}) = [{soft} for {soft} in {soft} if {soft}]")
    assert parsed(f'use "x": {soft} as {soft}')
    assert parsed(f"let a = x.{soft} + in.{soft}")
    assert parsed(f"if a {{ b -> {soft} }} else {{ b -> {soft} }}")


def test_step_and_log_after_a_range() -> None:
    (node,) = parsed("arch a(step = 1 in 1..9 step step, log = 1 in 1..log log)")
    assert isinstance(node, tree.Arch)
    step, log = node.knobs
    assert step.domain == tree.Interval(NOWHERE, number(1), number(9), name("step"), False)
    assert log.domain == tree.Interval(NOWHERE, number(1), name("log"), None, True)
    assert parsed("step -> log") == parsed("step\n-> log")
    assert parsed("log(2)") and parsed("let a = log(2) + step")


@pytest.mark.parametrize("hard", "if else for in repeat as match and or not true false".split())
def test_words_of_the_language(hard: str) -> None:
    for text in (f"let {hard} = 1", f"a as {hard}", f"block {hard} {{ b }}", f"fn {hard}(x) = x"):
        with pytest.raises(ArchError) as caught:
            parsed(text)
        assert [d.code for d in caught.value.diagnostics] == ["A111"]


def test_places() -> None:
    text = "arch net(w = 8)\r\n\tinput 3x8x8\nfoo: conv(w,\n  3) -> bn # end\n"
    file = parse(Source("x.arch", text))
    arch, input_, label = file.statements
    assert arch.span.text == "arch net(w = 8)"
    assert (input_.span.line, input_.span.column) == (2, 2)
    assert label.span.text == "foo: conv(w,\n  3) -> bn"
    assert label.span.place == "x.arch:3:1"
    pieces = {n.span.text for n in file.walk() if n is not file}
    assert {"w = 8", "8", "3x8x8", "foo", "conv(w,\n  3)", "w", "3", "bn"} <= pieces
    assert file.span.text == text


def test_doc_comments() -> None:
    text = (
        "# no doc\n## Of the arch,\n##  in two lines.  \narch net(\n  ## of a\n  a = 1,\n"
        "  b = 2,  ## no doc either\n  ## of c\n  c = 3\n)\n\n## lost\n\ninput 3x8x8\n"
        "##\n## of b\n## and more\nblock b { relu }\nrelu  ## nothing\nbn\n"
    )
    file = parse(Source("x.arch", text))
    docs = {n.span.text.split("(")[0].split("{")[0].strip(): file.doc(n) for n in file.statements}
    assert docs == {
        "arch net": "Of the arch,\n in two lines.",
        "input 3x8x8": "",
        "block b": "\nof b\nand more",
        "relu": "",
        "bn": "",
    }
    (arch, *_) = file.statements
    assert isinstance(arch, tree.Arch)
    assert [file.docs.get(k.span.line, "") for k in arch.knobs] == ["of a", "", "of c"]

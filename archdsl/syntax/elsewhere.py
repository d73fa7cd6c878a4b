"""What other languages and libraries write, and how it is written here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath

from lark import Token

from archdsl.layers.base import required, signature
from archdsl.registry import REGISTRY
from archdsl.syntax import methods, pytorch
from archdsl.syntax.language import SEARCH
from archdsl.syntax.other_libraries import ELSEWHERE

CHARACTERS = {
    "'": 'put the text in double quotes: `"..."`',
    "\N{LEFT DOUBLE QUOTATION MARK}": 'put the text in straight quotes: `"..."`',
    "\N{RIGHT DOUBLE QUOTATION MARK}": 'put the text in straight quotes: `"..."`',
    "&": "for both of two conditions, write `and`",
    "@": "a matrix product is a layer: `attend(heads)`, or `conv(c, 1)`",
    "!": "for the opposite of a condition, write `not`",
    "\N{RIGHTWARDS ARROW}": "the arrow is written `->`",
    "\N{MULTIPLICATION SIGN}": "write `*`, or `x` in a shape",
    "\N{MINUS SIGN}": "minus is written `-`",
    "\N{EN DASH}": "minus is written `-`",
    "\N{LESS-THAN OR EQUAL TO}": "write `<=`",
    "\N{GREATER-THAN OR EQUAL TO}": "write `>=`",
    "\N{NOT EQUAL TO}": "write `!=`",
    "\N{HORIZONTAL ELLIPSIS}": "a range is written `1..4`",
    "\N{ZERO WIDTH NO-BREAK SPACE}": "an editor put this invisible mark before the text: remove it",
}
DATA_FILES = {
    ".npz": "an archive of arrays is written arrays",
    ".csv": "a table of files and labels is written table",
    ".tsv": "a table of files and labels is written table",
    ".parquet": "a table of files and labels is written table",
    ".txt": "a text, as a row of characters, is written text",
}
WORDS = {
    "elif": "write `else if`",
    "elseif": "write `else if`",
    "def": "a function is written `fn f(x) = ...`; a part that applies layers is a `block`",
    "func": "a function is written `fn f(x) = ...`; a part that applies layers is a `block`",
    "function": "a function is written `fn f(x) = ...`; a part that applies layers is a `block`",
    "const": "to give a value a name, write `let`",
    "var": "to give a value a name, write `let`; it cannot be changed later",
    "while": "loops run over lists and ranges only: `for i in 1..4 { ... }`",
    "import": '`use "file.arch": name` brings in blocks of another file',
    "from": '`use "file.arch": name` brings in blocks of another file',
    "include": '`use "file.arch": name` brings in blocks of another file',
    "return": "the last layer of a body is its result",
    "assert": 'write `require condition, "message"`',
}
PATTERNS = {
    "skip": "residual", "shortcut": "residual", "skip_connection": "residual", "res": "residual",
    "parallel": "branch", "split": "branch", "loop": "repeat", "times": "repeat",
}  # fmt: skip
HEADERS = frozenset("architecture class model module net network".split())
RECIPE = frozenset("augment batch epochs learning_rate loss lr metrics optimizer schedule".split())
FUNCTIONAL = ("F", "functional", "torch")  # their functions take the tensor first
_FOREIGN = re.compile(r"([A-Za-z_][\w.]*)\.([A-Za-z_]\w*)(\(.*\))")
_SHORTCUT = re.compile(r"(\w+\(.*\)|\w+)\((\w+)\) \+ \2|(\w+) \+ (\w+\(.*\)|\w+)\(\3\)")
_METHODS = re.compile(r"write `((\w+) -> .*)` in place of .*")
_CALLED = re.compile(r"(\w+\(.*\))\((\w+)\)")
_BATCH = re.compile(r"\(?\s*(?:None|batch\w*|bs|[BN]|-1)\s*[,x]\s*(\d+(?:\s*[,x]\s*\d+)*)[,\s]*\)?")


def of_data_file(path: str) -> str:
    """How the data of a file is named, by its ending; nothing where no data has such files."""
    found = DATA_FILES.get(PurePath(path).suffix)
    return f'{found}("{path}")' if found else ""


def meant_by(word: str, tokens: Sequence[Token]) -> list[str]:
    """What helps where a statement of a spec begins with a word of another language. ``tokens``
    are the statement's and those before it."""
    if word in WORDS:
        return [WORDS[word]]
    if word in HEADERS and not any(t.type == "ARCH" for t in tokens):
        start = next(i for i in reversed(range(len(tokens))) if tokens[i] == word)
        name = tokens[start + 1] if start + 1 < len(tokens) else None
        if name is not None and name.type == "NAME":
            return [f"write `arch {name}` in place of `{word} {name}`"]
        return [
            "a spec begins with a line such as `arch net`; its layers follow on the lines below"
        ]
    if word in RECIPE:
        return [
            f'a spec does not say how it is trained: write `archdsl train --recipe "{word} = ..."`,'
            f" or `train {word} = ...` in a .search file"
        ]
    if word.upper() in SEARCH.starters:
        return [f"`{word}` belongs in a .search file, not in a spec"]
    return []


def without_prefix(path: str, after: str = "") -> list[str]:
    """What helps where a layer has the name of its module before it, as ``nn.Conv2d`` has.
    ``after``: the text behind it, which may be its arguments."""
    modules, _, name = path.rpartition(".")
    first = modules.partition(".")[0]
    if first not in methods.MODULES:
        return []
    if said_of_tensors := methods.called(name, after):
        return said_of_tensors
    here = pytorch.layer(name)
    text = pytorch.written(name, pytorch.arguments(after))
    if here is None or (name in ELSEWHERE and text is None):
        said = f"leave out the name of the module: `{name}`"
        return [ELSEWHERE.get(name, said)]
    is_function = modules.split(".")[-1] in FUNCTIONAL and name[0].islower()
    said = pytorch.called(name, here, after, is_function)
    needed = ", ".join(p.name for p in signature(REGISTRY.layers[here]) if p.required)
    is_bare = said == f"here it is called `{here}`" and needed
    if is_bare and text is None:
        return [f"here it is called `{here}({needed})`"]
    return [said]


def method(text: str) -> list[str]:
    """What helps where something of a tensor or of a module is called, as ``x.flatten(1)``."""
    if text.startswith("self."):
        return ["a layer is written where it is applied: `conv(16, 3) -> relu`"]
    said = "a layer is applied by `->` and not by a dot, as in `x -> relu`"
    return methods.chain(text) or ([said] if "(" in text else [])


def function(call: str, body: str) -> str:
    """How what is defined as ``f(x) = ...`` or by ``lambda`` is written."""
    name, _, given = call.removesuffix(")").partition("(")
    word = re.match(r"\w*", body)
    if word is not None and (word[0] in REGISTRY.layers or REGISTRY.layers.meant(word[0])):
        body = body.removesuffix(f"({given})") if given else body
        return f"a part that applies layers is written `block {name} {{ {body} }}`"
    return f"a function is written `fn {call} = {body or '...'}`"


def pattern(word: str, items: Sequence[str]) -> list[str]:
    """What helps where a pattern is called as if it were a layer."""
    if word == "dense" and items:  # Keras calls a linear layer so
        return [f"a fully connected layer is `linear({items[0]})`"]
    if not items or any("=" in item for item in items):
        return []
    word = PATTERNS.get(word, word)
    gap = " -> " if word == "residual" else "; "
    if word not in ("branch", "residual"):
        return []
    return [f"the body goes in braces: `{word} {{ {gap.join(items)} }}`"]


def without_batch(text: str) -> list[str]:
    """What helps where a shape of the input begins with the batch, ``(None, 3, 32, 32)``."""
    found = _BATCH.fullmatch(text)
    if found is None:
        return []
    shape = "x".join(re.findall(r"\d+", found[1]))
    return [f"leave the batch out: `input {shape}`"]


def layer_kept(name: str, tokens: Sequence[Token]) -> list[str]:
    """What helps where the result of a layer is assigned: ``tokens`` are those after the ``=``."""
    end = next((i for i, t in enumerate(tokens) if t.type in ("_SEP", "RBRACE")), len(tokens))
    text = joined(tokens[:end])
    if said := shortcut(text):
        return said
    if (found := _METHODS.fullmatch("".join(methods.chain(text)))) is not None:
        if found[2] == name:
            return [f"a layer takes the output of the one before it: write `{found[1]}`"]
        return [f"to keep the result of a layer, write `{found[1]} as {name}`"]
    if (found := _FOREIGN.fullmatch(text)) is not None:
        help = without_prefix(f"{found[1]}.{found[2]}", found[3])
        quoted = re.search(r"write `(.*)`", " ".join(help))
        if quoted is not None:
            return [f"to keep the result of a layer, write `{quoted[1]} as {name}`"]
        return help
    if not tokens or str(tokens[0]) not in REGISTRY.layers:
        return []
    layer, given = REGISTRY.layers[str(tokens[0])], pytorch.arguments(text[len(tokens[0]) :])
    if given == [name] and not required(layer):
        return [f"a layer takes the output of the one before it: write `{layer.name}`"]
    if given and given[0].isidentifier() and not signature(layer):
        text = f"{given[0]} -> {layer.name}"
    return [f"to keep the result of a layer, write `{applied(text)} as {name}`"]


def shortcut(text: str) -> list[str]:
    """What helps where a layer's result is added to what the layer is given, as ``f(x) + x``."""
    found = _SHORTCUT.fullmatch(text)
    if found is None:
        return []
    return [f"the input is added by `residual {{ {found[1] or found[4]} }}`"]


def called_again(text: str) -> str:
    """What helps where a layer that has its arguments is called, ``conv(16, 3)(x)``."""
    if said := shortcut(text):
        return said[0]
    if text.endswith(")()"):
        return f"leave out the empty brackets: `{text.removesuffix('()')}`"
    shown = applied(text)
    example = "x -> conv(16, 3)" if shown == text else shown
    return f"a tensor goes into a layer by `->`: `{example}`"


def applied(text: str) -> str:
    """A layer that is called with a tensor, ``conv(16, 3)(x)``, as it is written here."""
    found = _CALLED.fullmatch(text)
    return f"{found[2]} -> {found[1]}" if found else text


def python(tokens: Sequence[Token]) -> list[str]:
    """What helps where a class of PyTorch stands in a spec; nothing where there is none."""
    names = (b for a, b in pairwise(tokens) if a == "class" and b.type == "NAME")
    name = next(names, None)
    if name is None and not any(t == "torch" for t in tokens):
        return []
    return [f"a class of PyTorch becomes a spec by `archdsl import file.py:{name or 'Net'}`"]


def header(tokens: Sequence[Token], at: int, inside: bool) -> list[str]:
    """What helps where a header, ``arch net(width = 64 in 16..128)``, cannot be read. ``inside``:
    within its parentheses."""
    token, before = tokens[at], tokens[at - 1]
    if not inside:
        end = next((i for i in range(at, len(tokens)) if tokens[i].type in ("LPAR", "_SEP")), at)
        called = "".join(tokens[at - 1 : end])
        if token.type == "MINUS" and re.fullmatch(r"\w+(-\w+)+", called):
            return [f"a name has letters, digits and `_`: `{called.replace('-', '_')}`"]
        said = {"COLON": "the colon", "LBRACE": "the braces", "EQUAL": "the `=`"}.get(token.type)
        return [f"leave out {said}: the layers follow on the lines below"] if said else []
    kinds = [t.type for t in tokens[max(at - 4, 0) : at + 2]]
    if kinds[2:] == ["IN", "NUMBER", "COLON", "NUMBER"]:
        return [f"a range is written `{before}..{tokens[at + 1]}`, and includes both ends"]
    if kinds[:4] == ["IN", "NUMBER", "MINUS", "NUMBER"] and token.type in ("COMMA", "RPAR"):
        return [f"a range is written `{tokens[at - 3]}..{before}`, and includes both ends"]
    if token.type == "COLON":
        return ["knobs have no types: `name = default`"]
    name = max(i for i in range(at) if tokens[i].type in ("LPAR", "COMMA", "ARCH")) + 1
    if before.type in ("RSQB", "RBRACE"):  # the values were read already
        name = max(i for i in range(at) if tokens[i].type in ("LSQB", "LBRACE"))
        name = max(i for i in range(name) if tokens[i].type in ("LPAR", "COMMA", "ARCH")) + 1
    is_default = before.type in ("EQUAL", "IN") and token.type == "LBRACE"
    is_knob = [t.type for t in tokens[name : name + 2]] in (["NAME", "IN"], ["NAME", "EQUAL"])
    if is_knob and (token.type in ("IN", "_DOTS") or is_default or before.type == "RSQB"):
        return [f"a knob has a default, and its values after `in`: `{_knob(tokens[name:])}`"]
    if token.type in ("RPAR", "COMMA", "_SEP") and before.type == "NAME" and name == at - 1:
        return [f"a knob has a default: `{before} = 64`"]
    return []


COUNTED = {"SEEDS": "seeds 2 then 5", "TRIALS": "trials 20", "FOLDS": "folds 5"}


def in_braces(tokens: Sequence[Token], at: int, is_range: bool) -> list[str]:
    """What helps where values stand in brackets, which end before a token, or in nothing."""
    begin = max(i for i in range(at) if tokens[i].type == "IN") + 1
    values = [t for t in tokens[begin:at] if t.type not in ("LSQB", "RSQB")]
    if tokens[at - 1].type != "RSQB":
        for token in tokens[at:]:
            if token.type not in ("NUMBER", "COMMA"):
                break
            values.append(token)
    if {t.type for t in values} - {"NUMBER", "STRING", "NAME", "COMMA"} or not values:
        return ["write the values in braces: `in {1, 2}`"]
    said = ["write the values in braces: `in {" + "".join(values).replace(",", ", ") + "}`"]
    if is_range and [t.type for t in values] == ["NUMBER", "COMMA", "NUMBER"]:
        said.append(f"a range from one to the other is written `in {values[0]}..{values[2]}`")
    return said


def _knob(tokens: Sequence[Token]) -> str:
    """A knob as it was meant, ``width = 16 in {16, 32}``, from tokens that begin with its name."""
    depth, end = 0, len(tokens)
    for i, token in enumerate(tokens):
        depth += (token.type in ("LSQB", "LBRACE", "LPAR")) - (token.type in ("RSQB", "RBRACE"))
        if depth == 0 and token.type in ("COMMA", "RPAR", "_SEP"):
            end = i
            break
    tokens = tokens[:end]
    kinds = [t.type for t in tokens]
    start = (kinds.index("IN") if "IN" in kinds else kinds.index("EQUAL")) + 1
    default = tokens[2 : start - 1] if "IN" in kinds and "EQUAL" in kinds else ()
    values = tokens[start:]
    if values and values[0].type in ("LSQB", "LBRACE"):
        values = values[1:-1]
        first = values[: next((i for i, t in enumerate(values) if t.type == "COMMA"), len(values))]
        domain = f"{{{joined(values)}}}"
    else:
        dots = next((i for i, t in enumerate(values) if t.type == "_DOTS"), len(values))
        first, domain = values[:dots], joined(values)
    return f"{tokens[0]} = {joined(default or first)} in {domain}"


def shape(tokens: Sequence[Token]) -> list[str]:
    """What helps where ``input`` stands before what is not a shape. ``tokens`` begin after it."""
    kinds = [t.type for t in tokens]
    end = kinds.index("_SEP") if "_SEP" in kinds else len(kinds)
    if "COLON" in kinds[1:end] or kinds[:2] == ["NAME", "LPAR"]:
        return []  # tensors with names
    text = joined(tokens[:end])
    sizes = re.findall(r"\d+", text)
    if without_batch(text):
        return without_batch(text)
    return [f"a shape is written `input {'x'.join(sizes) if sizes else '3x224x224'}`"]


def joined(tokens: Sequence[Token]) -> str:
    """The text of tokens, with a blank where there was a gap."""
    gaps = (b.start_pos != a.end_pos for a, b in pairwise(tokens))
    return "".join(map(str, tokens[:1])) + "".join(
        " " * gap + t for gap, t in zip(gaps, tokens[1:], strict=True)
    )

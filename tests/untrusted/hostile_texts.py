"""Texts that are meant to do harm, each with the codes of what it gets.

No code means that the text is harmless after all: a network comes out.
"""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.diagnostics.model import MOST

HEAD = "arch net\ninput 3x8x8\n"
MANY = 20_000  # of something in a text


def lets(count: int, first: str, line: str) -> str:
    """A first `let`, and more that build on the one before: ``{n}`` is the new, ``{p}`` the old."""
    lines = [line.format(n=i, p=i - 1) for i in range(1, count + 1)]
    return "\n".join([first, *lines]) + "\n"


def blocks(count: int, body: str, last: str) -> str:
    """Blocks ``b0`` to ``b{count}``, each of which applies the next by ``{n}``."""
    made = [f"block b{i} {{ {body.format(n=f'b{i + 1}')} }}" for i in range(count)]
    return "\n".join([*made, f"block b{count} {{ {last} }}"]) + "\n"


def hostile() -> Iterator[tuple[str, str, str]]:
    """Names, codes and texts."""
    yield from ((n, c, HEAD + t) for n, c, t in loops_and_blocks())
    yield from ((n, c, HEAD + t) for n, c, t in numbers())
    yield from ((n, c, HEAD + t) for n, c, t in nesting())
    yield from ((n, c, HEAD + t) for n, c, t in lists())
    yield from ((n, c, HEAD + t) for n, c, t in tensors())
    yield from ((n, c, HEAD + t) for n, c, t in crowds())
    yield from whole_texts()


def loops_and_blocks() -> Iterator[tuple[str, str, str]]:
    yield "repeat_1e12", "A404", "repeat 10^12 { conv(3, 3) }\n"
    yield "repeat_of_repeat", "A402", "repeat 1000 { repeat 1000 { relu } }\n"
    yield "for_1e9", "A402", "for i in 1..10^9 { relu }\n"
    yield "for_1e30", "A316", "for i in 1..10^30 { relu }\n"
    yield "for_for_for", "A401", "for i in 1..10^4 { for j in 1..10^4 { let x = i * j } }\nrelu\n"
    yield "doubling", "A403", blocks(60, "{n}; {n}", "relu") + "b0\n"
    bottom_up = "\n".join(f"b{i}" for i in range(60, -1, -1))
    yield "doubling_bottom_up", "A401", blocks(60, "{n}; {n}", "relu") + bottom_up
    yield "doubling_nothing", "A401", blocks(60, "{n}; {n}", "identity") + bottom_up + "\nrelu"
    yield "doubling_in_a_branch", "A403", blocks(60, "branch add {{ {n}; {n} }}", "relu") + "b0\n"
    deep = "\n".join(f"b{i}" for i in range(500, -1, -1))
    yield "deep_bottom_up", "A403", blocks(500, "{n}", "relu") + deep
    yield "block_in_itself", "A403", "block b { b }\nb\n"
    yield "blocks_in_each_other", "A403", "block a { b }\nblock b { a }\na\n"
    yield "block_with_arguments", "A403", "block b(n) { conv(3, 1) -> b(n + 1) }\nb(1)\n"
    yield "block_as_argument", "A403", "block b(f) { f -> b(f) }\nb(relu)\n"
    yield "block_of_blocks", "A403", "block y(f) { f }\nblock b { y(b) }\nb\n"
    yield "function_in_itself", "A403", "fn f(n) = f(n + 1)\nconv(f(1), 1)\n"
    yield "functions_in_each_other", "A403", "fn f(n) = g(n)\nfn g(n) = f(n)\nconv(f(1), 1)\n"
    yield "default_in_itself", "A403", "fn f(n = f()) = n\nconv(f(), 1)\n"
    yield "fibonacci", "A401", "fn f(n) = 1 if n < 2 else f(n - 1) + f(n - 2)\nconv(f(30), 1)\n"
    closures = lets(60, "let a0 = relu -> relu", "let a{n} = a{p} -> a{p}")
    yield "layers_of_layers", "A017", closures + "a60\n"
    pairs = "let a0 = relu -> bn\nlet b0 = relu -> bn\n" + lets(
        60, "", "let a{n} = a{p} -> b{p}\nlet b{n} = a{p} -> b{p}"
    )
    yield "layers_of_two_layers", "A316 A316", pairs + "a60\n"
    presets = lets(60, "let a0 = relu", "default b(f = a{p}, g = a{p})\nlet a{n} = b")
    yield "presets_of_presets", "A316", f"block b(f, g) {{ f -> g }}\n{presets}a60\n"
    yield "choices_of_choices", "A401", blocks(36, "choose {{ {n}; {n} }} -> {n}", "relu") + "b0\n"
    yield "fractal_30", "A405", "fractal(30) { relu }\n"
    yield "fractal_of_fractals", "A401", "fractal(12) { fractal(12) { conv(3, 3) } }\n"
    yield "dense_1e6", "A401", "dense(10^6) { conv(3, 3) }\n"
    yield "dense_of_dense", "A401", "dense(500) { dense(500) { conv(1, 1) } }\n"


def numbers() -> Iterator[tuple[str, str, str]]:
    yield "tower", "A315", "let x = 10 ^ 10 ^ 10\n"
    yield "negative_tower", "A315", "let x = 10 ^ -(10 ^ 10)\n"
    yield "tower_of_one", "", "conv(1 ^ 10 ^ 100 + (-1) ^ 10 ^ 100, 1)\n"
    yield "fraction_tower", "A315", "let x = (1 / 3) ^ 1000\n"
    yield "literal_of_many_digits", "A018", f"let x = {'9' * MANY}\n"
    yield "literal_of_a_large_exponent", "A018", "let x = 1e99999999999999999999\n"
    yield "literal_of_a_small_exponent", "A018", "let x = 1e-99999999999999999999\n"
    yield "literal_of_a_unit", "A315", "let x = 1e300T * 1\nconv(3, 1)\n"
    yield "shape_of_many_axes", "A018", f"let x = {'x'.join(['1'] * MANY)}\n"
    yield (
        "doubling_by_addition",
        "A315",
        "fn d(x) = x + x\n" + lets(60, "let a0 = 2", f"let a{{n}} = {'d(' * 30}a{{p}}{')' * 30}"),
    )
    yield "squaring", "A315", lets(60, "let a0 = 2", "let a{n} = a{p} * a{p}")
    yield "fractions", "A315", lets(200, "let a0 = 1", "let a{n} = a{p} / 1007 + 1 / 1013")
    yield "exp", "A315", "let x = exp(exp(exp(10)))\n"
    yield "float_overflow", "A315", "let x = sqrt(2) * 10 ^ 300 * 10 ^ 300\n"
    yield "whole_of_a_float", "A315", "let x = floor(sqrt(2) * 10 ^ 307 * 9)\n"
    yield "largest_float", "", "let x = sqrt(2.0001) * 2 ^ 1022\nrelu\n"
    yield "shown_number", "A305", "let x = [1][2 ^ 1000]\n"
    yield "shown_fraction", "A305", "let x = [1][10 ^ 300 + 0.5]\n"
    yield "modulo", "", "conv(1 + 10 ^ 300 % 7, 1)\n"
    yield (
        "log_of_a_large_number",
        "",
        "let x = log(10 ^ 307) + log(10 ^ -307) + log(2 ^ 1000, 2)\nrelu\n",
    )


def nesting() -> Iterator[tuple[str, str, str]]:
    for name, opening, closing in (
        ("parentheses", "(", ")"),
        ("brackets", "[", "]"),
        ("calls", "f(", ")"),
        ("indexes", "a[", "]"),
    ):
        yield f"{name}", "A017", f"let x = {opening * 15_000}1{closing * 15_000}\n"
        yield f"{name}_left_open", "A017", f"let x = {opening * MANY}"
    yield "braces", "A017", "{" * MANY + "relu" + "}" * MANY
    yield "braces_left_open", "A017", "{" * MANY
    yield "braces_too_many", "A011", "}" * MANY
    yield "parentheses_too_many", "A011", f"let x = 1{')' * MANY}\n"
    yield "bodies", "A017", "residual { " * 3000 + "relu" + " }" * 3000
    yield "all_brackets", "A017", "({[" * 15_000
    yield "brackets_crossed", "A017", "([" * 10_000 + ")]" * 10_000
    yield "minus", "A017", f"let x = {'-' * MANY}1\n"
    yield "minus_on_lines", "A017", "let x = " + "-\n" * MANY + "1\n"
    yield "not", "A017", "let x = " + "not " * 10_000 + "true\n"
    for operator in ("+", "-", "*", "//", "%", "^"):
        yield f"chain_of_{operator}", "A017", "let x = 1" + f" {operator} 1" * 5000 + "\n"
        yield f"lines_of_{operator}", "A017", "let x = 1" + f" {operator}\n1" * 5000 + "\n"
        yield f"calls_of_{operator}", "A017", "let x = 1" + f" {operator} f(1, 1)" * 2000 + "\n"
    yield "chain_of_and", "A017", "let x = true" + " and true" * 4000 + "\n"
    yield "lines_of_or", "A017", "let x = true" + "\nor true" * 4000 + "\n"
    yield "chain_of_comparisons", "", "let x = 1" + " < 2" * 0 + " <= 1" * 5000 + "\nrelu\n"
    yield "chain_of_ternaries", "A017", "let x = " + "1 if true else " * 3000 + "1\n"
    yield "chain_of_fields", "A017", "let x = a" + ".a" * MANY + "\n"
    yield "chain_of_indexes", "A017", "let x = [1]" + "[1]" * 10_000 + "\n"
    yield "chain_of_arrows", "", "relu" + " -> relu" * 5000 + "\n"
    yield "chain_of_bodies", "", "relu" + " -> { relu }" * 3000 + "\n"
    yield (
        "chain_of_else_if",
        "",
        "if false { relu }" + " else if false { relu }" * 2000 + "\nrelu\n",
    )
    yield "clauses", "A017", "let x = [1" + " for x in [1]" * 3000 + "]\n"
    yield "labels", "A011", "a: " * 10_000 + "relu\n"
    yield "matches", "A017", "match 1 { 1 => { " * 1000 + "relu" + " } }" * 1000 + "\n"
    yield "as_deep_as_it_goes", "", "residual { " * 32 + "relu" + " }" * 32 + "\n"
    yield "as_long_as_it_goes", "", "let x = 1" + " + 1" * 64 + "\nrelu\n"
    yield "one_too_deep", "A017", "residual { " * 33 + "relu" + " }" * 33 + "\n"
    yield "one_too_long", "A017", "let x = 1" + " + 1" * 65 + "\nrelu\n"


def lists() -> Iterator[tuple[str, str, str]]:
    yield "comprehension_1e9", "A401", "let x = [i for i in 1..10^9 if false]\nrelu\n"
    yield "comprehension_of_many", "A316", "let x = [i for i in 1..10^9]\nrelu\n"
    five = "for a in 1..10^9 for b in 1..10^9 for c in 1..10^9 for d in 1..10^9 for e in 1..10^9"
    yield "comprehension_of_five", "A316", f"let x = [a {five}]\nrelu\n"
    nested = "[" * 5 + "1" + " for i in 1..10^9]" * 5
    yield "comprehension_of_comprehensions", "A316", f"let x = {nested}\nrelu\n"
    yield "range_1e30", "A316", "let x = 1..10^30\nrelu\n"
    yield "range_of_a_step", "", "let x = 1..10^30 step 10^29\nconv(len(x), 1)\n"
    for function in ("sum", "sorted", "unique", "reversed", "zip", "min", "max"):
        yield f"{function}_of_a_range", "A316", f"let x = {function}(1..10^9)\nrelu\n"
    yield "len_of_a_range", "", "let x = len(1..10^9)\nrelu\n"
    yield "list_of_many", "A316", "let x = [" + "1," * MANY + "]\nrelu\n"
    yield "doubling_lists", "A316", lets(60, "let a0 = [1]", "let a{n} = a{p} + a{p}") + "relu\n"
    yield "lists_of_lists", "A316", lets(60, "let a0 = [1]", "let a{n} = [a{p}, a{p}]") + "relu\n"
    yield "deep_lists", "A017", lets(100, "let a0 = [1]", "let a{n} = [a{p}]") + "relu\n"
    two = lets(10, "let a0 = [1]", "let a{n} = [a{p}, a{p}]") + lets(
        10, "let b0 = [1]", "let b{n} = [b{p}, b{p}]"
    )
    yield "comparing_lists", "A401", two + "for i in 1..10^5 { let x = a10 == b10 }\nrelu\n"
    yield "looking_through_lists", "A401", two + "for i in 1..10^5 { let x = b10 in [a10] }\nrelu\n"
    yield (
        "matching_lists",
        "A401",
        two + "for i in 1..10^5 { let x = match a10 { b10 => 1 } }\nrelu\n",
    )
    yield "showing_lists", "A301", two + "conv(a10, 1)\n"
    block = "block b(x) { relu }\n"
    yield "blocks_of_lists", "A401", two + block + "for i in 1..10^5 { b(a10) }\n"
    yield "layers_of_lists", "A301 A401", two + "for i in 1..10^5 { conv(1, a10) }\nrelu\n"
    wide = "let xs = [i for i in 1..9000]\n"
    yield "slices", "A401", wide + "for i in 1..10^5 { let y = xs[1..8999] }\nrelu\n"
    yield "sums_of_lists", "A401", wide + "let ys = [xs + [i] for i in 1..9000]\nrelu\n"
    yield "sorting", "A401", wide + "for i in 1..10^5 { let y = sorted(xs) }\nrelu\n"
    yield (
        "reading_lists",
        "A401",
        wide + "block b(i) { conv(xs[i], 1) }\nfor i in 1..9000 { b(i) }\n",
    )
    yield "around_a_layer", "", wide + block + "for i in 1..9000 { b(conv(i, 1)) }\nrelu\n"
    yield "unpacking", "A306", "let (a, b) = 1..10^9\nrelu\n"
    yield "slice_of_a_range", "", "let x = (1..10^9)[1..10^8]\nconv(x[10^8], 1)\n"


def tensors() -> Iterator[tuple[str, str, str]]:
    yield "channels_1e100", "A301", "conv(10 ^ 100, 3)\n"
    yield "channels_1e9", "", "repeat 10 { conv(10 ^ 9, 3) }\n"
    yield "kernel_1e9", "", "conv(8, 10 ^ 9 - 1) -> relu\n"
    yield "padding_1e9", "A406", "repeat 100 { pad(10 ^ 9) }\n"
    yield "upsampling", "A406", "repeat 10^5 { upsample(2) }\n"
    yield "upsampling_1e9", "A406", "upsample(factor = 10 ^ 9) -> upsample(factor = 10 ^ 9)\n"
    yield "transposed", "A406", "repeat 100 { conv_transpose(3, 9, stride = 9) }\n"
    yield "doubling_channels", "A406", "repeat 10^5 { crelu }\n"
    yield "concatenating", "A406", "repeat 10^4 { branch concat { identity; identity } }\n"
    yield "flattening", "", "upsample(factor = 10 ^ 6) -> flatten -> linear(10 ^ 9)\n"
    yield "reshaping", "A214", "reshape(" + "x".join(["1"] * 16) + ")\n"
    yield "many_axes", "A301", "reshape(" + "x".join(["1"] * 17) + ")\n"
    yield "strides", "", "repeat 10^4 { conv(3, 3, stride = 2) }\n"
    yield "groups_1e9", "A209", "conv(10 ^ 9, 1, groups = 10 ^ 9)\n"
    yield "parts_1e9", "A210", "split(10 ^ 9, 1)\n"
    yield "shuffle_1e9", "A210", "pixel_shuffle(10 ^ 9)\n"


def crowds() -> Iterator[tuple[str, str, str]]:
    """Many of something harmless."""
    yield "unknown_names", " ".join(["A101"] * MOST), "".join(f"foo{i}\n" for i in range(5000))
    yield (
        "unknown_arguments",
        " ".join(["A105"] * MOST),
        "".join(f"conv(1, 1, q{i} = 1)\n" for i in range(2000)),
    )
    names = ", ".join(f"a{i} = 1" for i in range(1800))
    yield "parameters", "", f"block b({names}) {{ relu }}\nb({names})\n"
    wrong = ", ".join(f"q{i} = 1" for i in range(1800))
    wrong = f"block b({names}) {{ relu }}\nb({wrong})\n"
    yield "wrong_parameters", " ".join(["A105"] * MOST), wrong
    yield "blocks", "", blocks(2000, "{n}", "relu") + "relu\n"
    reads = "".join(f"let x{i} = 1\n" for i in range(800))
    chain = "".join(f"block b{i} {{ conv(x{i}, 1) -> b{i + 1} }}\n" for i in range(790))
    yield "blocks_that_read", "", f"{reads}{chain}block b790 {{ relu }}\nrelu\n"
    yield "defaults", "", "default conv(bias = false)\n" * 1500 + "relu\n"
    yield "labels", "", "".join(f"l{i}: relu\n" for i in range(3000))
    yield (
        "labels_and_turns",
        "A401",
        "".join(f"l{i}: relu\n" for i in range(2000))
        + ("repeat 90000 as i { if i % 2 == 0 { relu } }\n"),
    )
    yield "names_again", " ".join(["A110"] * MOST), "let x = 1\n" * 4000
    yield "labels_again", " ".join(["A135"] * MOST), "a: relu\n" * 4000
    kept = "".join(f"relu as t{i}\n" for i in range(1000))
    arms = "\n".join(f"t{i}" for i in range(1000))
    yield "kept_tensors", "", f"{kept}branch add {{\n{arms}\n}}\n"
    groups = "\n".join(f"{{ branch add {{ t{i}; identity }} }}" for i in range(700))
    yield "kept_tensors_in_groups", "", f"{kept}for k in 1..5 {{ branch add {{\n{groups}\n}} }}\n"
    long = "ab" * 10_000
    yield "long_names", "A101", f"block {long} {{ relu }}\n{long[1:]}\n"
    yield "long_texts", "A301", f'conv("{long}", 1)\n'
    yield "long_requirement", "A501", f'require false, "{long}"\n'
    yield "long_line", "A101", f"relu {'-> relu ' * 3000} -> foo\n"
    yield "errors", " ".join(["A011"] * MOST), "let = 1\n" * 5000
    yield "strays", " ".join(["A013"]), "@" * 30_000
    yield "quotes", "A011", '"' * 30_000
    yield "an_open_quote", "A014", '"' + "a" * 30_000
    yield (
        "escapes",
        " ".join(["A019"] * MOST),
        f'require true, "{chr(92)}q{chr(92)}q' + "\\q" * 9000 + '"\n',
    )
    yield "commas", "A011", "," * 30_000


def whole_texts() -> Iterator[tuple[str, str, str]]:
    yield "nothing", "A127", ""
    yield "line_ends", "A127", "\n" * 50_000
    yield "semicolons", "A127", ";" * 50_000
    yield "spaces", "A127", " " * 50_000
    yield "comments", "A127", "#\n" * 25_000
    yield "doc_comments", "A127", "##\n" * 16_000
    yield "a_comment", "A127", "#" * 50_000
    yield "too_many_characters", "A004", "#" * 50_001
    yield (
        "knobs",
        "",
        f"arch net({', '.join(f'k{i} = {i}' for i in range(3000))})\ninput 3x8x8\nrelu\n",
    )
    yield (
        "knobs_of_knobs",
        "A315",
        "arch net(k0 = 2, "
        + ", ".join(f"k{i} = k{i - 1} * k{i - 1}" for i in range(1, 60))
        + ")\ninput 3x8x8\nrelu\n",
    )
    yield "domain", "A316", "arch net(k = 1 in 1..10^300)\ninput 3x8x8\nrelu\n"
    yield "fine_domain", "A316", "arch net(k = 1 in 0..1 step 1e-300)\ninput 3x8x8\nrelu\n"
    choices = ", ".join(f'"{i}"' for i in range(5000))
    yield "choices", "", f'arch net(k = "1" in {{{choices}}})\ninput 3x8x8\nrelu\n'
    yield "input_of_a_list", "A316", "arch net\ninput [i for i in 1..10^6]\nrelu\n"
    yield "input_1e9", "A301", "arch net\ninput (3, 10^10, 10^10)\nconv(3, 1)\n"
    yield "input_of_itself", "A142", "arch net\ninput (in.channels, 8, 8)\nrelu\n"
    yield (
        "variants",
        "",
        "arch net(k = 1)\n"
        + "".join(f"variant v{i}(k = {i})\n" for i in range(1200))
        + "input 3x8x8\nrelu\n",
    )
    yield (
        "variants_of_towers",
        " ".join(["A315"] * MOST),
        "arch net(k = 1)\n"
        + "".join(f"variant v{i}(k = 10 ^ 10 ^ 10)\n" for i in range(500))
        + "input 3x8x8\nrelu\n",
    )
    yield "requirements", "", HEAD + "relu\n" + "require params <= 1M\n" * 1500


HOSTILE = {name: (codes.split(), text) for name, codes, text in hostile()}

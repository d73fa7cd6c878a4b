"""Texts of up to 50,000 characters that would take hours, or all memory, were it not counted what
they do: by name, with the codes of which `archdsl check` says one, or nothing where all is well."""

from collections.abc import Iterator

HEAD = "arch net(width = 8 in 1..64)\ninput 3x8x8\n"
ROOM = 49_000  # characters


def filled(piece: str, between: str, room: int = ROOM) -> str:
    """A piece as often as there is room for it."""
    return between.join([piece] * (room // len(piece + between)))


def looped(turn: str) -> str:
    return f"{HEAD}for i in 1..190000 {{\n{turn}\n}}\nconv(width, 1)\n"


def turns() -> Iterator[tuple[str, str, str]]:
    yield "comparisons", "A401", looped(f"let b = {filled('i', ' <= ', 4000)}")
    yield "many_comparisons", "A401", looped(f"let b = {filled('i', ' <= ')}")
    yield "arms", "A401", looped(f"let b = match i {{ {filled('0 => 1; ', '')} _ => 0 }}")
    yield "else_ifs", "A401", looped(f"if i == 0 {{ }} {filled('else if i == 0 { }', ' ')}")
    yield "lets", "A401", looped("; ".join(f"let a{n} = i" for n in range(3000)))
    yield "identities", "A401", looped(filled("identity", "; "))
    large = "let c = (10^150 + 1) / (10^149 + 7)\nlet d = (10^149 + 11) / (10^150 + 13)\n"
    yield (
        "fractions",
        "A401",
        HEAD + large + "for i in 1..190000 { let x = [c + d, c * d] }\nrelu\n",
    )
    items = "let xs = [c + i for i in 1..3000]\n"
    many = "for i in 1..190000 { let y = FUNCTION(xs) }\nrelu\n"
    for function in ("sum", "sorted", "unique", "max"):
        text = HEAD + large + items + many.replace("FUNCTION", function)
        yield f"{function}_of_fractions", "A401", text
    yield "mistakes", "A401", looped("let x = [[1 / 0 for j in 1..9]]; conv(0, 1); conv(1, 1 / 0)")
    yield "wrong_lists", "A301", looped("conv(1, [[[i], [i], [i]], [[i], [i], [i]]])")
    captured = "".join(f"let v{n} = {n}\n" for n in range(1500))
    reads = " + ".join(f"v{n}" for n in range(60))
    blocks = f"block b(n) {{ let x = {reads}; identity }}\n"
    yield "blocks_that_read", "A401", HEAD + captured + blocks + "for i in 1..10^5 { b(i) }\nrelu\n"


def networks() -> Iterator[tuple[str, str, str]]:
    yield "layers", "", f"{HEAD}for i in 1..24000 {{ relu }}\nconv(width, 1)\n"
    yield "different_layers", "", f"{HEAD}for i in 1..24000 {{ conv(i, 1) }}\nconv(width, 1)\n"
    yield "some_different_layers", "", f"{HEAD}for i in 1..8000 {{ conv(i, 1) }}\nconv(width, 1)\n"
    turn = "residual { conv(3, 3) -> bn; if i % 2 == 0 { relu } }"
    yield "residuals", "A402", f"{HEAD}repeat 20000 as i {{ {turn} }}\nconv(width, 1)\n"
    yield "some_residuals", "", f"{HEAD}repeat 6500 as i {{ {turn} }}\nconv(width, 1)\n"
    yield "labels", "", f"{HEAD}for i in 1..5000 {{ a: {{ relu; bn }} }}\nconv(width, 1)\n"
    yield "dense", "A401", f"{HEAD}dense(1200) {{ conv(1, 1) }}\n"
    yield "some_dense", "", f"{HEAD}dense(600) {{ conv(1, 1) }}\n"
    dense = "block d { dense(200) { conv(1, 1) } -> conv(3, 1) }\n"
    yield "dense_blocks", "A401", f"{HEAD}{dense}for i in 1..100 {{ d }}\nconv(width, 1)\n"
    yield "fractals", "", f"{HEAD}fractal(11) {{ conv(3, 1) }}\nconv(width, 1)\n"


def spaces() -> Iterator[tuple[str, str, str]]:
    """Each candidate is quick, and there are many that a proof has to tell apart."""
    asked = "conv(1 / (width % 61 + 1) * 0 + 1, 1)\n"
    yield "runs", "", f"{HEAD}for i in 1..60000 {{ let a = i + 1 }}\n{asked}"
    yield "undecided", "", f"{HEAD}for i in 1..25000 {{ let a = i + width * width }}\n{asked}"
    knobs = ", ".join(f"k{n} = 1 in 1..1000" for n in range(20))
    many = " + ".join(f"k{n} * k{n + 1}" for n in range(19))
    layers = "conv(max(1, SUM % 5), 1)\n".replace("SUM", many) * 200
    yield "many_knobs", "", f"arch net({knobs})\ninput 3x8x8\n{layers}"
    head = "arch net(d = 100 in 1..1000, width = 3 in 1..64)\ninput 3x8x8\n"
    turn = "conv(width + i, 1)\nif i % 3 == 0 { residual { conv(width + i, 3) -> bn } }"
    yield "depths_that_differ", "", f"{head}repeat d as i {{ {turn} }}\n"
    kinds = "{ conv(floor(sqrt(width)) + 1, 1) } else { conv(d, 1) }"
    roots = (f"if sqrt(width * {n}) > log(d + {n}) {kinds}\n" for n in range(1, 500))
    yield "roots", "", head + "".join(roots)
    halves = "arch net(width = 8 in 1..500 step 0.5)\ninput 3x8x8\n"
    same = "floor((width + i) / 2) + floor((width + i + 1) / 2) == floor(width + i)"
    yield (
        "roundings",
        "",
        f"{halves}for i in 1..2500 {{ if {same} {{ relu }} }}\nconv(floor(width), 1)\n",
    )
    ranges = "".join(f"if width > {i} {{ conv({i}, 1) }}\n" for i in range(1, 1400))
    yield "comparisons_of_a_knob", "", HEAD.replace("64", "1000") + ranges + "conv(width, 1)\n"


BLOW_UPS = {
    name: (codes.split(" "), text)
    for kind in (turns, networks, spaces)
    for name, codes, text in kind()
}
too_long = {name: len(text) for name, (_, text) in BLOW_UPS.items() if len(text) > 50_000}
assert not too_long, too_long

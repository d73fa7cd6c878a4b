"""Random blocks whose parameters decide what they are made of, each used with several arguments.

Run: python tests/backend/random_blocks.py --seed 1 --count 100

Each class that is emitted for them is compared with its block at arguments that its network does
not use. A spec on which the two differ is printed with its seed.
"""

import argparse
import random
import sys

from other_arguments import compared

import archdsl

WIDTHS = (
    "c",
    "c",
    "c",
    "2 * c",
    "c // 2",
    "e * c",
    "c + 8",
    "in.channels",
    "ceil(c / 3) * 4",
    "max(c, 16)",
    "ws[1]",
    "c + in.channels",
)
PLAIN = ("relu", "bn", "silu", "act", "group_norm(g)", "scale(0.5)")


class BlockWriter:
    """Writes one spec of random blocks."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names: list[str] = []

    def pick(self, *items: str) -> str:
        return self.random.choice(items)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def conv(self, width: str | None = None) -> str:
        kernel = self.pick("1", "3", "k", "k", "5")
        more = self.pick(
            "",
            "",
            "",
            ", groups = g",
            ", bias = bias",
            ", dilation = 2",
            ", dilation = 1 if c > 20 else 2",
        )
        return f"conv({width or self.pick(*WIDTHS)}, {kernel}{more})"

    def chain(self, width: str | None = None) -> str:
        """A convolution and what follows it."""
        return " -> ".join(
            [self.conv(width), *self.random.sample(PLAIN, self.random.randint(0, 2))]
        )

    def arm(self, start: str, width: str | None = None) -> str:
        """An arm that begins with the tensor ``start``, or with what comes in; under a condition it
        may be another, what comes into the block, or none."""
        begin = start and f"{start} -> "
        one, other = begin + self.chain(width), begin + self.chain(width)
        match self.random.randrange(4):
            case 0:
                return f"if {self.condition()} {{ {one} }} else {{ {'x' if start else other} }}"
            case 1:
                return f"if {self.condition()} {{ {one} }} else {{ {other} }}"
            case 2:
                return f"if {self.condition()} {{ {one} }}"
            case _:
                return f"{{ {one} }}"

    def unit(self) -> list[str]:
        """Arms of one width."""
        arms = "; ".join(self.arm("y", "c") for _ in range(self.random.randint(2, 3)))
        first = self.pick("bn", "conv(in.channels, 1)")
        join = self.pick("add", "add", "mul")
        return ["identity as x", f"{first} -> relu as y", f"branch {join} {{ {arms} }}"]

    def condition(self) -> str:
        return self.pick(
            "deep",
            "not deep",
            "n > 1",
            "s == 2",
            "in.channels != c",
            "e > 1 or deep",
            "in.channels != c or s != 1",
        )

    def body(self, depth: int) -> str:
        return "{ " + "; ".join(self.statements(depth)) + " }"

    def statements(self, depth: int) -> list[str]:
        return [self.chain(), *(self.statement(depth) for _ in range(self.random.randint(0, 2)))]

    def statement(self, depth: int) -> str:
        if depth == 0:
            return self.chain()
        inner = depth - 1
        match self.random.randrange(17):
            case 0:
                return f"repeat n {self.body(inner)}"
            case 1:
                return f"for i in 1..n {{ {self.conv('8 * i')}; {self.chain()} }}"
            case 2:
                return f"if {self.condition()} {self.body(inner)}"
            case 3:
                return f"if {self.condition()} {self.body(inner)} else {self.body(inner)}"
            case 4:
                return f"residual {{ {self.chain()}; {self.conv('in.channels')} }}"
            case 5:
                return f"residual(shortcut = auto) {self.body(inner)}"
            case 6:
                arms = "; ".join(self.arm("") for _ in range(self.random.randint(2, 3)))
                return f"branch concat {{ {arms} }}"
            case 7:
                sees = self.pick("", "", ", sees = last")
                growth = self.pick("8 * e", "8", "4 * g", "c", "c / 2", "ws[1]")
                return (
                    f"dense({self.pick('n', 'n', 'n + 1', '2')}{sees}) {{ {self.chain(growth)} }}"
                )
            case 8:
                return f"let w{depth} = {self.pick(*WIDTHS)}; {self.conv(f'w{depth}')}"
            case 9:
                return f"y{depth}: {self.chain()}; bn"
            case 10:
                return f"for w in ws {{ {self.conv('w')}; {self.chain()} }}"
            case 11:
                shortcut = f"conv(c, 1) if {self.condition()} else identity"
                return f"residual(shortcut = {shortcut}) {{ {self.chain()}; {self.conv('c')} }}"
            case 12:
                return "; ".join(self.unit())
            case 13:
                given = self.pick("bias = bias", "groups = g", "dilation = e", "stride = s")
                return f"default conv({given}); {self.chain()}; conv(8, 1, stride = 1)"
            case 14:
                return f"fractal({self.pick('2', '3')}) {{ {self.chain(self.pick('c', '2 * c'))} }}"
            case 15:
                shared = f"let f{depth} = shared {{ {self.chain('c')} }}"
                return f"conv(c, 1); {shared}; f{depth} -> relu -> f{depth}"
            case _:
                return f"conv(c, 3, stride = s) -> {self.pick(*PLAIN)}"

    def handed_on(self) -> str:
        """What a block gives another: its own arguments, or what follows from them, which may be
        one value in all uses."""
        given = {
            "n": ("n", "n", "2 if c > 20 else 1", "max(n, 2)"),
            "deep": ("deep", "deep", "c > 20"),
            "e": ("e", "e", "1 if c > 30 else 2"),
            "k": ("k", "3 if c > 20 else 1", "3 if in.channels > c else 1"),
        }
        return ", ".join(f"{k} = {self.pick(*v)}" for k, v in given.items())

    def arguments(self) -> str:
        given = [str(8 * self.random.randint(1, 4))]
        options = {
            "s": "12", "n": "123", "k": "13", "e": "12", "g": "24",
        }  # fmt: skip
        given += [f"{k} = {self.pick(*v)}" for k, v in options.items() if self.chance(0.35)]
        if self.chance(0.3):
            given.append("deep = true")
        if self.chance(0.2):
            given.append("act = gelu")
        if self.chance(0.2):
            given.append("bias = false")
        if self.chance(0.2):
            given.append(f"ws = {self.random.sample([8, 16, 24], self.random.randint(1, 3))}")
        return ", ".join(given)

    def text(self) -> str:
        lines = ["arch blocks", "input 8x32x32", ""]
        head = "c, s = 1, n = 1, k = 3, e = 1, g = 2, deep = false, act = relu, bias = true"
        head += ", ws = [8, 16]"
        for number in range(1, self.random.randint(2, 4)):
            name = f"block{number}"
            body = self.unit() if self.chance(0.3) else self.statements(2)
            if self.names and self.chance(0.4):
                used = self.pick(*self.names)
                call = f"{used}({self.pick('c', '2 * c')}, {self.handed_on()})"
                body.append(self.pick(call, call, f"repeat n {{ {call} }}"))
            self.names.append(name)
            lines.append(f"block {name}({head}) {{\n  " + "\n  ".join(body) + "\n}")
        lines.append("")
        for name in self.names:
            uses = self.random.randint(2, 5)
            lines += [f"{name}({self.arguments()})" for _ in range(uses)]
        return "\n".join(lines) + "\n"


def check(seed: int) -> str | None:
    """What is wrong with the classes of a seed's spec, and its text; nothing where all agrees, or
    where it is not a network."""
    text = BlockWriter(seed).text()
    try:
        arch = archdsl.parse(text).with_knobs()
    except archdsl.ArchError:
        return None
    try:
        list(compared(arch, 4))
    except Exception as error:
        return f"--seed {seed} --count 1\n{text}{type(error).__name__}: {error}"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    problems = 0
    for seed in range(options.seed, options.seed + options.count):
        problem = check(seed)
        if problem is not None:
            problems += 1
            print(problem, end="\n\n", flush=True)
    print(f"{options.count:,} specs, {problems} with a class that is wrong")
    sys.exit(problems > 0)


if __name__ == "__main__":
    main()

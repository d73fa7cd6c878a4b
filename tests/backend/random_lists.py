"""Random networks of several tensors side by side: blocks that take and give lists of them, in
loops, conditions and calls of each other.

Run: python tests/backend/random_lists.py --seed 1 --count 100

The module that is emitted gives what the graph says, worked out layer by layer. A spec on which
the two differ is printed with its seed.
"""

import argparse
import random
import sys
from functools import reduce
from operator import mul

import torch
from torch import Tensor, nn

import archdsl
from archdsl import Architecture
from archdsl.ir.flat import flatten

SIGNS = {"add": lambda xs: sum(xs[1:], xs[0]), "mul": lambda xs: reduce(mul, xs)}
PLAIN = ("relu", "tanh", "bn", "sigmoid", "identity")


class ListWriter:
    """Writes one spec. All tensors of a list are of one size; their channels differ."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.blocks: list[str] = []

    def pick(self, *items: str) -> str:
        return self.random.choice(items)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def conv(self, width: str) -> str:
        return f"conv({width}, {self.pick('1', '3')})"

    def chain(self, width: str) -> str:
        found = [self.conv(width)]
        found += self.random.sample(PLAIN, self.random.randint(0, 2))
        self.random.shuffle(found)
        return " -> ".join(found)

    def width(self, of: str) -> str:
        return self.pick(f"{of}.channels", "c", "c", "2 * c", f"c + {of}.channels", "8")

    def each(self) -> str:
        """A list of as many tensors."""
        match self.random.randrange(5):
            case 0:
                return f"[x -> {self.chain(self.width('x'))} for x in in.tensors]"
            case 1:
                one = self.pick("identity", "relu", self.chain("8"))
                return f"[xs[i] -> ({one} if i < n else {self.conv('c')}) for i in 1..len(xs)]"
            case 2:
                join = self.pick("add", "mul")
                arm = self.chain("x.channels")
                return f"[branch {join} {{ for y in xs {{ y -> {arm} }} }} for x in xs]"
            case 3:
                return f"[x -> residual {{ {self.chain('x.channels')} }} for x in in.tensors]"
            case _:
                return "[xs[len(xs) + 1 - i] for i in 1..len(xs)]"

    def statement(self, depth: int) -> str:
        inner = depth - 1
        used = [b for b in self.blocks if b.startswith("list")]
        match self.random.randrange(7 if depth else 3):
            case 0:
                return f"xs + [xs[{self.pick('1', 'len(xs)')}] -> {self.chain('c')}]"
            case 1 if used:
                given = f"{self.pick('c', '2 * c', '8')}, {self.pick('n', '1', '2')}"
                return f"{self.pick(*used)}({given})"
            case 3:
                return f"repeat {self.pick('n', '2', '3')} {{ {self.some(inner, 'zs')} }}"
            case 4:
                test = self.pick("n > 1", "len(in.tensors) > 2", "c > 8")
                return f"if {test} {{ {self.some(inner, 'vs')} }}"
            case 5:
                test = self.pick("n > 1", "len(in.tensors) > 2", "c > 8")
                bodies = self.some(inner, "us"), self.some(inner, "ws")
                return f"if {test} {{ {bodies[0]} }} else {{ {bodies[1]} }}"
            case 6:
                return f"for k in 1..n {{ {self.some(inner, 'ts')} }}"
            case _:
                return self.each()

    def some(self, depth: int, name: str) -> str:
        """Statements, each of which sees the list that comes to it."""
        found = []
        for number in range(self.random.randint(1, 2)):
            own = f"{name}{number}"
            text = self.statement(depth)
            if "xs" in text:
                found.append(f"let {own} = in.tensors")
                text = text.replace("xs", own)
            found.append(text)
        return "; ".join(found)

    def text(self) -> str:
        lines = ["arch lists", "input 8x6x6", ""]
        for number in range(1, self.random.randint(2, 4)):
            body = self.some(2, "as")
            lines.append(f"block list{number}(c, n = 1) {{\n  {body}\n}}")
            self.blocks.append(f"list{number}")
        count = self.random.randint(1, 3)
        chains = (self.chain(self.pick("4", "8", "12")) for _ in range(count))
        lines.append(f"[{', '.join(chains)}]")
        for _ in range(self.random.randint(2, 4)):
            if self.chance(0.2):
                lines.append(f"repeat 2 {{ {self.pick(*self.blocks)}(8) }}")
            else:
                n = self.pick("", ", 2", ", n = 3")
                lines.append(f"{self.pick(*self.blocks)}({self.pick('4', '8', '12')}{n})")
        lines += ["let all = in.tensors", "branch concat { for x in all { x } }"]
        return "\n".join(lines) + "\n"


def by_the_graph(arch: Architecture, module: nn.Module, x: Tensor) -> Tensor:
    """What the graph says, with the layers of a module."""
    flat = flatten(arch.network)
    found: list[Tensor] = []
    for node in flat.nodes:
        given = [found[n] for n in node.inputs]
        if node.layer is None:
            found.append(x)
        elif node.layer.name in SIGNS:
            found.append(SIGNS[node.layer.name](given))
        elif node.layer.name == "concat":
            found.append(torch.cat(given, 1))
        elif node.layer.name in ("relu", "tanh", "sigmoid"):
            found.append(getattr(torch, node.layer.name)(given[0]))
        elif node.layer.name == "identity":
            found.append(given[0])
        else:
            found.append(module.get_submodule(node.path)(given[0]))
    return found[flat.output]


def check(seed: int) -> str | None:
    """What is wrong with the module of a seed's spec, and its text; nothing where it is right, or
    where the spec is not a network."""
    text = ListWriter(seed).text()
    try:
        arch = archdsl.parse(text).with_knobs()
        assert arch.network
    except archdsl.ArchError:
        return None
    if arch.params > 3_000_000:
        return None
    try:
        torch.manual_seed(seed)
        module = arch.build().eval()
        x = torch.randn(2, *arch.input)
        with torch.no_grad():
            assert sum(p.numel() for p in module.parameters()) == arch.params
            torch.testing.assert_close(module(x), by_the_graph(arch, module, x))
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
    print(f"{options.count:,} specs, {problems} with a module that is wrong")
    sys.exit(problems > 0)


if __name__ == "__main__":
    main()

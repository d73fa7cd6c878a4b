"""Random specs: every connection pattern in every other, loops, blocks, skips and choices.

Channels are multiples of 4, and every body begins with a convolution, so that it takes
whatever comes: the specs are networks by construction.
"""

from itertools import count

from hypothesis import strategies as st

LAYERS = (
    "bn",
    "relu",
    "silu",
    "dropout(0.1)",
    "group_norm(4)",
    "conv(w, 1)",
    "prelu",
    "scale(0.5)",
)
CHANNELS = ("4", "8", "12", "w", "2 * w", "w + 4")


class Writer:
    """Writes one spec; ``draw`` decides."""

    def __init__(self, draw: st.DrawFn, aux: bool, shared: bool) -> None:
        self.draw = draw
        self.aux = aux
        self.kinds = KINDS if shared else tuple(k for k in KINDS if k != "shared")
        self.names = count(1)
        self.blocks: list[str] = []
        self.kept: list[str] = []

    def pick(self, items: tuple[str, ...]) -> str:
        return self.draw(st.sampled_from(items))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def conv(self) -> str:
        kernel = self.pick(("1", "3", "3", "3x1"))
        more = self.pick(("", "", ", bias = false", ", groups = 4", ", dilation = 2"))
        return f"conv({self.pick(CHANNELS)}, {kernel}{more})"

    def chain(self, longest: int = 3) -> str:
        """Layers that keep the size of an image, the first of them a convolution."""
        links = [self.conv(), *(self.pick(LAYERS) for _ in range(self.number(0, longest)))]
        return " -> ".join(links)

    def body(self, depth: int) -> str:
        lines = [self.chain(1), *(self.statement(depth - 1) for _ in range(self.number(0, 2)))]
        return "{ " + "; ".join(lines) + " }"

    def statement(self, depth: int) -> str:
        if depth <= 0:
            return self.chain()
        kind = self.pick(self.kinds)
        text = getattr(self, f"write_{kind}")(depth)
        assert isinstance(text, str)
        if kind not in ("loop", "repeat", "shared") and self.number(0, 5) == 0:
            text = f"part{next(self.names)}: {text}"
        return text

    def write_chain(self, depth: int) -> str:
        return self.chain()

    def write_residual(self, depth: int) -> str:
        shortcut = self.pick(("", "", "(shortcut = project)", "(survive = 0.5)"))
        return f"residual{shortcut} {self.body(depth)}"

    def write_branch(self, depth: int) -> str:
        if self.number(0, 1):
            join, last = "concat", ""
        else:
            join, last = (
                self.pick(("add", "mean", "max", "mul")),
                f" -> conv({self.pick(CHANNELS)}, 1)",
            )
        arms = [f"{self.body(depth)}{last}" for _ in range(self.number(1, 3))]
        return f"branch {join} {{ " + "; ".join(arms) + " }"

    def write_dense(self, depth: int) -> str:
        return f"dense({self.number(1, 3)}) {self.body(depth)}"

    def write_fractal(self, depth: int) -> str:
        drop = self.pick(("", ", drop_path = 0.2"))
        last = f" -> conv({self.pick(CHANNELS)}, 1)"
        return f"fractal(columns = {self.number(1, 3)}{drop}) {{ {self.chain(1)}{last} }}"

    def write_repeat(self, depth: int) -> str:
        name = self.pick(("", "", f" as i{next(self.names)}"))
        return f"repeat {self.number(1, 4)}{name} {self.body(depth)}"

    def write_loop(self, depth: int) -> str:
        turn = f"i{next(self.names)}"
        again = self.pick(("relu", f"if {turn} > 1 {{ bn }}", f"conv(4 * {turn}, 1)"))
        inner = self.statement(depth - 1)
        return f"for c in [4, 8, 8, 8] as {turn} {{ conv(c, 3); {inner}; {again} }}"

    def write_block(self, depth: int) -> str:
        if len(self.blocks) < 2 and self.number(0, 1):
            name = f"block{len(self.blocks) + 1}_"
            self.blocks.append("")  # its name is taken before its body is written
            parameter = self.pick(("c", "c = 8"))
            self.blocks[-1] = f"block {name}({parameter}) {{ conv(c, 3) -> relu; {self.chain()} }}"
        if not self.blocks:
            return self.chain()
        name = f"block{self.number(1, len(self.blocks))}_"
        return f"{name}({self.pick(CHANNELS)})"

    def write_choose(self, depth: int) -> str:
        return f"choose pick{next(self.names)} {{ {self.chain()}; {self.chain()} }}"

    def write_shared(self, depth: int) -> str:
        """One module that is applied to four channels, again and again."""
        name = f"shared{next(self.names)}_"
        inner = self.pick(("", " -> bn -> relu", " -> residual { relu; conv(w, 1) }"))
        uses = [
            self.pick(
                (
                    name,
                    f"repeat 2 {{ {name} }}",
                    f"residual {{ {name} }}",
                    f"part{next(self.names)}: {name}",
                )
            )
            for _ in range(self.number(1, 2))
        ]
        return f"let {name} = shared {{ {self.chain(1)}{inner} -> conv(4, 1) }}; conv(4, 1); " + (
            f"{'; '.join(uses)}; branch concat {{ identity; {name} }}"
        )

    def write(self) -> str:
        lines = []
        for _ in range(self.number(1, 4)):
            text = self.statement(3)
            if self.number(0, 2) == 0:
                own = [name for name in "xyzh" if name not in self.kept]  # words of the source
                self.kept.append(own[0] if own else f"kept{next(self.names)}")
                text += f" as {self.kept[-1]}"
            lines.append(text)
            if self.kept and self.number(0, 2) == 0:
                lines.append(f"branch concat {{ identity; {self.pick(tuple(self.kept))} }}")
            if self.aux and self.number(0, 3) == 0:
                name = f"aux{next(self.names)}"
                lines.append(f"output {name}(weight = 0.3) {{ {self.chain(1)}; linear(3) }}")
        return "\n".join(
            [
                "arch random(w = 8 in {4, 8, 12})",
                "input 4x6x6",
                *self.blocks,
                *lines,
                "head: global_avgpool -> linear(10)",
            ]
        )


KINDS = tuple(name.removeprefix("write_") for name in vars(Writer) if name.startswith("write_"))


@st.composite
def specs(draw: st.DrawFn, aux: bool = True, shared: bool = False) -> str:
    """The text of a spec; without side outputs where ``aux`` is false, and with modules that are
    applied several times where ``shared`` is true."""
    return Writer(draw, aux, shared).write()

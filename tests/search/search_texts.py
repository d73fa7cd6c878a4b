"""Random .search texts that parse: every statement, laid out anyhow. They make no sense."""

from collections.abc import Callable

from hypothesis import strategies as st
from program_texts import NAMES, NUMBERS, TEXTS, Writer, laid_out

WORDS = (  # keywords somewhere, plain names elsewhere
    *("search", "spec", "vary", "hold", "data", "train", "tune", "maximize", "minimize", "seeds"),
    *("explore", "settle", "folds", "target", "table"),
    *("trials", "timeout", "prune", "sampler", "baseline", "within", "by", "then", "step", "log"),
)
TIMES = ("90s", "15min", "2h", "1.5h", "3d")


class SearchWriter(Writer):
    """Writes statements of a search instead of those of a spec."""

    def word(self) -> None:
        self.put(self.one(*NAMES, *WORDS))

    def path(self) -> None:
        self.word()
        for _ in self.times(0, 2):
            self.put(".")
            self.name(soft=False)

    def chain(self, soft: bool = True) -> None:
        self.linked(self.times(1, 2), lambda _: self.expression())

    def domain(self) -> None:
        self.put("in")
        if self.perhaps():
            self.put("{")
            self.comma_separated(self.chain, least=1)
            self.put("}")
        else:
            self.operand()
            self.put("..")
            self.operand()
            if self.perhaps():
                self.put("step")
                self.operand()
            if self.perhaps():
                self.put("log")

    def several(self, item: Callable[[], None]) -> None:
        for i in self.times(1, 3):
            if i:
                self.put(",")
            item()

    def named(self, keyword: str) -> None:
        self.put(keyword)
        self.word()
        if self.perhaps():
            self.arguments()

    def top_statement(self) -> None:
        kinds: dict[str, Callable[[], None]] = {
            "search": lambda: self.put("search", self.one(*NAMES)),
            "spec": self.spec,
            "vary": self.vary,
            "hold": self.hold,
            "train": self.train,
            "tune": self.tune,
            "explore": self.explore,
            "objective": self.objective,
            "seeds": self.seeds,
            "settle": self.settle,
            "folds": self.folds,
            "target": self.difference,
            "trials": self.trials,
            "timeout": lambda: self.put("timeout", self.one(*TIMES)),
        }
        kind = self.one(*kinds, "data", "prune", "sampler", "baseline")
        kinds.get(kind, lambda: self.named(kind))()

    def spec(self) -> None:
        self.put("spec", self.one(*NAMES, *TEXTS))
        if self.perhaps():
            self.arguments()

    def vary(self) -> None:
        def varied() -> None:
            self.path()
            if self.perhaps():
                self.domain()

        self.put("vary")
        self.several(varied)

    def hold(self) -> None:
        self.put("hold", self.one("macs", "params", "latency"), "=")
        if self.perhaps():
            self.put("{")
            self.comma_separated(self.expression, least=1)
            self.put("}")
        else:
            self.operand()
        if self.perhaps():
            self.put("within")
            self.operand()
        self.put("by")
        self.several(self.word)
        if self.perhaps():
            self.put("step", self.one(*NUMBERS))

    def train(self) -> None:
        def setting() -> None:
            self.word()
            self.put("=")
            self.chain()

        self.put("train")
        if self.perhaps():
            self.put("with")
            if self.perhaps():
                self.put("table")
            self.put(self.one(*TEXTS), ",")
        self.several(setting)

    def tune(self) -> None:
        def tuned() -> None:
            self.word()
            self.domain()

        self.put("tune")
        self.several(tuned)

    def explore(self) -> None:
        self.put("explore")
        self.word()
        self.put("=")
        self.chain()

    def objective(self) -> None:
        self.put(self.one("maximize", "minimize"))
        self.several(self.word)

    def seeds(self) -> None:
        self.put("seeds")
        self.operand()
        if self.perhaps():
            self.put("then")
            self.operand()

    def settle(self) -> None:
        self.put("settle")
        self.operand()

    def folds(self) -> None:
        self.put("folds")
        self.operand()

    def difference(self) -> None:
        self.put("target")
        self.operand()
        if self.perhaps():
            self.put(self.one("points", "loss"))

    def trials(self) -> None:
        self.put("trials")
        self.operand()
        if self.perhaps():
            self.put(",", "timeout", self.one(*TIMES))


@st.composite
def search_texts(draw: st.DrawFn, fuel: int = 30) -> str:
    """A text of up to about ``fuel`` expressions that parses."""
    writer = SearchWriter(draw, fuel)
    writer.statements(writer.top_statement, 6)
    return laid_out(writer.tokens, draw)

"""Studies that tests look at, each made once."""

from pathlib import Path
from typing import Any

import pytest
from simulation import Formula, always, by_cost, by_pattern, settle, start, too_hot, whole, work
from simulation import wide_or_deep as hill

BUDGETS = """## Is a wide or a deep network better?
search budgets
spec wide_resnet
vary depth in {10, 16, 22, 28, 40}
hold macs = {1M, 2M, 4M} within 5% by width
data digits
train epochs = 8, batch = 64
tune lr in 0.05..0.4 log
seeds 2 then 4
trials 45
prune median(warmup = 3, startup = 1)
"""
KINDS = """search kinds
spec patterns(units = 2)
vary pattern in {"residual", "dense", "fractal", "inception"}
hold macs = {1M, 2M} within 10% by width
data digits
train epochs = 4, batch = 64
seeds 2 then 3
trials 16
"""
PARETO = """search pareto
spec wide_resnet
vary depth in {10, 16, 22}, width in {0.5, 0.75, 1, 1.25}
data digits
train epochs = 4, batch = 64
maximize accuracy
minimize macs, latency
trials 12
sampler random
"""
ONE = """search one
spec wide_resnet
vary depth in {10}
hold macs = 1M within 5% by width
data digits
train epochs = 4, batch = 64
seeds 1
trials 1
"""
BAD = "</script><script>document.title=1</script><img src=x onerror=document.title=2>"
HOSTILE_SPEC = f"""## {BAD}
arch hostile(kind = "{BAD}" in {{"{BAD}", "]]>-->'b", "${{c}}"}}, width = 4 in 4..32)
input 1x8x8
stem: conv(width, 3) -> relu  # {BAD}
if kind != "]]>-->'b" {{ more: conv(width, 3) }}
if kind == "${{c}}" {{ again: conv(width, 3) }}
head: global_avgpool -> linear(10)
"""
HOSTILE_SEARCH = f"""## {BAD}
search hostile
spec "hostile.arch"
vary kind in {{"{BAD}", "]]>-->'b", "${{c}}"}}, width in {{4, 8}}
data digits
train epochs = 2, batch = 64
seeds 1
trials 6
"""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="session")
def budgets(place: Path) -> Path:
    """Three budgets, searched to the end; what is trained too hot diverges."""
    whole(place, BUDGETS, Formula(hill, fails=too_hot), seed=1)
    return place / "budgets.study"


@pytest.fixture(scope="session")
def kinds(place: Path) -> Path:
    whole(place, KINDS, Formula(by_pattern))
    return place / "kinds.study"


@pytest.fixture(scope="session")
def pareto(place: Path) -> Path:
    whole(place, PARETO, Formula(by_cost))
    return place / "pareto.study"


@pytest.fixture(scope="session")
def begun(place: Path) -> Path:
    """Planned, and nothing of it done."""
    start(place, BUDGETS.replace("search budgets", "search begun"))
    return place / "begun.study"


@pytest.fixture(scope="session")
def half(place: Path) -> Path:
    """Stopped while it explored."""
    study = start(place, BUDGETS.replace("search budgets", "search half"))
    work(study, Formula(hill), 20)
    return place / "half.study"


@pytest.fixture(scope="session")
def settling(place: Path) -> Path:
    """Stopped after three of the retrainings."""
    study = start(place, KINDS.replace("search kinds", "search settling"))
    work(study, Formula(by_pattern))
    settle(study, Formula(by_pattern), 3)
    return place / "settling.study"


@pytest.fixture(scope="session")
def failed(place: Path) -> Path:
    """Every training diverged."""
    study = start(place, KINDS.replace("search kinds", "search failed"))
    work(study, Formula(by_pattern, fails=always))
    study.stage = "done"
    return place / "failed.study"


@pytest.fixture(scope="session")
def one(place: Path) -> Path:
    """A single trial."""
    whole(place, ONE, Formula(hill))
    return place / "one.study"


def on_c(arch: Any, lr: float, seed: int) -> BaseException | None:
    return ValueError(BAD) if "c}" in str(arch.shown_knobs["kind"]) else None


@pytest.fixture(scope="session")
def hostile(place: Path) -> Path:
    """Each text in it is written to become markup or a script."""
    (place / "hostile.arch").write_text(HOSTILE_SPEC, "utf-8")
    study = start(place, HOSTILE_SEARCH, f"archdsl search '{BAD}'")
    work(study, Formula(lambda arch, lr: 0.9, fails=on_c))
    study.stage = "done"
    return place / "hostile.study"

"""What a .search file comes to, statement by statement."""

import re
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from searches import TINY, search_of, space

from archdsl import ArchError, read
from archdsl.diagnostics.source import Source
from archdsl.elaborate.knobs import Choices, Interval
from archdsl.files import SEARCH as ENDING
from archdsl.files import builtin_folder, read_source
from archdsl.registry import REGISTRY
from archdsl.search import settings
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.request import HeldCost, Objective
from archdsl.search.space import space_of
from archdsl.syntax.language import SEARCH
from archdsl.training.augmentations import Flip, RandomCrop
from archdsl.training.recipe import AdamW, Constant, OneCycle, Recipe, Sgd, Steps
from archdsl.training.sets import Cifar10, Digits, FashionMnist, ImageFolder

VARIED = "vary depth\n"


def test_what_need_not_be_said() -> None:
    search = search_of(VARIED)
    assert (search.trials, search.timeout) == (20, None)
    assert (search.explore_seeds, search.settle_seeds) == (1, 0)
    assert search.objectives == (Objective("accuracy", False),)
    assert search.recipe == Recipe()
    assert (search.pruner, search.sampler) == (settings.NoPruning(), settings.Tpe())
    assert search.hold is search.baseline is None and search.tune == {} and search.fixed == {}
    assert not search.is_pareto


def test_the_name_and_what_is_said_of_it() -> None:
    text = "## Is it?\n## It is.\nsearch mine\nspec wide_resnet\nvary depth\ndata digits\n"
    search = read_search(Source("x.search", text), None)
    assert (search.name, search.doc) == ("mine", "Is it?\nIt is.")
    bare = read_search(
        Source("a/of_a_file.search", "spec wide_resnet\nvary depth\ndata digits"), None
    )
    assert (bare.name, bare.doc) == ("of_a_file", "")


def test_specs_are_built_in_or_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "tiny.arch").write_text(TINY, "utf-8")

    def spec(text: str) -> Any:
        source = Source("x.search", f"spec {text}\nvary depth\ndata digits\n")
        search = read_search(source, tmp_path)
        return search.spec.name, search.fixed

    assert spec("wide_resnet") == ("wide_resnet", {})
    assert spec("wide_resnet(drop = 30%, classes = 5 * 2)") == (
        "wide_resnet",
        {"drop": Fraction(3, 10), "classes": 10},
    )
    assert spec('"deep/tiny.arch"') == ("tiny", {})
    assert spec('"deep/tiny.arch"(width = 4)') == ("tiny", {"width": 4})


def test_a_variant_sets_its_knobs() -> None:
    source = Source("x.search", "spec wrn_28_12\nvary drop\ndata digits\n")
    assert read_search(source, None).fixed == {"width": 12}


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("depth", Interval(1, 8, 1)),
        ("depth in 2..4", Interval(2, 4, 1)),
        ("depth in 2..8 step 2", Interval(2, 8, 2)),
        ("depth in 1..8 log", Interval(1, 8, 1, True)),
        ("depth in {1, 2, 2 * 4}", Choices((1, 2, 8), ("1", "2", "2 * 4"))),
    ],
)
def test_domains(text: str, domain: Any) -> None:
    (varied,) = search_of(f"vary {text}\n").vary
    assert (varied.path, varied.domain) == ("depth", domain)


def test_a_range_takes_the_step_of_its_knob() -> None:
    spec = read("wide_resnet")
    source = Source("x.search", "spec a\nvary depth in 10..28, width in 0.5..1\ndata digits\n")
    depth, width = read_search(source, None, spec=spec).vary
    assert list(depth.domain.enumerate()) == [10, 16, 22, 28]
    assert width.domain == Interval(Fraction(1, 2), 1, Fraction(1, 64))


def test_several_knobs() -> None:
    search = search_of("vary depth, width in {4, 8}\n")
    assert [v.path for v in search.vary] == ["depth", "width"]


def test_hold() -> None:
    hold = search_of("hold macs = {2M, 500K} within 5% by width step 4\n").hold
    assert isinstance(hold, HeldCost)
    assert (hold.cost, hold.budgets, hold.tolerance) == ("macs", (500e3, 2e6), 0.05)
    assert (hold.knobs, hold.step) == (("width",), 4)
    for text, budgets in [("params = 10K", (1e4,)), ("activations = 2 * 1K", (2e3,))]:
        short = search_of(f"hold {text} by width\n").hold
        assert short is not None and (short.budgets, short.tolerance) == (budgets, 0.02)
    found = space("vary depth\nhold latency = {2 / 1K, 0.0005} by width\n")
    assert [s.name for s in found.slices] == ["0.5ms latency", "2ms latency"]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("digits", Digits()),
        ("digits(validation = 10%, seed = 3)", Digits(validation=0.1, seed=3)),
        ("fashion_mnist(train = 5K)", FashionMnist(train=5000)),
        ('cifar10("images")', Cifar10("images")),
        ('image_folder("images", size = 32)', ImageFolder("images", 32)),
    ],
)
def test_data(text: str, data: Any) -> None:
    source = Source("x.search", f"spec wide_resnet\nvary depth\ndata {text}\n")
    assert read_search(source, None).data == data


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("epochs = 3, batch = 64, lr = 0.05", Recipe(3, 64, 0.05)),
        ("optimizer = adamw", Recipe(optimizer=AdamW())),
        ("optimizer = sgd(0.8, nesterov = false)", Recipe(optimizer=Sgd(0.8, nesterov=False))),
        ("schedule = step([2, 4], 0.5)", Recipe(schedule=Steps((2, 4), 0.5))),
        ("schedule = one_cycle", Recipe(schedule=OneCycle())),
        ("schedule = constant, clip = 1", Recipe(schedule=Constant(), clip=1.0)),
        ("augment = [crop(2), flip]", Recipe(augment=(RandomCrop(2), Flip()))),
        ("augment = flip, label_smoothing = 10%", Recipe(augment=(Flip(),), label_smoothing=0.1)),
        ("warmup = 1.5, amp = off, compile = true", Recipe(warmup=1.5, amp="off", compile=True)),
    ],
)
def test_train(text: str, recipe: Recipe) -> None:
    assert search_of(f"{VARIED}train {text}\n").recipe == recipe


def test_tune() -> None:
    text = "tune lr in 1e-3..1e-1 log, batch in {32, 64}, momentum in 0.8..0.99\n"
    tune = search_of(VARIED + text).tune
    assert tune == {
        "lr": Interval(Fraction(1, 1000), Fraction(1, 10), None, True),
        "batch": Choices((32, 64), ("32", "64")),
        "momentum": Interval(Fraction(4, 5), Fraction(99, 100), None),
    }
    assert list(search_of(f"{VARIED}tune batch in 1..4\n").tune["batch"].enumerate()) == [
        1,
        2,
        3,
        4,
    ]
    adamw = search_of(f"{VARIED}train optimizer = adamw\ntune beta2 in 0.9..0.99\n")
    assert list(adamw.tune) == ["beta2"]


def test_objectives_begin_with_what_is_learned() -> None:
    search = search_of("vary depth\nminimize macs, params\nmaximize accuracy\n")
    assert [(o.name, o.minimize) for o in search.objectives] == [
        ("accuracy", False),
        ("macs", True),
        ("params", True),
    ]
    assert search.is_pareto
    assert not search_of("vary depth\nminimize loss\n").is_pareto


def test_how_much() -> None:
    search = search_of(f"{VARIED}seeds 2 then 10\ntrials 4 * 10, timeout 1.5h\n")
    assert (search.explore_seeds, search.settle_seeds) == (2, 10)
    assert (search.trials, search.timeout) == (40, 5400)
    for text, seconds in [("90s", 90), ("15min", 900), ("2h", 7200), ("1d", 86400)]:
        assert search_of(f"{VARIED}timeout {text}\n").timeout == seconds
    assert search_of(f"{VARIED}seeds 3\n").settle_seeds == 0


@pytest.mark.parametrize(
    ("text", "pruner"),
    [
        ("none", settings.NoPruning()),
        ("median(warmup = 2)", settings.Median(2)),
        ("successive_halving(3, factor = 2)", settings.SuccessiveHalving(3, 2)),
        ("hyperband", settings.Hyperband()),
    ],
)
def test_prune(text: str, pruner: Any) -> None:
    assert search_of(f"{VARIED}prune {text}\n").pruner == pruner


@pytest.mark.parametrize(
    ("text", "sampler"),
    [
        ("tpe(startup = 4)", settings.Tpe(4)),
        ("random", settings.RandomSampling()),
        ("grid", settings.Grid()),
        ("gp", settings.Gp()),
        ("cma_es", settings.CmaEs()),
    ],
)
def test_sampler(text: str, sampler: Any) -> None:
    assert search_of(f"{VARIED}sampler {text}\n").sampler == sampler


def test_sampler_of_several_objectives() -> None:
    search = search_of(
        f"{VARIED}maximize accuracy\nminimize macs\nsampler nsga2(population = 10)\n"
    )
    assert search.sampler == settings.Nsga2(10)


def test_baseline() -> None:
    search = search_of(f"{VARIED}tune lr in 0.1..0.2\nbaseline random\n")
    assert search.baseline == settings.RandomSampling()


def test_statements_in_any_order_and_on_one_line() -> None:
    text = "data digits; trials 5; vary depth; spec wide_resnet; search x"
    assert read_search(Source("x.search", text), None).trials == 5


def test_a_statement_begins_with_each_keyword_of_the_grammar() -> None:
    grammar = (files("archdsl.grammars") / "search.lark").read_text("utf-8")
    rules = grammar.partition("?statement:")[2].partition("\n\n")[0]
    first = [re.match(r' *\|? *\(?"(\w+)"', line) for line in rules.splitlines()]
    words = {match[1].upper() for match in first if match is not None} | {"MINIMIZE"}
    assert words == SEARCH.starters


def test_every_mistake_in_one_run() -> None:
    with pytest.raises(ArchError) as caught:
        search_of(
            "vary dpth, width in 0..9\nhold mac = {1M, -1} by depht\ntrain epochs = 0\n"
            "tune lrr in 1..2\nmaximize acuracy\nseeds 0\nprune mediam\nsampler tp\n"
        )
    found = [(d.code, d.labels[0].span.text) for d in caught.value.diagnostics]
    assert found == [
        ("A502", "dpth"),
        ("A503", "0..9"),
        ("A701", "mac"),
        ("A301", "-1"),
        ("A502", "depht"),
        ("A301", "epochs = 0"),
        ("A710", "lrr"),
        ("A708", "acuracy"),
        ("A301", "0"),
        ("A701", "mediam"),
        ("A701", "tp"),
    ]


SHIPPED = sorted(path.stem for path in builtin_folder(ENDING).glob("*.search"))


def test_searches_ship() -> None:
    assert SHIPPED == [
        "characters",
        "first",
        "pareto",
        "patterns",
        "stage_widths",
        "transformer",
        "wide_or_deep",
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_search_that_ships_meets_its_budgets(name: str) -> None:
    source, folder = read_source(name, ENDING)
    search = read_search(source, folder, REGISTRY)
    assert search.name == name and search.doc.endswith((".", "?"))
    for reach in survey(space_of(search, Path())):
        assert reach.candidates is not None and len(reach.candidates) >= 4
        assert not reach.missed or len(reach.missed) < len(reach.candidates) / 5
        tolerance = search.hold.tolerance if search.hold else 0
        assert all(c.off <= tolerance for c in reach.candidates)


def test_the_budget_that_is_told_is_the_one_that_is_held() -> None:
    found = space("vary depth\nhold macs = {1.5M, 250K} by width\n")
    assert [(s.name, s.budget) for s in found.slices] == [
        ("250K macs", 250e3),
        ("1.5M macs", 1.5e6),
    ]

"""What the papers say of their families: depths, closed forms, joins, channels, probabilities."""

from fractions import Fraction
from math import prod

import networkx as nx
import pytest
from facts import FACTS, spec

import archdsl
from archdsl.graph.build import operands
from archdsl.layers.join import Add, Concat, FractalJoin

# ------------------------------------------------------------------------------- depth


@pytest.mark.parametrize(
    ("name", "knobs"),
    [("resnet", {"depth": d}) for d in (18, 34, 50, 101, 152, 200)]
    + [("resnet_cifar", {"depth": d}) for d in (8, 14, 20, 32, 44, 56, 110, 1202)]
    + [("preresnet", {"depth": d}) for d in (18, 34, 50, 101, 152, 200)]
    + [("preresnet_cifar", {"depth": d}) for d in (164, 1001)]
    + [("resnext", {"depth": d}) for d in (50, 101, 152)]
    + [("stochastic_depth", {"depth": d}) for d in (20, 110, 1202)]
    + [("densenet", {"depth": d}) for d in (121, 161, 169, 201)]
    + [
        ("densenet_cifar", {"depth": d, "bc": b})
        for d in (40, 100, 190, 250)
        for b in (False, True)
    ],
)
def test_depth_is_convolutions_and_linear_layers_without_shortcuts(
    name: str, knobs: dict[str, object]
) -> None:
    assert spec(name).with_knobs(**knobs).depth == knobs["depth"]


@pytest.mark.parametrize("depth", range(10, 53, 6))
def test_wide_resnets_count_their_three_projections_and_not_the_last_layer(depth: int) -> None:
    """WRN-n-k: n convolutions, shortcuts included, where k > 1; two more than the longest path."""
    arch = spec("wide_resnet").with_knobs(depth=depth, width=2)
    assert sum(n.layer.kind == "conv" for n in arch.flat.nodes if n.layer) == depth
    assert arch.depth == depth - 2


def test_densenet_264_is_a_layer_deeper_than_its_name() -> None:
    assert spec("densenet").with_knobs(depth=264).depth == 265


@pytest.mark.parametrize("columns", range(1, 7))
def test_fractalnets_count_the_deepest_column(columns: int) -> None:
    """Five blocks of 2^(C - 1) convolutions; the last layer is not counted in the paper."""
    assert spec("fractalnet").with_knobs(columns=columns).depth == 5 * 2 ** (columns - 1) + 1


def test_depths_by_name() -> None:
    depths = {
        "alexnet": 8,
        "zfnet": 8,
        "vgg11": 11,
        "vgg13": 13,
        "vgg16": 16,
        "vgg19": 19,
        "googlenet": 22,
        "inception_v3": 48,
        "squeezenet": 18,
        "nin": 9,
        "nin_imagenet": 12,
        "fractalnet34": 34,
        "resnext29_8x64d": 29,
    }
    assert {name: archdsl.load(name).depth for name in depths} == depths


# ------------------------------------------------------------------------ closed forms


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 9, 18, 200])
def test_parameters_of_residual_networks_for_cifar(n: int) -> None:
    family = spec("resnet_cifar")
    assert family.with_knobs(depth=6 * n + 2).params == 97_216 * n - 21_926
    assert family.with_knobs(depth=6 * n + 2, shortcut="B").params == 97_216 * n - 19_174
    plain = family.with_knobs(depth=6 * n + 2, shortcut="none")
    assert plain.params == 97_216 * n - 21_926, "shortcuts that pad cost nothing"


@pytest.mark.parametrize("depth", [164, 1001])
def test_parameters_of_preactivation_bottlenecks(depth: int) -> None:
    n = (depth - 2) // 9
    assert spec("preresnet_cifar").with_knobs(depth=depth).params == 92_736 * n + 34_010


def test_the_printed_counts_leave_normalisation_out() -> None:
    """ResNet-1001 is printed with 10.2M, ResNet-50 with 25.5M and ResNeXt-29 16x64d with 68.1M:
    without scale and shift of batch normalisation."""
    printed = {"preresnet1001": 10.2e6, "resnet50": 25.5e6, "resnext29_16x64d": 68.1e6}
    for name, count in printed.items():
        arch = archdsl.load(name)
        norms = sum(2 * n.shape[0] for n in arch.flat.nodes if n.layer and n.layer.name == "bn")
        assert round(arch.params - norms, -5) == count != round(arch.params, -5)


def test_three_small_windows_see_as_much_as_a_large_one() -> None:
    """27 C^2 weights against 49 C^2, both with a window of 7x7."""
    head = "arch a(c = 16)\ninput (c, 32, 32)\ndefault conv(bias = false)\n"
    small = archdsl.parse(head + "repeat 3 { conv(c, 3) }").with_knobs()
    large = archdsl.parse(head + "conv(c, 7)").with_knobs()
    assert small.receptive_field == large.receptive_field == (7, 7)
    assert (small.params, large.params) == (27 * 16**2, 49 * 16**2)


# ---------------------------------------------------------------------------- fractals

# How many columns meet at which step, counted in bodies of the deepest column.
JOINS = {
    1: [],
    2: [(2, 2)],
    3: [(2, 2), (4, 3)],
    4: [(2, 2), (4, 3), (6, 2), (8, 4)],
    5: [(2, 2), (4, 3), (6, 2), (8, 4), (10, 2), (12, 3), (14, 2), (16, 5)],
    6: [(2 * i, 2 + (i & -i).bit_length() - 1) for i in range(1, 17)],
}


@pytest.mark.parametrize("columns", JOINS)
def test_where_the_columns_of_a_fractal_meet(columns: int) -> None:
    """Read off the graph: how far each join is from the input, and how many meet in it."""
    text = f"arch f\ninput 8x16x16\nfractal(columns = {columns}) {{ conv(8, 3) }}\nlinear(2)"
    graph = archdsl.parse(text).with_knobs().graph
    convs = [p for p in graph if graph.nodes[p]["layer"] and graph.nodes[p]["layer"].kind == "conv"]
    assert len(convs) == 2**columns - 1
    steps = {"input": 0}
    for path in list(nx.topological_sort(graph))[1:]:
        steps[path] = max(steps[s] for s in operands(graph, path)) + (path in convs)
    joins = [p for p in graph if graph.in_degree(p) > 1]
    found = sorted((steps[p], int(graph.in_degree(p))) for p in joins)
    assert found == JOINS[columns]
    assert all(graph.nodes[path]["layer"].name == "mean" for path in joins)


def test_joined_columns_are_named_from_the_shallowest() -> None:
    arch = spec("fractalnet").with_knobs(columns=4, widths=[8], dropouts=[0])
    joins = [n.layer for n in arch.flat.nodes if isinstance(n.layer, FractalJoin)]
    assert [j.columns for j in joins] == [(3, 4), (2, 3, 4), (3, 4), (1, 2, 3, 4)]
    assert {(j.of, j.drop_path, j.global_path) for j in joins} == {(4, 0.15, 0.5)}


def test_dropouts_of_fractal_blocks() -> None:
    arch = spec("fractalnet").with_knobs()
    rates = [n.layer.p for n in arch.flat.nodes if n.layer and n.layer.name == "dropout"]
    assert rates == [p for p in (0.1, 0.2, 0.3, 0.4) for _ in range(7)]


# -------------------------------------------------------------------- stochastic depth

FIRST_UNITS = (0.990741, 0.981481, 0.972222, 0.962963, 0.953704, 0.944444, 0.935185, 0.925926)


def survival(depth: int, **knobs: object) -> list[float]:
    arch = spec("stochastic_depth").with_knobs(depth=depth, **knobs)
    return [n.layer.survive for n in arch.flat.nodes if isinstance(n.layer, Add)]


def test_survival_falls_linearly() -> None:
    found = survival(110)
    assert len(found) == 54
    assert [round(p, 6) for p in found[:8]] == list(FIRST_UNITS)
    assert found == [float(1 - Fraction(unit, 54) / 2) for unit in range(1, 55)]
    assert found[-1] == 0.5
    assert sum(found) == pytest.approx(40.25)


def test_units_that_are_expected_to_stay() -> None:
    """(3L - 1) / 4 of L units."""
    found = survival(1202)
    assert (len(found), round(found[0], 6)) == (600, 0.999167)
    assert sum(found) == pytest.approx(449.75)


def test_uniform_survival() -> None:
    assert survival(20, decay="uniform", p_last=0.8) == [0.8] * 9


def test_a_unit_that_always_stays_is_a_plain_sum() -> None:
    assert (
        spec("stochastic_depth").with_knobs(p_last=1.0).hash
        == archdsl.parse(
            spec("stochastic_depth").source.text.replace("survive = survival(l), ", "")
        )
        .with_knobs()
        .hash
    )


# --------------------------------------------------------------------------- densenets


def trace(**knobs: object) -> list[int]:
    """Channels at the start, after each block and after each transition."""
    arch = spec("densenet_cifar").with_knobs(**knobs)
    nodes = arch.flat.nodes
    found = [nodes[1].shape[0]]
    for node in nodes:
        if isinstance(node.layer, Concat):
            last = node.shape[0]
        elif node.layer is not None and node.layer.name == "avgpool":
            found += [last, node.shape[0]]
    return [*found, last]


def test_channels_of_densenets() -> None:
    assert trace(depth=40, growth=12) == [16, 160, 160, 304, 304, 448]
    assert trace(depth=100, growth=12, bc=True) == [24, 216, 108, 300, 150, 342]


def test_each_dense_layer_sees_all_before_it() -> None:
    arch = archdsl.load("densenet40")
    joins = [n for n in arch.flat.nodes if isinstance(n.layer, Concat)]
    assert [len(n.inputs) for n in joins] == [2 + i for i in range(12)] * 3
    for node in joins:
        assert [arch.flat.nodes[i].shape[0] for i in node.inputs[1:]] == [12] * (
            len(node.inputs) - 1
        )
        assert list(node.inputs) == sorted(node.inputs), "old features stand first"


# ----------------------------------------------------------------------------- resnext

FORM = """
arch form
input 256x56x56
default conv(bias = false)
residual {
  %s
}
relu
"""
PATHS = """branch add {
    repeat 32 { conv(4, 1) -> bn -> relu -> conv(4, 3) -> bn -> relu -> conv(256, 1) }
  }
  bn"""
EARLY = """branch concat {
    repeat 32 { conv(4, 1) -> bn -> relu -> conv(4, 3) -> bn -> relu }
  }
  conv(256, 1) -> bn"""
GROUPED = """conv(128, 1) -> bn -> relu
  conv(128, 3, groups = 32) -> bn -> relu
  conv(256, 1) -> bn"""


def test_three_forms_of_a_resnext_unit_are_one() -> None:
    """Separate paths that are summed, their concatenation before the last convolution, and a
    grouped convolution have the same parameters and multiply-adds."""
    forms = [archdsl.parse(FORM % body).with_knobs() for body in (PATHS, EARLY, GROUPED)]
    weights = 256 * 128 + 128 * 4 * 9 + 128 * 256
    assert {f.params for f in forms} == {weights + 2 * (128 + 128 + 256)}
    assert {f.macs for f in forms} == {weights * 56 * 56}
    assert {f.depth for f in forms} == {3}
    assert len({f.hash for f in forms}) == 3, "they are different graphs all the same"


# Width of a path for each cardinality, at about the cost of ResNet-50.
@pytest.mark.parametrize(("cardinality", "base"), [(1, 64), (2, 40), (4, 24), (8, 14), (32, 4)])
def test_cardinality_at_equal_cost(cardinality: int, base: int) -> None:
    arch = spec("resnext").with_knobs(cardinality=cardinality, base=base)
    assert 24.9e6 < arch.params < 25.7e6
    assert 4.0e9 < arch.macs < 4.3e9
    if cardinality == 1:
        assert arch.hash == archdsl.load("resnet50").hash


# --------------------------------------------------------------------------- inception


def test_channels_of_inception_modules() -> None:
    """1x1, 3x3, 5x5 and pooled channels of the nine modules, in the order of the paper."""
    table = {
        "inception3a": (64, 128, 32, 32),
        "inception3b": (128, 192, 96, 64),
        "inception4a": (192, 208, 48, 64),
        "inception4b": (160, 224, 64, 64),
        "inception4c": (128, 256, 64, 64),
        "inception4d": (112, 288, 64, 64),
        "inception4e": (256, 320, 128, 128),
        "inception5a": (256, 320, 128, 128),
        "inception5b": (384, 384, 128, 128),
    }
    graph = archdsl.load("googlenet_paper").graph
    for name, channels in table.items():
        join = f"{name}.concat1"
        arms = [graph.nodes[s]["shape"][0] for s in operands(graph, join)]
        assert tuple(arms) == channels
        assert graph.nodes[join]["shape"][0] == sum(channels)


def test_auxiliary_classifiers_train_alone() -> None:
    whole, alone = spec("googlenet").with_knobs(), spec("googlenet").with_knobs(aux=False)
    assert whole.side_outputs == {"aux1": 0.3, "aux2": 0.3}
    assert alone.side_outputs == {}
    assert whole.macs == alone.macs
    paper = spec("googlenet").with_knobs(version="paper")
    bare = spec("googlenet").with_knobs(version="paper", aux=False)
    assert paper.params - bare.params == 3_188_840 + 3_190_888


# ------------------------------------------------------------------------ the variants


def test_the_paper_and_the_slide_call_different_networks_alexnet() -> None:
    counts = {v: archdsl.load(v).params for v in ("alexnet_2012", "alexnet_cs231n", "alexnet")}
    assert counts == {
        "alexnet_2012": 60_965_224,
        "alexnet_cs231n": 62_378_344,
        "alexnet": 61_100_840,
    }


def test_parameters_of_alexnet_layer_by_layer() -> None:
    arch = archdsl.load("alexnet_2012")
    found = []
    for node in arch.flat.nodes:
        if node.layer is not None:
            inputs = tuple(arch.flat.nodes[i].shape for i in node.inputs)
            found.append(sum(prod(w.shape) for w in node.layer.weights(*inputs)))
    assert [n for n in found if n] == [
        34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000
    ]  # fmt: skip


def test_where_the_stride_stands_changes_cost_and_not_size() -> None:
    for depth, v1, v15 in ((50, 3.858, 4.089), (101, 7.570, 7.801), (152, 11.282, 11.514)):
        first = spec("resnet").with_knobs(depth=depth, stride_on="1x1")
        second = spec("resnet").with_knobs(depth=depth)
        assert first.params == second.params
        assert (round(first.macs / 1e9, 3), round(second.macs / 1e9, 3)) == (v1, v15)


def test_networks_with_the_same_figures_need_not_be_the_same() -> None:
    """ResNet-110 with padding shortcuts, plain, and with stochastic depth: three graphs."""
    three = [archdsl.load(n) for n in ("resnet110", "plain110", "stochastic_depth110")]
    assert {a.params for a in three} == {1_727_962}
    assert len({a.hash for a in three}) == 3
    assert len({f.params for f in FACTS}) < len(FACTS)

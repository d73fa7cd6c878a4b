"""One module, many calls: weights once, multiply-adds at each use."""

from pathlib import Path

import pytest
import torch
from test_by_node import assert_computes_its_graph
from torch import Tensor, nn
from torch.nn import functional as F

import archdsl
from archdsl.analysis.by_line import by_line
from archdsl.analysis.space import prove
from archdsl.cli.explain import places_of
from archdsl.cli.summary import NOTHING
from archdsl.costs.params import Params
from archdsl.costs.sums import Sums
from archdsl.diagnostics.model import ArchError
from archdsl.graph import exchange
from archdsl.ir.document import from_json, to_json
from archdsl.ir.hash import canonical_hash
from archdsl.ir.verify import verify

SIAMESE = """arch siamese(width = 4 in 2..6)
input left: 3x8x8, right: 3x8x8
block unit(c) { conv(c, 3, stride = 2) -> bn -> relu }
let eye = shared { unit(width) -> unit(2 * width) -> global_avgpool -> flatten }
left -> eye as a
right -> eye as b
branch sub { a; b }
linear(1)
"""
PYRAMID = """arch pyramid(depth = 2 in 0..4, classes = 5)
input 3x16x16
let tower = shared { repeat depth { conv(4, 3) -> relu }; conv(classes, 3) }
block level(head) { conv(4, 1) -> head -> sigmoid }
conv(4, 3) as p1
maxpool(2) -> conv(4, 3) as p2
maxpool(2) as p3
output one(when = always) { p1 -> tower }
output two(when = always) { p2 -> level(tower) }
output three(when = always) { p3 -> tower -> tanh }
"""
UNIVERSAL = """arch universal(turns = 6 in 0..12, width = 8)
input 8x5
let turn = shared { residual { conv(2 * width, 1) -> relu -> conv(width, 1) } }
repeat turns { turn }
conv(3, 1)
"""
TIED = """arch tied(width = 8 in 4..16 step 4, words = 11)
input text(ids = words): 5
let table = shared { embed(width) }
table -> positions
repeat 2 { residual { layer_norm(over = channels) -> conv(width, 1) } }
head: layer_norm(over = channels) -> unembed(table)
"""
ALL = (SIAMESE, PYRAMID, UNIVERSAL, TIED)


def built(text: str, **knobs: int) -> tuple[archdsl.Architecture, nn.Module]:
    arch = archdsl.parse(text).with_knobs(**knobs)
    verify(arch.network)
    return arch, arch.build().eval()


def test_a_siamese_network() -> None:
    arch, module = built(SIAMESE)
    unit = 3 * 9 * 4 + 4 + 2 * 4 + 4 * 9 * 8 + 8 + 2 * 8
    assert arch.params == unit + 8 + 1 == sum(p.numel() for p in module.parameters())
    assert arch.macs == 2 * (3 * 9 * 4 * 16 + 4 * 9 * 8 * 4) + 8
    assert [n.rsplit(".", 1)[0] for n in module.state_dict() if n.endswith("weight")] == [
        *("eye.unit1.conv1", "eye.unit1.bn1", "eye.unit2.conv1", "eye.unit2.bn1"),
        "linear1",
    ]
    left, right = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    eye, last = module.eye, module.linear1
    assert torch.equal(module(left, right), last(eye(left) - eye(right)))
    assert "        a = self.eye(left)  # 8\n        b = self.eye(right)  # 8\n" in arch.source()


def test_one_head_for_all_levels() -> None:
    arch, module = built(PYRAMID)
    tower = 2 * (4 * 4 * 9 + 4) + 4 * 5 * 9 + 5
    assert arch.params == (3 * 9 * 4 + 4) + (4 * 9 * 4 + 4) + tower + (4 * 4 + 4)
    pixels = 256 + 64 + 16
    assert arch.macs == 27 * 4 * 256 + 36 * 4 * 64 + 16 * 64 + pixels * (2 * 36 * 4 + 36 * 5)
    image = torch.randn(2, 3, 16, 16)
    found = module(image)
    p1 = module.conv1(image)
    p2 = module.conv2(F.max_pool2d(p1, 2))
    p3 = F.max_pool2d(p2, 2)
    assert torch.equal(found["one"], module.tower(p1))
    level = module.two if hasattr(module, "two") else module.level1
    assert torch.equal(found["two"], module.tower(level.conv1(p2)).sigmoid())
    assert torch.equal(found["three"], module.tower(p3).tanh())
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    assert torch.equal(compiled(image)["two"], found["two"])


def test_turns_of_one_module() -> None:
    for turns in (0, 1, 3, 6, 12):
        arch, module = built(UNIVERSAL, turns=turns)
        assert arch.params == (turns > 0) * (8 * 16 + 16 + 16 * 8 + 8) + 8 * 3 + 3
        assert arch.macs == 5 * (turns * 2 * 8 * 16 + 8 * 3)
        x = y = torch.randn(2, 8, 5)
        for _ in range(turns):
            y = module.turn(y)
        assert torch.equal(module(x), module.conv1(y))
    assert "for _ in range(6):\n            x = self.turn(x)" in arch.with_knobs(turns=6).source()


class Tied(nn.Module):
    """As it is written by hand, the output's weight being the embedding's."""

    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(11, 8), nn.Parameter(torch.randn(1, 5, 8))
        self.norms = nn.ModuleList(nn.LayerNorm(8) for _ in range(2))
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 11, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, text: Tensor) -> Tensor:
        x = self.wte(text) + self.wpe
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = x + layer(norm(x))
        return self.head(self.norm(x)).mT


def test_a_tied_embedding() -> None:
    """Counted once, in the results and in the gradient twice; the other's weights are taken over,
    who has two keys for them."""
    arch, module = built(TIED)
    theirs = Tied().eval()
    assert arch.params == sum(p.numel() for p in theirs.parameters())
    assert arch.macs == 5 * (2 * 8 * 8 + 8 * 11)
    names = {
        "wte": "table", "wpe": "positions1", "norm": "head.layer_norm1",
        **{f"norms.{i}": f"turn{i + 1}.layer_norm1" for i in range(2)},
        **{f"layers.{i}": f"turn{i + 1}.conv1" for i in range(2)},
    }  # fmt: skip
    archdsl.transfer(theirs, module, names=names)
    text = torch.randint(0, 11, (3, 5))
    assert torch.allclose(module(text), theirs(text), atol=1e-6)
    for net in (module, theirs):
        net(text).square().sum().backward()
    mine, wanted = module.table.weight.grad, theirs.wte.weight.grad
    assert torch.allclose(mine, wanted, atol=1e-4)
    assert "F.linear(self.layer_norm1(x).mT, table.weight).mT" in arch.source()


@pytest.mark.parametrize("text", ALL, ids=["siamese", "pyramid", "universal", "tied"])
def test_every_form_of_it(text: str, tmp_path: Path) -> None:
    """JSON of both kinds, hash, closed forms and rows that add up, and a proof of the space."""
    spec = archdsl.parse(text)
    arch = spec.with_knobs()
    assert canonical_hash(from_json(to_json(arch.network))) == arch.hash
    assert exchange.to_json(exchange.from_json(exchange.to_json(arch.graph)))
    apart = text.replace("shared {", "{").replace("unembed(table)", "conv(words, 1)")
    assert archdsl.parse(apart).with_knobs().hash != arch.hash
    root = arch.network.root
    rows = Sums((Params(),)).of_steps(root)
    assert sum(row[0] for _, row, _ in rows) == arch.params
    assert len(list(NOTHING.of_steps(root))) == len(root.steps)
    proof = prove(spec.program)
    assert proof.holds and proof.covered == proof.total
    lines = by_line(arch.network, arch.network.root.steps[0].span.source)
    assert sum(place.macs for place in lines.values()) >= arch.macs


def test_what_is_written_in_a_block_is_one_module_for_each_use() -> None:
    text = """arch net
input 4x4x4
block twice { let f = shared { conv(4, 3) }; f -> relu -> f }
repeat 3 { twice }
"""
    arch, module = built(text)
    assert arch.params == 3 * (4 * 4 * 9 + 4)
    assert arch.macs == 6 * 16 * 4 * 4 * 9
    assert list(module.state_dict())[:2] == ["twice1.f.weight", "twice1.f.bias"]
    assert arch.source().count("self.f = ") == 1
    inner = module.twice1.f
    x = torch.randn(1, 4, 4, 4)
    assert torch.equal(module.twice1(x), inner(inner(x).relu()))


MIXED = """arch net
input 4x8x8
block twice(x) { conv(4, 3) -> x -> x }
block own { let f = shared { conv(4, 3) }; f -> relu -> f }
let f = shared { conv(4, 3) -> bn -> relu }
let g = shared { f -> conv(4, 1) -> f }
let r = shared { relu }
"""
USES = (
    "f -> g -> f\nrepeat 5 { f }\nrepeat 4 { residual { g } }",
    "own\nrepeat 2 { own }\ntwice(f)\ntwice(g)\ntwice(shared { conv(4, 1) })",
    "branch add { f -> relu; g; identity }\nresidual(shortcut = f) { g -> bn }\nmaxpool(2)\nf",
    "part: { let f = shared { conv(4, 1) }; f -> f }\nfor x in [f, r, g] { x }\nfractal(2) { f }",
    "let s = shared { f -> f }\np: { s -> relu }\ntwice(s)\ntwice(f)\nrepeat 5 { s -> relu }\n"
    "let t = shared { s -> conv(4, 1) -> s }\nrepeat 2 { q: { r -> t -> s -> conv(4, 1) -> f } }",
    "conv(4, 1) as k\nlet h = shared { branch add { conv(4, 1); k } }\nh -> relu -> h -> r -> r",
    "r -> f -> r\nlet (p, q) = (shared { conv(4, 1) }, shared { bn })\np -> q -> p -> q",
)


def test_a_shared_module_within_another() -> None:
    """It is one module of each that holds it, wherever it is written there."""
    for body in (
        "let g = shared { conv(4, 3) }; g -> g",
        "own",
        "for g in [shared { conv(4, 3) }] { g -> g }",
        "given(shared { conv(4, 3) })",
        "let g = shared { conv(4, 3) }; residual(shortcut = g) { g }",
    ):
        text = f"""arch net
input 4x8x8
block own {{ let g = shared {{ conv(4, 3) }}; g -> relu -> g }}
block given(x) {{ x -> relu -> x }}
let f = shared {{ {body} }}
let other = shared {{ {body} }}
f -> relu -> f -> other
maxpool(2) -> f
"""
        arch, module = built(text)
        weights = 2 * (4 * 4 * 9 + 4)
        assert arch.params == weights == sum(p.numel() for p in module.parameters()), body
        assert prove(archdsl.parse(text).program).holds
        assert_computes_its_graph(arch)


def test_the_inner_module_has_its_weights_too() -> None:
    text = """arch net
input 4x4x4
let f = shared { let g = shared { conv(in.channels, 1) }; g -> g }
f -> conv(5, 1) -> f
"""
    with pytest.raises(ArchError, match="its `g` has other arguments here"):
        archdsl.parse(text).with_knobs()


@pytest.mark.parametrize("uses", USES)
def test_the_source_computes_its_graph(uses: str) -> None:
    """Node by node, with gradients and statistics of modules that are called several times."""
    arch = archdsl.parse(MIXED + uses).with_knobs()
    assert_computes_its_graph(arch)
    module = arch.build()
    assert arch.params == sum(p.numel() for p in module.parameters())
    assert arch.figures.buffers == sum(b.numel() for b in module.buffers())


def test_a_proof_follows_each_option_that_applies_a_shared_layer_first() -> None:
    start = "arch n(w = 4 in 2..6)\ninput 4x8x8\n"
    found = prove(
        archdsl.parse(
            f"{start}let g = shared {{ conv(in.channels, 3) }}\n"
            "choose op { b: conv(6, 1); a: { g -> relu -> conv(6, 1) } }\ng"
        ).program
    ).counterexample
    assert found is not None and found.knobs["op"] == "a"
    assert [d.kind.code for d in found.diagnostics] == ["A242"]
    found = prove(
        archdsl.parse(
            "arch n(w = 4 in 2..6)\ninput t(ids = 11): 5\nlet e = shared { embed(w) }\n"
            "choose op { b: e; a: embed(w) }\nunembed(e)"
        ).program
    ).counterexample
    assert found is not None and found.knobs["op"] == "a"
    assert [d.kind.code for d in found.diagnostics] == ["A243"]


def test_a_proof_takes_one_option_of_each_kind() -> None:
    """Ten choices of which one option applies the shared layer: one run for each place of its
    first use, two where it is not the end, not one for each of 3^10."""
    start = "arch n\ninput 4x8x8\nlet f = shared { conv(4, 1) }\nlet g = shared { f -> relu }\n"
    inner = "{ let h = shared { conv(4, 1) }; h -> h }"
    many = f"repeat 10 {{ choose {{ a: f; b: conv(4, 1); c: {inner} }} }}\nf"
    proof = prove(archdsl.parse(start + many).program)
    assert proof.holds and proof.complete and proof.runs == 21
    alike = "choose op { a: g; b: { g -> relu } }\ng"
    assert prove(archdsl.parse(start + alike).program).runs == 1


def test_a_module_that_is_put_in_place_is_not_passed_on() -> None:
    text = """arch net
input 4x8x8
let f = shared { conv(4, 1) }
let g = shared { f -> f }
p: { g -> relu }
"""
    arch, _ = built(text)
    assert "return self.p(x, self.f)" in arch.source() and "self.g" not in arch.source()
    assert_computes_its_graph(arch)
    tied = """arch net
input text(ids = 11): 5
let words = shared { embed(8) }
let start = shared { words }
p: { start -> positions }
conv(8, 1) -> unembed(words)
"""
    arch, module = built(tied)
    assert "self.p(text, self.words)" in arch.source()
    assert module(torch.randint(0, 11, (2, 5))).shape == (2, 11, 5)


def test_each_line_has_the_weights_of_a_shared_module_once() -> None:
    text = """arch net
input 4x8x8
let f = shared { conv(4, 3) }
let g = shared { conv(4, 1) -> relu }
repeat 12 { f }
g -> f
g
"""
    arch = archdsl.parse(text).with_knobs()
    found = [(p.span.line, p.costs["params"], p.costs["macs"]) for p in places_of(arch)]
    assert found == [
        *((4, 20, 2 * 16 * 64), (4, 0, 0)),
        *((5, 148, 12 * 144 * 64), (6, 0, 144 * 64)),
    ]
    assert sum(row[1] for row in found) == arch.params
    named = {p: [m.paths for m in places_of(arch, p)] for p in ("g", "g2.conv1", "f")}
    assert named["g"] == [["g1.conv1", "g2.conv1"], ["g1.relu1", "g2.relu1"]]
    assert named["g2.conv1"] == [["g2.conv1"]]
    assert named["f"] == [[f"f{i}" for i in range(1, 13)], ["f13"]]


CASES = {
    "A145": "shared { conv(4, 3) }",
    "A146": "let f = shared { choose op { conv(4, 3); conv(4, 5) } }\nf",
    "A242": "let f = shared { conv(4, 3) }\nf -> conv(5, 1) -> f",
    "A243": "let f = shared { conv(4, 3) }\nf -> unembed(f)",
    "A141": "let f = shared { conv(4, 3) }\nf: conv(4, 1)\nf -> f",
}


@pytest.mark.parametrize("code", CASES)
def test_mistakes(code: str) -> None:
    with pytest.raises(ArchError) as error:
        archdsl.parse(f"arch net\ninput 4x4x4\n{CASES[code]}").with_knobs()
    assert [d.kind.code for d in error.value.diagnostics] == [code]


def test_the_reason_why_it_is_no_one_module() -> None:
    for body, reason in {
        "conv(4, 3)": "it has a weight of 4x4x3x3 at first, and of 4x5x3x3 here",
        "relu -> conv(in.channels, 1)": "its `conv1` has other arguments here",
        "if in.channels > 4 { conv(4, 1) }; relu": "where it has `relu1` at first, it has",
    }.items():
        text = f"arch net\ninput 4x4x4\nlet f = shared {{ {body} }}\nf -> conv(5, 1) -> f"
        with pytest.raises(ArchError) as error:
            archdsl.parse(text).with_knobs()
        (found,) = error.value.diagnostics
        assert found.kind.code == "A242" and reason in found.message, found.message


def test_a_body_without_braces() -> None:
    for written in ("conv(8, 3)", "conv(8, 3) -> relu", "relu"):
        with pytest.raises(ArchError) as error:
            archdsl.parse(f"arch net\ninput 4x4x4\nlet f = shared {written}\nf")
        (found,) = error.value.diagnostics
        assert found.help == (f"put the body in braces: `shared {{ {written} }}`",)

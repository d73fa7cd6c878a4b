"""Networks that give several results in evaluation: `output p3(when = always) { ... }`."""

from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.analysis.space import prove
from archdsl.graph import exchange
from archdsl.ir.document import from_json, to_json
from archdsl.ir.hash import canonical_hash
from archdsl.ir.verify import verify
from archdsl.pictures.structure import Edge, outline

PYRAMID = """arch pyramid(width = 4 in 2..8)
input 3x16x16
conv(width, 3, stride = 2) -> relu as c2
conv(2 * width, 3, stride = 2) -> relu as c3
conv(width, 1)
upsample(2) -> branch add { identity; c2 -> conv(width, 1) }
output p2(when = always, weight = 0) { conv(width, 3) }
output c3(when = always, weight = 0) { c3 }
"""
EXITS = """arch exits
input 3x8x8
repeat 2 {
  conv(4, 3) -> relu
  output exit(when = always, weight = 0.5) { global_avgpool -> linear(5) }
}
output aux(weight = 0.3) { global_avgpool -> linear(5) }
conv(6, 3) -> global_avgpool -> linear(5)
"""


def made(text: str) -> archdsl.Architecture:
    arch = archdsl.parse(text).with_knobs()
    verify(arch.network)
    return arch


def test_a_pyramid_gives_its_levels_by_name() -> None:
    arch = made(PYRAMID)
    assert arch.outputs == {"p2": (4, 8, 8), "c3": (8, 4, 4)}
    # 3 -> 4 -> 8 -> 4, lateral 4 -> 4, smoothing 4 -> 4
    assert arch.params == 112 + 296 + 36 + 20 + 148
    assert arch.macs == 108 * 64 + 288 * 16 + 32 * 16 + 16 * 64 + 144 * 64
    assert arch.depth == 4 and arch.figures.side_macs == 0
    module = arch.build().eval()
    image = torch.randn(2, 3, 16, 16)
    found = module(image)
    c2 = module.conv1(image).relu()
    c3 = module.conv2(c2).relu()
    up = torch.nn.functional.interpolate(module.conv3(c3), scale_factor=2)
    lateral = next(m for n, m in module.named_children() if n.startswith("branch"))
    assert list(found) == ["p2", "c3"] and torch.equal(found["c3"], c3)
    assert torch.equal(found["p2"], module.p2(up + lateral(c2)))
    compiled = torch.compile(module, fullgraph=True, backend="eager")(image)
    assert all(torch.equal(compiled[k], found[k]) for k in found)
    assert list(module.train()(image)) == ["p2", "c3"]
    assert module.loss(found, None) == 0


def test_every_candidate_is_proved() -> None:
    proof = prove(archdsl.parse(PYRAMID).program)
    assert (proof.holds, proof.covered) == (True, 7)


def test_early_exits_with_a_main_result_and_one_in_training() -> None:
    arch = made(EXITS)
    assert list(arch.outputs) == ["main", "exit1", "exit2"]
    assert arch.side_outputs == {"aux": 0.3} and arch.figures.side_macs == 20
    module = arch.build().eval()
    image = torch.randn(2, 3, 8, 8)
    target = torch.tensor([1, 2])
    assert list(module(image)) == ["main", "exit1", "exit2"]
    outputs = module.train()(image)
    assert list(outputs) == ["main", "exit1", "exit2", "aux"]
    losses = {k: torch.nn.functional.cross_entropy(y, target) for k, y in outputs.items()}
    wanted = losses["main"] + 0.5 * (losses["exit1"] + losses["exit2"]) + 0.3 * losses["aux"]
    assert torch.allclose(module.loss(outputs, target), wanted)


def test_json_and_hash_have_the_results() -> None:
    arch = made(PYRAMID)
    network = from_json(to_json(arch.network))
    assert network.root.results == arch.network.root.results
    assert canonical_hash(network) == arch.hash
    graph = exchange.from_json(exchange.to_json(arch.graph))
    assert graph.graph["results"] == {"p2": ("p2", 0.0), "c3": ("relu2", 0.0)}
    renamed = made(PYRAMID.replace("p2", "finest"))
    heavier = made(PYRAMID.replace("weight = 0", "weight = 1", 1))
    alone = made(PYRAMID.rpartition("output")[0])
    assert renamed.hash == arch.hash
    assert len({arch.hash, heavier.hash, alone.hash}) == 3


def test_a_drawing_has_a_line_to_each_result() -> None:
    _, edges = outline(made(PYRAMID).network, 2)
    last = "2 tensors"
    into = [(edge.source, edge.shape) for edge in edges if edge.target == last]
    assert into == [("[p2]", "4x8x8"), ("[c3]", "8x4x4")] and Edge(last, "output") in edges


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("output a(when = always) { relu }\noutput a(when = always) { silu }", "A135"),
        ("output a(when = sometimes) { relu }", "A104"),
        ("output main(when = always) { relu }", "A143"),
    ],
)
def test_mistakes(text: str, code: str) -> None:
    with pytest.raises(archdsl.ArchError, match=code):
        archdsl.parse(f"arch net\ninput 3x8x8\nconv(4, 3)\n{text}\nconv(2, 1)").with_knobs()


def test_data_want_a_main_result() -> None:
    from archdsl.training.fit import check_fit

    check_fit(made(EXITS), (3, 8, 8), 5)
    with pytest.raises(archdsl.ArchError, match="it gives p2, c3, and none of them is its main"):
        check_fit(made(PYRAMID), (3, 16, 16), 5)


def test_exports_give_all_results(tmp_path: Path) -> None:
    from archdsl.backend.export import write_onnx, write_pt2

    onnxruntime = pytest.importorskip("onnxruntime")
    module, image = made(EXITS).build().eval(), torch.randn(2, 3, 8, 8)
    write_pt2(module, image, tmp_path / "x.pt2")
    found = torch.export.load(str(tmp_path / "x.pt2")).module()(image)
    assert all(torch.allclose(found[k], y, atol=1e-6) for k, y in module(image).items())
    assert write_onnx(module, image, tmp_path / "x.onnx") < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"))
    assert [item.name for item in session.get_outputs()] == ["main", "exit1", "exit2"]


def test_a_result_that_starts_from_a_kept_tensor_leaves_the_main_one() -> None:
    text = "arch two\ninput 3x8x8\nconv(8, 3) as t\nconv(4, 1)\n"
    arch = made(text + "output o(when = always) { t -> conv(5, 1) -> relu }\n")
    assert arch.outputs == {"main": (4, 8, 8), "o": (5, 8, 8)}
    found = arch.build()(torch.zeros(2, 3, 8, 8))
    assert {name: t.shape[1] for name, t in found.items()} == {"main": 4, "o": 5}

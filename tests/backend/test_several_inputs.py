"""Networks into which several tensors come, and token ids."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import archdsl
from archdsl.analysis.space import prove
from archdsl.backend.example_inputs import another, examples
from archdsl.cli.main import cli
from archdsl.freeze import freeze
from archdsl.graph import exchange
from archdsl.ir.document import from_json, to_json
from archdsl.ir.hash import canonical_hash
from archdsl.ir.verify import verify
from archdsl.layers.base import Layer, shape_of
from archdsl.layers.ids import Ids
from archdsl.registry import REGISTRY

TWO = """arch two(width = 4 in 2..8)
input image: 3x8x8, numbers: 10
stem: conv(width, 3) -> relu -> global_avgpool -> flatten
branch concat {
  identity
  numbers -> linear(6) -> relu
}
linear(5)
"""


def test_a_network_of_two_inputs() -> None:
    arch = archdsl.parse(TWO).with_knobs()
    assert arch.inputs == {"image": (3, 8, 8), "numbers": (10,)}
    assert arch.params == (3 * 9 * 4 + 4) + (10 * 6 + 6) + (10 * 5 + 5)
    assert (arch.depth, arch.receptive_field) == (2, (8, 8))
    module = arch.build().eval()
    image, numbers = torch.randn(2, 3, 8, 8), torch.randn(2, 10)
    result = module(image=image, numbers=numbers)
    pooled = module.stem(image).flatten(1)
    beside = torch.relu(module.branch2.linear1(numbers))
    assert torch.equal(result, module.linear1(torch.cat([pooled, beside], 1)))
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    assert torch.equal(compiled(image, numbers), result)
    assert "def forward(self, image: Tensor, numbers: Tensor) -> Tensor:" in arch.source()


def test_every_candidate_is_proved_and_counted() -> None:
    proof = prove(archdsl.parse(TWO).program)
    assert (proof.holds, proof.total, proof.covered) == (True, 7, 7)


def test_what_comes_in_is_part_of_the_hash_in_its_order() -> None:
    arch = archdsl.parse(TWO).with_knobs()
    named = archdsl.parse(TWO.replace("numbers", "others")).with_knobs()
    assert named.hash == arch.hash
    text = "arch net\ninput a: 4, b: 4\nbranch concat { identity; b -> relu }\nlinear(2)"
    turned = text.replace("identity; b -> relu", "b; identity -> relu")
    hashes = {archdsl.parse(t).with_knobs().hash for t in (text, turned)}
    assert len(hashes) == 2


def test_json_keeps_the_inputs() -> None:
    arch = archdsl.parse(TWO).with_knobs()
    network = from_json(to_json(arch.network))
    assert network.inputs == ("image", "numbers") and canonical_hash(network) == arch.hash
    text = exchange.to_json(arch.graph)
    graph = exchange.from_json(text)
    assert graph.graph["inputs"] == ("input.image", "input.numbers")
    assert exchange.to_json(graph).count("input.numbers") == text.count("input.numbers")
    with pytest.raises(archdsl.ArchError, match="A009"):
        from_json(to_json(arch.network).replace('"numbers"\n', '"image"\n'))


def test_another_shape_replaces_the_first() -> None:
    arch = archdsl.parse(TWO).with_knobs(input=(3, 16, 16))
    assert arch.inputs == {"image": (3, 16, 16), "numbers": (10,)}
    assert "input image: 3x16x16, numbers: 10" in freeze(arch)
    assert archdsl.parse(freeze(arch)).with_knobs().hash == arch.hash


def test_summary_and_drawing_show_all(tmp_path: Path) -> None:
    (tmp_path / "two.arch").write_text(TWO)
    shown = CliRunner().invoke(cli, ["summary", str(tmp_path / "two.arch"), "--columns", "field"])
    assert "image" in shown.output and "numbers" in shown.output
    CliRunner().invoke(cli, ["draw", str(tmp_path / "two.arch"), "-o", str(tmp_path / "t.dot")])
    text = (tmp_path / "t.dot").read_text()
    assert '"input.image" -> "stem' in text and '"input.numbers" -> "branch2' in text
    CliRunner().invoke(cli, ["draw", str(tmp_path / "two.arch"), "-o", str(tmp_path / "t.svg")])
    assert "numbers 10" in (tmp_path / "t.svg").read_text()


def test_data_of_one_tensor_is_refused() -> None:
    from archdsl.training.fit import check_fit

    arch = archdsl.parse(TWO).with_knobs()
    with pytest.raises(archdsl.ArchError, match="it takes image, numbers"):
        check_fit(arch, (3, 8, 8), 5)


class Embed(Layer):
    """Vectors for ids, in a test."""

    name = "embedding_of_a_test"
    takes_ids = True

    def shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        (ids,) = inputs
        assert isinstance(ids, Ids)
        return (ids.vocabulary, *ids)


def test_ids_meet_layers_that_take_them_alone() -> None:
    registry = REGISTRY.with_added([Embed])
    text = "arch net(n = 9)\ninput text(ids = n + 1): n\nembedding_of_a_test\nconv(2, 1)"
    arch = archdsl.parse(text, registry=registry).with_knobs()
    verify(arch.network)
    assert arch.inputs == {"text": Ids((9,), 10)} and arch.output == (2, 9)
    assert arch.shapes["embedding_of_a_test1"] == (10, 9)
    network = from_json(to_json(arch.network), registry)
    assert network.root.input == Ids((9,), 10) != (9,)
    longer = arch.with_knobs(input=12)
    assert longer.input == Ids((12,), 10) and longer.hash != arch.hash
    assert shape_of(Embed(), [Ids((3,), 7)]) == (7, 3)
    with pytest.raises(archdsl.ArchError, match="A240"):
        archdsl.parse(text.replace("embedding_of_a_test", "relu"), registry=registry).with_knobs()
    with pytest.raises(archdsl.ArchError, match="A240"):
        join = "branch concat { identity; identity }\nembedding_of_a_test"
        archdsl.parse(text.replace("embedding_of_a_test", join), registry=registry).with_knobs()


def test_examples_are_of_the_kind_that_is_wanted() -> None:
    numbers, ids = examples([(3, 4), Ids((5,), 7)], 2)
    assert numbers.shape == (2, 3, 4) and numbers.is_floating_point()
    assert ids.shape == (2, 5) and ids.dtype == torch.int64 and ids.min() >= 0 and ids.max() < 7
    more = another((numbers, ids), 3)
    assert [tuple(t.shape) for t in more] == [(3, 3, 4), (3, 5)] and more[1].max() <= ids.max()


def test_exports_have_the_names(tmp_path: Path) -> None:
    from archdsl.backend.export import write_onnx, write_pt2

    onnxruntime = pytest.importorskip("onnxruntime")
    arch = archdsl.parse(TWO).with_knobs()
    module, given = arch.build().eval(), examples(arch.inputs.values(), 2)
    write_pt2(module, given, tmp_path / "x.pt2")
    program = torch.export.load(str(tmp_path / "x.pt2")).module()
    image, numbers = examples(arch.inputs.values(), 3)
    assert torch.allclose(program(image, numbers), module(image, numbers), atol=1e-6)
    assert write_onnx(module, given, tmp_path / "x.onnx", inputs=list(arch.inputs)) < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"))
    assert [item.name for item in session.get_inputs()] == ["image", "numbers"]

"""Token ids become vectors, and positions are told by waves."""

import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from running import elaborated, module_of, run
from torch import nn

import archdsl
from archdsl.cli.main import cli
from archdsl.layers.ids import Ids

TEXT = """## A small decoder of characters.
arch chars(width = 32 in 16..64 step 16, depth = 2 in 1..4, length = 12, vocabulary = 7)
use "lib/transformer.arch": attention, mlp
input words(ids = vocabulary): length
embed(width) -> sinusoids
repeat depth {
  residual { rms_norm -> attention(width / 16, causal = true) }
  residual { rms_norm -> mlp }
}
head: rms_norm -> conv(vocabulary, 1)
"""


def test_an_embedding_is_pytorchs_with_channels_first() -> None:
    layer = elaborated("embed(16, init = normal(0.02))", Ids((5,), 9))[0]
    module = module_of(layer, Ids((5,), 9))
    assert isinstance(module, nn.Embedding) and module.weight.shape == (9, 16)
    ids = torch.tensor([[0, 3, 8, 3, 1]])
    wanted = nn.functional.embedding(ids, module.weight).mT
    assert torch.equal(module(ids), wanted)


def test_sinusoids_are_the_papers() -> None:
    """PE(p, 2i) = sin(p / 10000^(2i / d)) and PE(p, 2i + 1) its cosine."""
    layer = elaborated("sinusoids", (6, 4))[0]
    found = run(layer, torch.zeros(1, 6, 4))[0]
    for i in range(3):
        for p in range(4):
            angle = p / 10000 ** (2 * i / 6)
            torch.testing.assert_close(found[2 * i, p].item(), math.sin(angle))
            torch.testing.assert_close(found[2 * i + 1, p].item(), math.cos(angle))


def test_what_comes_before_does_not_see_what_comes_after() -> None:
    torch.manual_seed(0)
    module = archdsl.parse(TEXT).with_knobs().build().eval()
    ids = torch.randint(7, (2, 12))
    changed = ids.clone()
    changed[:, 8] = (ids[:, 8] + 1) % 7
    apart = (module(ids) != module(changed)).any(1).any(0)
    assert apart.tolist() == [False] * 8 + [True] * 4
    assert module(ids[:, :5]).shape == (2, 7, 5)  # any length
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    assert torch.equal(compiled(ids), module(ids))


def test_figures_are_polynomials_in_the_length(tmp_path: Path) -> None:
    (tmp_path / "chars.arch").write_text(TEXT.replace("length = 12", "length = 12 in 1..64"))
    shown = CliRunner().invoke(cli, ["explain", str(tmp_path / "chars.arch"), "--knob", "length"])
    assert "MACs         128 length^2 + 24,800 length" in shown.output


@pytest.mark.parametrize("ending", ["onnx", "pt2"])
def test_exports_take_ids(ending: str, tmp_path: Path) -> None:
    spec, out = tmp_path / "chars.arch", tmp_path / f"chars.{ending}"
    spec.write_text(TEXT.replace("depth = 2", "depth = 1"))
    made = CliRunner().invoke(cli, ["compile", str(spec), "-o", str(out)])
    assert made.exit_code == 0, made.output
    ids = torch.randint(7, (3, 12))
    if ending == "pt2":
        assert torch.export.load(out).module()(ids).shape == (3, 7, 12)
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
        (result,) = session.run(None, {"words": ids.numpy()})
        assert result.shape == (3, 7, 12)


def test_numbers_are_no_ids() -> None:
    with pytest.raises(archdsl.ArchError, match="A234"):
        archdsl.parse("arch a()\ninput 3x32x32\nembed(64)").with_knobs()

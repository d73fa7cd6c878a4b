"""Exports whose height and width are free: `archdsl compile --any-size`."""

from pathlib import Path
from typing import Any

import pytest
import torch

from archdsl import ArchError, parse
from archdsl.backend.export import resized, write_onnx, write_pt2

POOLED = (
    "arch a\ninput 3x16x16\nconv(4, 3, stride = 2) -> bn -> relu\nglobal_avgpool -> linear(5)\n"
)
SAME = POOLED.replace(
    "stride = 2", "stride = 2, pad = same"
)  # how much is padded depends on the size
FLAT = "arch a\ninput 3x16x16\nconv(4, 3, stride = 2) -> relu -> linear(5)\n"


def module(text: str) -> Any:
    torch.manual_seed(0)
    return parse(text).with_knobs().build().eval()


def test_a_program_takes_other_sizes(tmp_path: Path) -> None:
    network, path = module(POOLED), tmp_path / "a.pt2"
    write_pt2(network, torch.randn(2, 3, 16, 16), path, any_size=True)
    images = torch.randn(3, 3, 25, 40)
    found = torch.export.load(path).module()(images)
    torch.testing.assert_close(found, network(images))


@pytest.mark.slow
@pytest.mark.parametrize("text", [POOLED, SAME])
def test_an_onnx_file_takes_other_sizes(text: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    network, path = module(text), tmp_path / "a.onnx"
    assert write_onnx(network, torch.randn(2, 3, 16, 16), path, any_size=True) < 1e-4
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = torch.randn(3, 3, 25, 40)
    (found,) = session.run(None, {"input": images.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), network(images).detach())


@pytest.mark.parametrize("ending", ["pt2", "onnx"])
def test_a_network_of_one_size_says_so(ending: str, tmp_path: Path) -> None:
    write = {"pt2": write_pt2, "onnx": write_onnx}[ending]
    with pytest.raises(ArchError) as caught:
        write(module(FLAT), torch.randn(2, 3, 16, 16), tmp_path / f"a.{ending}", any_size=True)
    said = str(caught.value)
    assert "A604" in said and "its sizes cannot be free: images of 3x32x16 fail" in said
    assert "global_avgpool before the first linear" in said
    assert not (tmp_path / f"a.{ending}").exists()


def test_a_size_that_is_no_multiple_is_compared_where_there_is_one() -> None:
    """Padding and rounding show there alone."""
    even = "arch a\ninput 3x16x16\nbranch add { conv(3, 1); maxpool(2) -> upsample(2) }\n"
    sizes = {}
    for text in (POOLED, even):
        others = resized(module(text), (torch.randn(2, 3, 16, 16),), "pt2")
        sizes[text] = [tuple(x.shape[2:]) for (x,) in others]
    assert sizes == {POOLED: [(32, 16), (32, 32), (33, 17)], even: [(32, 16), (32, 32)]}

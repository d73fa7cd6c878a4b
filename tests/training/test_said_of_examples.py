"""What a network says of each example, in a byte each."""

from base64 import b64encode
from zlib import compress

import numpy as np
import pytest
import torch
from torch import nn

from archdsl.search.kinds import EXAMPLES, Wrong, read
from archdsl.training.data.splits import Images, Splits
from archdsl.training.evaluate import evaluate, examine
from archdsl.training.examples import Examined, has_losses, loss_of, packed, right_of, written


def test_right_or_wrong_is_kept_and_the_loss_to_six_percent() -> None:
    random = torch.Generator().manual_seed(1)
    right = (torch.rand(5000, generator=random) < 0.9).float()
    loss = torch.exp(torch.rand(5000, generator=random) * 13 - 10)  # 0.00005 to 20
    codes = packed(Examined(right, loss).written())
    assert len(codes) == 5000 and right_of(codes).tolist() == right.tolist()
    assert np.abs(loss_of(codes) / loss.numpy() - 1).max() < 0.06


def test_losses_beyond_what_is_counted_are_at_its_ends() -> None:
    codes = packed(Examined(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1e9])).written())
    assert loss_of(codes) == pytest.approx([2**-16, 2 ** (127 / 6 - 16)])
    assert right_of(codes).tolist() == [1, 0]


def test_losses_from_elsewhere_are_written_alike() -> None:
    right, loss = torch.tensor([1.0, 0.0, 1.0]), torch.tensor([0.01, 3.0, 0.0])
    text = Examined(right, loss).written()
    assert written([True, False, True], [0.01, 3.0, 0.0]) == text
    assert has_losses(packed(text)) and not has_losses(packed(written([True, False, True])))


def test_ten_thousand_examples_take_a_few_kilobytes() -> None:
    random = torch.Generator().manual_seed(2)
    loss = torch.exp(torch.randn(10_000, generator=random) * 2 - 4)
    assert len(Examined((loss < 0.7).float(), loss).written()) < 12_000


@pytest.mark.parametrize(
    "text",
    [None, 7, "", "no letters!", "aGVsbG8=", b64encode(compress(b"")).decode(),
     b64encode(compress(b"abc")[:-2]).decode(), b64encode(compress(b"abc") + b"x").decode()],
)  # fmt: skip
def test_what_nobody_wrote_is_refused(text: object) -> None:
    with pytest.raises(Wrong, match="of each example"):
        read(EXAMPLES, text)


def test_a_text_that_unpacks_to_more_than_there_may_be_is_refused() -> None:
    with pytest.raises(Wrong):
        read(EXAMPLES, b64encode(compress(bytes((1 << 26) + 1))).decode())


def test_the_answers_are_in_the_order_of_the_images() -> None:
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1) * 20
    part = Images(images, torch.tensor([0, 1] * 5))
    splits = Splits(part, part, lambda: part, 2)
    module = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    module[1].weight = nn.Parameter(torch.tensor([[-1.0], [1.0]]))  # bright images are of class 1
    found = examine(module, part, splits)
    assert found.right.tolist() == [1, 0, 1, 0, 1, 1, 0, 1, 0, 1]
    assert found.means == evaluate(module, part, splits)
    assert found.means[0] == 0.6 and len(found.loss) == 10

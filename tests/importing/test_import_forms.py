"""Operations as people write them by hand, each checked to be the layers that it becomes."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.importing.running import compare

Function = Callable[[torch.Tensor], torch.Tensor]
LOW = float("-inf")


class Around(nn.Module):
    """A convolution to 8 channels, a function of it, and nothing else."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.conv(x))


def squares(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 3, 5, 1, 2, 4)
    return x.reshape(n, c * 16, h // 4, w // 4)


def arms(x: torch.Tensor) -> torch.Tensor:
    """Selective kernels and split attention: arms that are weighed against each other."""
    x = x.view(len(x), 2, 4, *x.shape[2:])
    gates = x.mean((3, 4), keepdim=True) if x.dim() < 4 else x.sum(1).mean((2, 3), keepdim=True)
    gates = torch.cat([gates, gates * 2], 1).view(len(x), 2, 4, 1, 1).softmax(1)
    return (x * gates).sum(1)


def by_size(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """Padded as TensorFlow does, by what the size asks for."""
    rooms = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in reversed(x.shape[2:])]
    return F.pad(x, [side for n in rooms for side in (n // 2, n - n // 2)], value=LOW)


ARMS = """
branch mul {
  identity
  {
    residual(shortcut = split(2, 1)) { split(2, 2) }
    global_avgpool
    branch concat { identity; times(2) } -> reshape(2x4) -> softmax -> reshape(8x1x1)
  }
}
residual(shortcut = split(2, 1)) { split(2, 2) }"""
# What stands after the convolution.
FORMS: dict[str, tuple[Function, str]] = {
    "length": (F.normalize, " -> l2_norm"),
    "halves": (lambda x: F.glu(x, 1), " -> glu"),
    "halves of last": (lambda x: F.glu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), " -> glu"),
    "soft": (lambda x: F.softplus(x, 2), " -> softplus(beta = 2)"),
    "softer": (lambda x: F.softplus(x, beta=-0.5, threshold=20), " -> softplus(beta = -0.5)"),
    "axes": (
        lambda x: x.permute(0, 2, 3, 1),
        " -> transpose(second = height) -> transpose(first = height, second = width)",
    ),
    "softmax": (lambda x: x.flatten(2).softmax(-1), " -> flatten_space -> softmax(over = tokens)"),
    "rows": (lambda x: x.softmax(2), " -> softmax(over = height)"),
    "below": (
        lambda x: torch.cat([x, x * 2], 2),
        "\n[identity, times(2)] -> concat(over = height)",
    ),
    "sum": (lambda x: x.sum((2, 3)), " -> global_sumpool -> flatten"),
    "mean of a stack": (
        lambda x: torch.stack([x, x.relu()]).mean(0),
        "\nbranch mean { identity; relu }",
    ),
    "most of a stack": (
        lambda x: torch.stack([x, x.relu()], 2).amax(2),
        "\nbranch max { identity; relu }",
    ),
    "greatest of a stack": (
        lambda x: torch.stack([x, x.relu()]).max(0)[0],
        "\nbranch max { identity; relu }",
    ),
    "the only pixel": (
        lambda x: F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0],
        " -> global_avgpool -> flatten",
    ),
    "asked to be single": (
        lambda x: x.to(torch.float32) + x.softmax(1, torch.float32),
        "\nresidual { softmax }",
    ),
    "sum of channels": (lambda x: x.sum(1, keepdim=True), " -> channel_sumpool"),
    "stack": (lambda x: torch.stack([x, x * 2], 1).sum(1), "\nresidual { times(2) }"),
    "arms": (arms, ARMS),
    "squares": (squares, " -> pixel_unshuffle(4) -> channel_shuffle(8)"),
    "cut off": (lambda x: F.pad(x, (-1, 1, -1, 1)), " -> pad(after = 2) -> crop(1)"),
    "causal": (
        lambda x: F.pad(x, (2, 2))[..., :-2],
        " -> pad(size = [0, 2]) -> crop(after = [0, 2])",
    ),
    "both ends": (lambda x: x[:, :, 1:-2, 3:], " -> crop(before = 1x3, after = [2, 0])"),
    "greatest": (
        lambda x: x.flatten(2).max(2, keepdim=True)[0],
        " -> flatten_space -> global_maxpool",
    ),
    "two tensors": (lambda x: torch.max(x, x * 2), "\nbranch max { identity; times(2) }"),
    "over its norm": (lambda x: x / x.norm(dim=1, keepdim=True), " -> l2_norm(eps = 0)"),
    "over its norm of 2": (lambda x: x / torch.norm(x, 2, 1, True), " -> l2_norm(eps = 0)"),
    "over a norm of at least": (
        lambda x: x / torch.linalg.norm(x, dim=1, keepdim=True).clamp(min=1e-6),
        " -> l2_norm(eps = 1e-06)",
    ),
    "over its length": (
        lambda x: x / x.square().sum(1, keepdim=True).sqrt(),
        " -> l2_norm(eps = 0)",
    ),
    "at most 6": (lambda x: torch.clamp(x, 0, 6), " -> relu6"),
    "clipped": (lambda x: torch.clip(x, min=0.0, max=6.0), " -> relu6"),
    "between": (lambda x: x.clamp(-1, 1), " -> hardtanh"),
    "between others": (lambda x: x.clamp_(-0.2, 0.3), " -> hardtanh(low = -0.2, high = 0.3)"),
    "at least 0": (lambda x: x.clamp(min=0), " -> relu"),
    "at least 0 by name": (lambda x: torch.clamp_min(x, 0), " -> relu"),
    "a threshold": (lambda x: F.threshold(x, 0, 0), " -> relu"),
    "at least": (lambda x: x.clamp(min=-0.1), "\nbranch max { identity; zero -> plus(-0.1) }"),
    "at most": (
        lambda x: x.clamp_max(0.1),
        " -> times(-1)\nbranch max { identity; zero -> plus(-0.1) } -> times(-1)",
    ),
    "at most 0": (
        lambda x: x.clamp(max=0),
        " -> times(-1)\nbranch max { identity; zero } -> times(-1)",
    ),
    "distance": (lambda x: torch.abs(x - 1), " -> plus(-1) -> absolute"),
    "low": (
        lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=LOW), 3, 2),
        " -> maxpool(3, stride = 2, mode = ceil)",
    ),
    "low by size": (
        lambda x: F.max_pool2d(by_size(x, 3, 2), 3, 2),
        " -> maxpool(3, stride = 2, pad = same)",
    ),
    "low at a stride of 1": (
        lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=LOW), 2, 1),
        " -> maxpool(2, stride = 1, pad = same)",
    ),
    "gate": (
        lambda x: x * x.mean((2, 3))[:, :, None, None],
        "\nbranch mul { identity; global_avgpool -> flatten -> reshape(8x1x1) }",
    ),
    "gate of the rest": (
        lambda x: x * x.mean((2, 3))[..., None, None],
        "\nbranch mul { identity; global_avgpool -> flatten -> reshape(8x1x1) }",
    ),
    "gate as large": (
        lambda x: x.mean((2, 3))[:, :, None, None].expand_as(x) * x,
        "\nbranch mul { identity; global_avgpool -> flatten -> reshape(8x1x1) }",
    ),
    "an axis and a range": (lambda x: x[:, None, :4].squeeze(1), " -> split(2, 1)"),
    "low even": (
        lambda x: F.max_pool2d(F.pad(x, (1,) * 4, value=LOW), 3, 2),
        " -> maxpool(3, stride = 2, pad = 1)",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_an_operation_is_the_layers_that_compute_it(name: str) -> None:
    function, written = FORMS[name]
    imported = archdsl.import_module(Around(function), (3, 16, 16))
    assert imported.text == f"arch around()\n\ninput 3x16x16\n\nconv(8, 3){written}\n"
    assert imported.checked[-1] == (
        "results and gradients, in evaluation and in training, at 3x16x16"
    )


def test_groups_of_channels_are_no_arms_of_a_branch() -> None:
    """As many of them as there are, they take one layer."""
    groups = Around(lambda x: x.view(len(x), 4, 2, *x.shape[2:]).mean(1))
    lines = "reshape(4x2x8x8) -> channel_avgpool -> reshape(2x8x8)"
    assert lines in archdsl.import_module(groups, (3, 8, 8), run=False).text


@pytest.mark.parametrize("rrelu", [F.rrelu, torch.rrelu])
def test_slopes_that_are_drawn_in_training(rrelu: Callable[..., torch.Tensor]) -> None:
    class Drawn(nn.Conv2d):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return rrelu(super().forward(input), 0.1, 0.3, self.training)

    imported = archdsl.import_module(nn.Sequential(Drawn(3, 8, 1), nn.RReLU()), (3, 8, 8))
    assert imported.text.splitlines()[-1] == (
        "conv(8, 1) -> rrelu(lower = 0.1, upper = 0.3) -> rrelu"
    )
    assert imported.checked[-1] == "results and gradients, in evaluation and in training, at 3x8x8"


def test_what_a_low_border_does_beside_a_maximum_is_refused() -> None:
    with pytest.raises(ArchError, match="padded with minus infinity"):
        archdsl.import_module(Around(lambda x: F.pad(x, (1, 1, 1, 1), value=LOW) * 2), (3, 8, 8))


@pytest.mark.parametrize("side", [16, 17])
def test_a_low_border_is_the_same_network_at_every_size(side: int) -> None:
    fixed = Around(lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=LOW), 3, 2))
    imported = archdsl.import_module(fixed, (3, side, side))
    assert "maxpool(3, stride = 2, mode = ceil)" in imported.text
    assert imported.differs == []
    moving = Around(lambda x: F.max_pool2d(by_size(x, 3, 2), 3, 2))
    assert archdsl.import_module(moving, (3, side, side)).differs == []


def test_a_low_border_that_no_pool_has_at_every_size_is_refused() -> None:
    with pytest.raises(ArchError, match="padded with minus infinity"):
        pool = Around(lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=LOW), 5, 4))
        archdsl.import_module(pool, (3, 16, 16))


@pytest.mark.parametrize(
    ("shape", "differs"), [((3, 16, 16), [(3, 17, 48)]), ((3, 17, 17), [(3, 18, 49)])]
)
def test_a_model_that_knows_even_sides_is_told_of(
    shape: tuple[int, ...], differs: list[tuple[int, ...]]
) -> None:
    model = Around(lambda x: x * (1 + (x.shape[2] + shape[1]) % 2))
    assert archdsl.import_module(model, shape, run=False).differs[-1:] == differs


def test_norms_that_no_layer_is_are_told_as_what_they_are() -> None:
    with pytest.raises(ArchError, match=r"`BatchNorm2d` with momentum = None, a mean of all"):
        archdsl.import_module(Around(nn.BatchNorm2d(8, momentum=None)), (3, 8, 8))
    norm = nn.BatchNorm2d(8)
    with pytest.raises(ArchError, match=r"`function` is in evaluation while the model trains"):
        frozen = Around(norm)
        frozen.register_forward_pre_hook(lambda *_: norm.eval() and None)
        archdsl.import_module(frozen, (3, 8, 8))


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x.mean((1, 2, 3)), "`mean`: no axis is left beside the batch: keep one, as by"),
        (lambda x: x.mean((2, 3))[:, 0], "`__getitem__`: no axis is left beside the batch"),
        (lambda x: x.mean((1, 2, 3), True).flatten(), "`flatten`: no axis is left beside the"),
        (lambda x: torch.stack([x, x.relu()]).mean(1), "`mean` of a tensor whose first axis is"),
        (lambda x: torch.stack([x, x.relu()]), "`stack` of a tensor whose first axis is not"),
        (lambda x: x[:, :, 0], "`__getitem__` of one place of a spatial axis, which is then gone"),
        (lambda x: x * x.detach().sigmoid(), "`detach`: no gradient goes through it"),
        (F.rrelu, "`rrelu` that draws its slopes in evaluation, or not in training"),
        (lambda x: F.rrelu(x, training=True), "`rrelu` that draws its slopes in evaluation, or"),
        (lambda x: x.clamp(min=x.mean((2, 3), True)), "`clamp` with bounds that are no numbers"),
        (lambda x: x.clamp(True, 3), "`clamp` with bounds that are no numbers"),
        (lambda x: x.clamp(2, 1), "`clamp` with a lower bound that is not below the upper one"),
        (lambda x: F.threshold(x, 0.5, 0), "`threshold` with another threshold or value than 0"),
        (lambda x: F.softplus(x, 0), "`beta` of `softplus` must be a number other than 0"),
    ],
)
def test_what_is_no_layer_is_told_why(function: Function, why: str) -> None:
    with pytest.raises(ArchError, match=why):
        archdsl.import_module(Around(function), (3, 8, 8), run=False)


@pytest.mark.parametrize(
    ("function", "near"),
    [
        (lambda x: x * torch.randn_like(x), "the language has nothing that draws numbers but"),
        (lambda x: x / (x.norm(dim=1, keepdim=True) + 1e-6), "or compute it by a layer of your"),
    ],
)
def test_what_is_near_an_operation_is_told(function: Function, near: str) -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.import_module(Around(function), (3, 8, 8), run=False)
    assert caught.value.diagnostics[0].helps[0].startswith(near)


def test_a_dropout_that_does_not_ask_for_training_is_told_how() -> None:
    with pytest.raises(ArchError) as caught:
        archdsl.import_module(Around(lambda x: F.dropout(x.relu(), 0.2)), (3, 8, 8))
    (found,) = caught.value.diagnostics
    assert found.code == "A661" and found.message.endswith("it applies dropout in evaluation, too")
    assert found.helps == (
        "a function drops in training alone where its call says `training=self.training`",
    )
    assert found.span is not None and "F.dropout(x.relu(), 0.2)" in found.span.text


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_recurrent_layer_is_told_what_sees_other_steps(kind: type[nn.RNNBase]) -> None:
    class Signal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv1d(4, 8, 3, padding=1), nn.Linear(8, 5)
            self.steps = kind(8, 8, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.head(self.steps(self.conv(x).mT)[0][:, -1])
            return out

    with pytest.raises(ArchError) as caught:
        archdsl.import_module(Signal(), (4, 20))
    (found,) = caught.value.diagnostics
    assert found.message == f"no layer computes `{kind.__name__}`" and "in `steps`" in found.notes
    wanted = "no layer that goes from step to step: conv(c, 3) and attend see other steps at once"
    assert found.helps[0] == f"the language has {wanted}"


def column(x: torch.Tensor, place: int) -> torch.Tensor:
    """One number of each image, without an axis beside that of the batch."""
    return x.mean((2, 3))[:, place]


@pytest.mark.parametrize(
    ("function", "lines"),
    [
        (lambda x: column(x, 0).unsqueeze(1), "flatten -> split(8, 1)"),
        (lambda x: x.mean((2, 3))[:, 0, None], "flatten -> split(8, 1)"),
        (lambda x: column(x, 0).sigmoid().view(-1, 1), "flatten -> split(8, 1) -> sigmoid"),
        (lambda x: torch.cat([x.mean((2, 3))[:, 0:1], column(x, 2).view(-1, 1)], 1), "split(8, 3)"),
        (lambda x: x.mean((1, 2, 3), True).view(-1).unsqueeze(1), "channel_avgpool -> flatten"),
        (lambda x: x.mean((1, 2, 3)).t().unsqueeze(1), "channel_avgpool -> flatten"),
        (lambda x: x * x.mean((1, 2, 3)).sigmoid().view(-1, 1, 1, 1), "channel_avgpool -> sigmoid"),
    ],
)
def test_an_axis_may_be_gone_for_a_while(function: Function, lines: str) -> None:
    assert lines in archdsl.import_module(Around(function), (3, 8, 8)).text


def test_columns_beside_each_other_are_no_internal_error() -> None:
    def beside(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([column(x, 0).sigmoid(), column(x, 1).tanh()], 1)

    with pytest.raises(ArchError, match=r"`stack`: no axis is left .* `x\[:, :1\]`"):
        archdsl.import_module(Around(beside), (3, 8, 8), run=False)
    with pytest.raises(ArchError) as caught:  # what stands for two gaps is stacked
        several = Around(lambda x: torch.stack([x.var((1, 2, 3)), x.std((1, 2, 3))], 1))
        archdsl.import_module(several, (3, 8, 8), run=False)
    assert [d.message.split("`")[1] for d in caught.value.diagnostics] == ["var", "std"]


def test_words_as_an_image_of_one_channel() -> None:
    """As networks for texts have it: kernels as wide as the vectors of words."""

    class Texts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.head = nn.Embedding(30, 16), nn.Linear(12, 2)
            self.convs = nn.ModuleList(nn.Conv2d(1, 6, (size, 16)) for size in (2, 3))

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            x = self.words(words).unsqueeze(1)
            parts = [F.relu(conv(x)).squeeze(3) for conv in self.convs]
            return self.head(torch.cat([F.max_pool1d(p, p.shape[2])[:, :, 0] for p in parts], 1))

    text = archdsl.import_module(Texts(), {"words": torch.zeros(1, 9, dtype=torch.long)}).text
    assert (
        "embed(16) -> transpose -> reshape(1x9x16)\nbranch concat {\n  conv(6, 2x16, pad = 0)"
        in text
    )


def test_a_squeeze_that_takes_the_batch_too_says_so() -> None:
    with pytest.raises(ArchError, match="with 1 image, no layer computes `squeeze`"):
        archdsl.import_module(Around(lambda x: x.mean((2, 3), keepdim=True).squeeze()), (3, 8, 8))


def test_vectors_along_another_axis_are_divided_by_their_lengths_alone() -> None:
    """What else they are divided by is a layer of one's own."""
    model = Around(lambda x: F.normalize(x, dim=2))
    turned = "conv(8, 3) -> transpose(second = height) -> l2_norm -> transpose(second = height)"
    assert turned in archdsl.import_module(model, (3, 8, 8)).text
    model = Around(lambda x: F.normalize(x, p=3, dim=2))
    assert "my_normalize" in archdsl.import_module(model, (3, 8, 8), partial=True).text


class Gate(nn.Module):
    """Squeeze and excitation with linear layers, as many repositories have it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before, self.after = (
            nn.Linear(channels, channels // 4),
            nn.Linear(channels // 4, channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = self.after(F.relu(self.before(x.mean((2, 3)))))
        return x * gate.sigmoid().view(len(x), -1, 1, 1)


def test_a_width_is_a_knob_through_a_gate_of_linear_layers() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), Gate(16), nn.Conv2d(16, 32, 3, padding=1), Gate(32)
    )
    imported = archdsl.import_module(model, (3, 16, 16), knobs=True)
    assert "width = 16 in 4..64 step 4" in imported.text
    assert "reshape([in.channels, 1, 1])" in imported.text


class Excited(nn.Module):
    """A gate with convolutions, as the library has it, with activations of its own."""

    def __init__(self, channels: int, act: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.before, self.after = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)
        self.act, self.gate = act, gate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = self.after(self.act(self.before(x.mean((2, 3), keepdim=True))))
        return x * self.gate(gate)


@pytest.mark.parametrize(
    ("act", "gate", "written"),
    [
        (nn.ReLU(), nn.Sigmoid(), "squeeze_excite(4)"),
        (nn.SiLU(), nn.Hardsigmoid(), "squeeze_excite(4, silu, hardsigmoid)"),
        (nn.ReLU(), nn.Softsign(), "-> softsign"),  # which no activation of the library's is
    ],
)
def test_a_gate_that_the_library_has_is_used(act: nn.Module, gate: nn.Module, written: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), Excited(8, act, gate), nn.Conv2d(8, 8, 3))
    text = archdsl.import_module(model, (3, 16, 16), run=False).text
    assert written in text
    assert ('use "lib/attention.arch": squeeze_excite' in text) == ("squeeze" in written)


def test_a_number_that_its_place_would_not_tell_has_its_name() -> None:
    model = nn.Sequential(nn.Upsample(scale_factor=64), nn.Conv2d(3, 4, 1))
    assert "upsample(factor = 64)" in archdsl.import_module(model, (3, 2, 2)).text


class Step(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after)
        self.short = nn.Sequential(
            nn.Conv2d(before, after, 1, 2, bias=False), nn.BatchNorm2d(after)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn(self.conv(x)) + self.short(x)


@pytest.mark.parametrize(
    ("side", "written"), [(8, "residual {"), (4, "shortcut = conv(c, 1, stride = 2)")]
)
def test_a_shortcut_strides_where_sizes_do_not_tell(side: int, written: str) -> None:
    """An image of one pixel has one after any stride, as the last of a ResNet at 16x16."""
    model = nn.Sequential(Step(3, 8), Step(8, 8), Step(8, 16))
    imported = archdsl.import_module(model, (3, side, side))
    assert written in imported.text


def vast(x: torch.Tensor) -> torch.Tensor:
    for _ in range(9):
        x = x * 1e38
    return x


def test_results_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ArchError) as refused:
        archdsl.import_module(Around(vast), (3, 8, 8))
    (found,) = refused.value.diagnostics
    reason = "results in evaluation hold inf or nan, which cannot be compared, for 2 of 3x8x8"
    assert found.message == f"the spec that was made is not the model: {reason}"


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (F.relu, F.relu, ""),
        (
            F.relu,
            lambda x: x.relu() * float("nan"),
            "results in evaluation are off by nan of the largest, for 2 of 3x8x8",
        ),
        (
            lambda x: (x * 0).sqrt(),
            lambda x: (x * 0).sqrt(),
            "the gradient of `conv.weight` in evaluation holds inf or nan, which cannot be "
            "compared",
        ),
        (
            lambda x: x + (x.detach() * 0).sqrt(),
            lambda x: x + (x * 0).sqrt(),
            "the gradient of `conv.weight` in evaluation is off by nan",
        ),
    ],
)
def test_no_number_is_equal_to_another(one: Function, other: Function, why: str) -> None:
    theirs, ours = Around(one).double(), Around(other).double()
    ours.load_state_dict(theirs.state_dict())
    assert compare(theirs, ours, {}, 2, {"": (3, 8, 8)}, {"": "main"}) == why

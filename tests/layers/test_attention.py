"""What attends to what: each kind of attention against one that is spelled out."""

import itertools
import math

import pytest
import torch
from running import elaborated, module_of
from torch import Tensor

from archdsl import ArchError
from archdsl.layers.base import Shape


def attention_of(call: str, shape: Shape) -> torch.nn.Module:
    module = module_of(elaborated(call, shape)[0], shape)
    assert module is not None
    return module.double()


def by_pixel(x: Tensor, heads: int, allowed: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention spelled out: a softmax for each head and pixel over those it may see."""
    q, k, v = x.flatten(2).chunk(3, 1)
    out = torch.zeros_like(v)
    size = v.shape[1] // heads
    for h, p in itertools.product(range(heads), range(v.shape[2])):
        part = slice(h * size, (h + 1) * size)
        scores = torch.einsum("nc,ncl->nl", q[:, part, p], k[:, part]) / math.sqrt(size)
        if bias is not None:
            scores = scores + bias[p, :, h]
        scores = scores.masked_fill(~allowed[p], -math.inf)
        out[:, part, p] = torch.einsum("nl,ncl->nc", scores.softmax(1), v[:, part])
    return out.view(len(x), -1, *x.shape[2:])


def check(call: str, shape: Shape, heads: int, sees: object, biased: bool = False) -> None:
    """``sees(a, b)`` says whether the pixel at ``a`` sees that at ``b``."""
    torch.manual_seed(0)
    module = attention_of(call, shape)
    pixels = list(itertools.product(*map(range, shape[1:])))
    allowed = torch.tensor([[bool(sees(a, b)) for b in pixels] for a in pixels])  # type: ignore[operator]
    bias = None
    if biased:
        weight = torch.randn(module.weight.shape).double()
        module.weight.data.copy_(weight)  # type: ignore[operator, union-attr]
        side = math.isqrt(len(weight))
        bias = torch.zeros(len(pixels), len(pixels), heads).double()
        for (i, a), (j, b) in itertools.product(enumerate(pixels), repeat=2):
            if allowed[i, j]:
                y, x = APART[call](a, b, shape)
                bias[i, j] = weight[(y + side // 2) * side + x + side // 2]
    x = torch.randn(2, *shape).double()
    torch.testing.assert_close(module(x), by_pixel(x, heads, allowed, bias))


def near(a: tuple[int, ...], b: tuple[int, ...], shape: Shape) -> tuple[int, int]:
    return a[0] - b[0], a[1] - b[1]


def far(a: tuple[int, ...], b: tuple[int, ...], shape: Shape) -> tuple[int, int]:
    return (a[0] - b[0]) // (shape[1] // 3), (a[1] - b[1]) // (shape[2] // 3)


APART = {
    "attend(2, relative = true)": near,
    "attend(2, windows = 3, relative = true)": near,
    "attend(2, windows = 3, shift = 1, relative = true)": near,
    "attend(3, grid = 3, relative = true)": far,
}


def window(shift: int, side: int = 3) -> object:
    """In one window, of those that begin ``shift`` pixels further; the border ones are cut."""
    return lambda a, b: all(
        (i - shift) // side == (j - shift) // side for i, j in zip(a, b, strict=True)
    )


def test_all_pixels() -> None:
    check("attend(3)", (18, 7), 3, lambda a, b: True)
    check("attend(2)", (12, 3, 4), 2, lambda a, b: True)
    check("attend(2)", (12, 2, 3, 2), 2, lambda a, b: True)


def test_those_before() -> None:
    check("attend(2, causal = true)", (12, 6), 2, lambda a, b: b <= a)
    check("attend(2, causal = true)", (12, 3, 3), 2, lambda a, b: b <= a)


def test_biases_for_distances() -> None:
    check("attend(2, relative = true)", (12, 4, 4), 2, lambda a, b: True, biased=True)


def test_windows() -> None:
    check("attend(2, windows = 3)", (12, 6, 9), 2, window(0))
    check("attend(2, windows = 3, relative = true)", (12, 6, 9), 2, window(0), biased=True)


def test_windows_that_are_moved() -> None:
    check("attend(2, windows = 3, shift = 2)", (12, 6, 9), 2, window(2))
    check(
        "attend(2, windows = 3, shift = 1, relative = true)", (12, 6, 9), 2, window(1), biased=True
    )


def test_grids() -> None:
    def grid(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return a[0] % 2 == b[0] % 2 and a[1] % 4 == b[1] % 4

    check("attend(3, grid = 3)", (18, 6, 12), 3, grid)
    check("attend(3, grid = 3, relative = true)", (18, 6, 12), 3, grid, biased=True)


def test_windows_that_are_no_squares() -> None:
    def rows(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return a[0] // 2 == b[0] // 2 and a[1] // 3 == b[1] // 3

    def apart(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return all((i - j) % 2 == 0 for i, j in zip(a, b, strict=True))

    check("attend(2, windows = 2x3)", (12, 4, 9), 2, rows)
    check("attend(2, windows = 1x0)", (12, 4, 5), 2, lambda a, b: a[0] == b[0])  # a row each
    check("attend(2, grid = 2x4)", (12, 4, 8), 2, apart)


@pytest.mark.parametrize(
    "call", ["attend(2, {})", "attend(2, windows = 3, {})", "attend(2, windows = 3, shift = 1, {})"]
)
def test_vectors_for_distances(call: str) -> None:
    """The product of a query with what stands for the way from it down, and to the right."""
    torch.manual_seed(0)
    shape, side = (18, 3, 6), (3, 3) if "windows" in call else (3, 6)
    module = attention_of(call.format("relative_keys = true"), shape)
    plain = attention_of(call.format("relative = true"), shape)
    x = torch.randn(1, *shape).double()
    pixels = list(itertools.product(range(3), range(6)))
    shift = 1 if "shift" in call else 0
    allowed = torch.tensor([[window(shift)(a, b) for b in pixels] for a in pixels])  # type: ignore[operator]
    if side == (3, 6):
        allowed[:] = True
    bias = torch.zeros(18, 18, 2).double()
    for (i, a), (j, b), h in itertools.product(enumerate(pixels), enumerate(pixels), range(2)):
        if allowed[i, j]:
            query = x[0, 3 * h : 3 * h + 3, *a]
            down, right = (m - n + s - 1 for n, m, s in zip(a, b, side, strict=True))
            bias[i, j, h] = query @ (module.height_rel[down] + module.width_rel[right])  # type: ignore[index, operator]
    torch.testing.assert_close(module(x), by_pixel(x, 2, allowed, bias))
    with torch.no_grad():
        plain.weight.zero_()  # type: ignore[operator, union-attr]
        module.height_rel.zero_(), module.width_rel.zero_()  # type: ignore[operator, union-attr]
    torch.testing.assert_close(module(x), plain(x))


def test_fewer_heads_of_keys_and_values() -> None:
    torch.manual_seed(0)
    module, whole = attention_of("attend(6, kv_heads = 2)", (30, 5)), torch.randn(2, 30, 5).double()
    q, k, v = whole.split((18, 6, 6), 1)
    k, v = (t.unflatten(1, (2, 3)).repeat_interleave(3, 1).flatten(1, 2) for t in (k, v))
    wanted = by_pixel(torch.cat([q, k, v], 1), 6, torch.ones(5, 5, dtype=torch.bool))
    torch.testing.assert_close(module(whole), wanted)


def test_channels_that_see_each_other() -> None:
    """Each head's channels are the tokens, and the pixels what they have numbers for."""
    torch.manual_seed(0)
    module, x = attention_of("attend(2, over = channels)", (18, 2, 3)), torch.randn(2, 18, 2, 3)
    q, k, v = x.double().flatten(2).unflatten(1, (3, 2, 3)).unbind(1)
    weights = (torch.einsum("nhap,nhbp->nhab", q, k) / 3**0.5).softmax(3)
    wanted = torch.einsum("nhab,nhbp->nhap", weights, v).reshape(2, 6, 2, 3)
    torch.testing.assert_close(module(x.double()), wanted)
    layer, _ = elaborated("attend(2, over = channels)", (18, 2, 3))
    assert layer.macs(((18, 2, 3),), (6, 2, 3)) == 2 * 2 * (3 * 3 * 6)  # products, heads, each


def test_rotary_positions_turn_pairs_by_their_place() -> None:
    """As complex numbers: channel ``i`` and ``i + half`` times ``exp(1j place base^(-i/half))``."""
    torch.manual_seed(0)
    module, x = attention_of("attend(2, rope = 100)", (24, 5)), torch.randn(2, 24, 5).double()
    q, k, v = x.chunk(3, 1)
    angle = torch.outer(100 ** (-torch.arange(2).double() / 2), torch.arange(5).double())
    turned = []
    for t in (q, k):
        a, b = t.unflatten(1, (2, 2, 2)).unbind(2)  # heads, halves, channels of a half
        z = torch.complex(a, b) * torch.polar(torch.ones_like(angle), angle)
        turned.append(torch.stack([z.real, z.imag], 2).flatten(1, 3))
    wanted = by_pixel(torch.cat([*turned, v], 1), 2, torch.ones(5, 5, dtype=torch.bool))
    torch.testing.assert_close(module(x), wanted, rtol=1e-5, atol=1e-6)


MISTAKES = {
    "attend(4)": ((46, 9), "A210", "channels that can be divided by 12, but there are 46"),
    "attend(4, kv_heads = 3)": ((40, 9), "A210", "heads that can be divided by 3, but there are 4"),
    "attend(2, rope = 10)": ((18, 4), "A210", "channels a head that can be divided by 2"),
    "attend(2, windows = 4)": ((12, 6, 8), "A210", "pixels that can be divided by 4"),
    "attend(2, windows = 2, grid = 2)": ((12, 4, 4), "A232", "`grid` and `windows` at once"),
    "attend(2, windows = 2, causal = true)": ((12, 4, 4), "A232", "`windows` and `causal`"),
    "attend(2, shift = 1)": ((12, 4, 4), "A233", "a shift of 1"),
    "attend(2, windows = 2, shift = 2)": (
        (12, 4, 4),
        "A233",
        "needs windows of more than 2 pixels a side",
    ),
    "attend(2, windows = 2x4, shift = 3)": (
        (12, 4, 4),
        "A233",
        "needs windows of more than 2 pixels a side",
    ),
    "attend(2, windows = 1x2x2)": ((12, 4, 4), "A206", "1x2x2"),
    "attend(2, over = channels, causal = true)": ((12, 4), "A232", "`over` and `causal` at once"),
    "attend(2, over = channels, windows = 2)": ((12, 4, 4), "A232", "`over` and `windows`"),
    "attend(2, relative = true)": ((12, 4), "A205", "needs 2 spatial axes"),
    "attend(2, relative_keys = true, rope = 4)": ((12, 2, 2), "A232", "`relative_keys` and `rope`"),
    "attend(1) ": ((3,), "A203", "the vector 3"),
    "prepend": ((3, 4, 4), "A230", "needs a sequence of tokens, but the tensor is 3x4x4"),
    "transpose": ((3,), "A224", "works over `tokens`, but the axes of 3 are channels"),
    "token(5)": ((3, 4), "A231", "there is no token 5: the sequence has 4"),
}


@pytest.mark.parametrize("call", MISTAKES)
def test_mistakes(call: str) -> None:
    shape, code, text = MISTAKES[call]
    with pytest.raises(ArchError) as caught:
        elaborated(call.strip(), shape)
    (found,) = caught.value.diagnostics
    assert found.code == code and text in found.message, found


@pytest.mark.parametrize("more", ["", ", over = channels", ", windows = 2, relative = true"])
def test_weights_are_dropped_in_training_alone(more: str) -> None:
    torch.manual_seed(0)
    module = attention_of(f"attend(2, dropout = 0.5{more})", (12, 4, 4))
    x = torch.randn(2, 12, 4, 4).double()
    plain = attention_of(f"attend(2{more})", (12, 4, 4))
    plain.load_state_dict(module.state_dict())
    assert torch.equal(module.eval()(x), plain.eval()(x))
    module.train()
    mean = torch.stack([module(x) for _ in range(400)]).mean(0)
    assert not torch.equal(module(x), module(x))
    assert (mean - plain(x)).abs().mean() < 0.1 * plain(x).abs().mean() + 0.05

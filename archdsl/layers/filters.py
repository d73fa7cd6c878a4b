"""What all convolutions share: windows and filters."""

from collections.abc import Sequence
from math import gcd, prod
from typing import Annotated, Any, ClassVar

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Flag, OneOf, PadOrSame, Size, Start, VectorStart
from archdsl.layers.base import (
    Idle,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    Weight,
    alike,
    axes_of,
    differs,
    image,
    show_shape,
)
from archdsl.layers.same import SAME, is_even, same_sides

# What PyTorch takes where an argument is left out.
CONV_USUAL: dict[str, object] = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "padding_mode": "zeros",
}
NO_BIAS = Idle("bias_init", "bias", False)
Border = Annotated[str, OneOf(("zeros", "reflect", "replicate", "circular"))]


LEAST_CHANNELS = 12  # of a convolution: a kernel is less, as a rule
MOST_GROUPS = 64  # that are tried, where a message says which divide


def check_groups(name: str, groups: int, before: int, after: int) -> None:
    if before % groups or after % groups:
        common = gcd(before, after)
        some = [n for n in range(1, min(common, MOST_GROUPS) + 1) if common % n == 0]
        some += [common] if common > MOST_GROUPS else []
        raise Misfit(
            codes.GROUPS_DO_NOT_DIVIDE,
            layer=name,
            groups=groups,
            before=before,
            after=after,
            those=", ".join(map(str, some)),
        )


def in_pytorch_order(kernel: object, stride: object, least: int = LEAST_CHANNELS) -> bool:
    """Whether a kernel and a stride rather look like the channels that go out and the kernel, which
    stand there in PyTorch: a kernel of ``least`` or more, and a stride of several that is less."""
    return type(kernel) is int and type(stride) is int and kernel >= least and 1 < stride < kernel


def _is_wide(kernel: object) -> bool:
    """Whether a kernel is so wide that it may rather be a count of channels."""
    return type(kernel) is int and kernel >= LEAST_CHANNELS


def check_border(border: str, size: tuple[int, ...], pads: Sequence[tuple[int, int]]) -> None:
    """A border that is made of the image itself takes no more of it than is there."""
    if border not in ("reflect", "circular"):
        return
    edge = 1 if border == "reflect" else 0
    for n, (before, after) in zip(size, pads, strict=True):
        if max(before, after) > n - edge:
            raise Misfit(codes.BORDER_TOO_WIDE, border=border, pad=max(before, after), size=n)


def with_bias(meaning: Meaning) -> dict[str, Any]:
    """The arguments of a layer; how a bias starts is none of them where there is no bias."""
    _, arguments = meaning
    return arguments if arguments["bias"] else arguments | {"bias_init": None}


class Convolution(Layer):
    """What all convolutions share: where their windows stand, and their filters.

    ``module`` is what their PyTorch module is called, but for its axes.
    """

    channels: Count
    kernel: Size
    stride: Size = 1
    pad: PadOrSame | None = None
    dilation: Size = 1
    groups: Count = 1
    bias: Flag = True
    border: Border = "zeros"
    init: Start = None
    bias_init: VectorStart = None

    summed_in_place = True
    idle: ClassVar[tuple[Idle, ...]] = (NO_BIAS,)
    kind = "conv"

    @property
    def module(self) -> str:
        raise NotImplementedError

    def windows(self, axes: int) -> list[tuple[int, int, int]]:
        """Reach, stride and padding for every axis; the padding of ``same`` depends on the size,
        and is none here."""
        kernel, stride, dilation = self.kernel, self.stride, self.dilation
        pad = 0 if isinstance(self.pad, str) else self.pad
        if type(kernel) is type(stride) is type(dilation) is int and not isinstance(pad, tuple):
            return [self.one_window(kernel, stride, dilation, pad)] * axes
        pads = (None,) * axes if pad is None else axes_of(pad, axes, self.name, "pad")
        per_axis = zip(
            axes_of(kernel, axes, self.name, "kernel"),
            axes_of(stride, axes, self.name, "stride"),
            axes_of(dilation, axes, self.name, "dilation"),
            pads,
            strict=True,
        )
        return [self.one_window(k, s, d, p) for k, s, d, p in per_axis]

    def one_window(self, k: int, s: int, d: int, pad: int | None) -> tuple[int, int, int]:
        span = d * (k - 1)
        if pad is None:
            if span % 2:
                kernel = (self.kernel,) if isinstance(self.kernel, int) else self.kernel
                raise Misfit(
                    codes.EVEN_KERNEL, kernel=show_shape(kernel), before=self.uneven_padding()
                )
            pad = half_of(k, d)
        return span + 1, s, pad

    def sides(self, size: Shape) -> list[tuple[int, int]]:
        """How much is padded before and after each axis of an image of this size."""
        windows = self.windows(len(size))
        if self.pad == SAME:
            return [same_sides(n, r, s) for n, (r, s, _) in zip(size, windows, strict=True)]
        return [(p, p) for _, _, p in windows]

    def uneven_padding(self) -> str:
        """The layer that pads so that a stride of 1 keeps the size, as it is written."""
        given = (self.kernel, self.dilation)
        axes = max((len(v) for v in given if isinstance(v, tuple)), default=1)
        kernel, dilation = (axes_of(v, axes, self.name, "kernel") for v in given)
        spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        sides = {"before": [n // 2 for n in spans], "after": [n - n // 2 for n in spans]}
        shown = [f"{side} = {show_shape(tuple(v))}" for side, v in sides.items() if any(v)]
        return f"pad({', '.join(shown)})"

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        if self.groups != 1:
            check_groups(self.name, self.groups, channels, self.channels)
        try:
            return self._fitting(channels, size)
        except Misfit as problem:
            problem.in_other_order = self._in_other_order(problem, channels)
            raise

    def _fitting(self, channels: int, size: Shape) -> Shape:
        windows = self.windows(len(size))
        if self.border != "zeros":
            check_border(self.border, size, self.sides(size))
        if self.pad == SAME:
            return (
                self.channels,
                *(-(-n // s) for n, (_, s, _) in zip(size, windows, strict=True)),
            )
        out = [(n + 2 * p - r) // s + 1 for n, (r, s, p) in zip(size, windows, strict=True)]
        if any(n < 1 for n in out):
            raise Misfit(
                codes.WINDOW_TOO_LARGE,
                layer=self.name,
                kernel=show_shape(axes_of(self.kernel, len(size), self.name, "kernel")),
                size=show_shape(size),
            )
        return (self.channels, *out)

    def _in_other_order(self, problem: Misfit, channels: int) -> bool:
        """Whether the arguments look like those of PyTorch: the channels that come in, those that
        go out, the kernel."""
        if problem.kind is codes.EVEN_KERNEL and self.channels == channels:
            return in_pytorch_order(self.kernel, self.stride, 2) or _is_wide(self.kernel)
        is_about_size = problem.kind in (codes.EVEN_KERNEL, codes.WINDOW_TOO_LARGE)
        return is_about_size and _is_wide(self.kernel)

    def filters(self, input: Shape) -> Shape:
        """The shape of its weights: ``channels * in/groups * kernel``."""
        kernel = axes_of(self.kernel, len(input) - 1, self.name, "kernel")
        return (self.channels, input[0] // self.groups, *kernel)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        weight = Weight("weight", self.filters(inputs[0]), init=self.init)
        if not self.bias:
            return (weight,)
        return weight, Weight("bias", (self.channels,), init=self.bias_init)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        kernel = axes_of(self.kernel, len(output) - 1, self.name, "kernel")
        return prod(output) * (inputs[0][0] // self.groups) * prod(kernel)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        windows = self.windows(len(input) - 1)
        return tuple([r for r, _, _ in windows]), tuple([s for _, s, _ in windows])

    def meaning(self, *inputs: Shape) -> Meaning:
        sides = self.sides(inputs[0][1:])
        even = all(before == after for before, after in sides)
        pad: Any = alike([before for before, _ in sides]) if even else sides
        meant = with_bias(Layer.meaning(self, *inputs)) | {"pad": pad}
        return self.name, meant | ({"border": "zeros"} if pad == 0 else {})

    def torch(self, *inputs: Shape) -> Module:
        axes = len(inputs[0]) - 1
        windows = self.windows(axes)
        keywords: dict[str, object] = {}
        if self.stride != 1:
            keywords["stride"] = self.stride
        module, pad = f"{self.module}{axes}d", tuple([p for _, _, p in windows])
        general = ""
        if self.pad == SAME:  # no more than the sizes that come in tell how much it is
            general = f"Same{module.removeprefix('nn.')}"
            if is_even(windows):
                pad = tuple([r // 2 for r, _, _ in windows])
            else:
                module = general
        if any([differs(p, 0) for p in pad]):
            keywords["padding"] = pad[0] if len(set(pad)) == 1 else pad
        if self.dilation != 1:
            keywords["dilation"] = self.dilation
        if self.groups != 1:
            keywords["groups"] = self.groups
        if not self.bias:
            keywords["bias"] = False
        if self.border != "zeros":
            keywords["padding_mode"] = self.border
        given = inputs[0][0], self.channels, self.kernel
        more = {k: v for k, v in keywords.items() if k != "padding"}
        like = Module(general, given, more, CONV_USUAL) if general else None
        return Module(module, given, keywords, CONV_USUAL, general=like)


def half_of(k: int, d: int) -> int:
    """Half of ``d * (k - 1)``, which is even, in the form that a source has of it: what stands for
    other kernels and dilations is right for each whose half is whole."""
    if type(k) is int:
        return d * (k // 2) if k % 2 else d * (k - 1) // 2
    if type(d) is not int:
        return d * (k - 1) // 2
    return d * (k // 2) if d % 2 else d // 2 * (k - 1)

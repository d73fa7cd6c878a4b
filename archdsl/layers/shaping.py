"""Layers that move, drop or rearrange what is there."""

from math import prod
from typing import Annotated

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Chance, Count, OneOf, Pad, ShapeArgument, Size
from archdsl.layers.base import (
    Example,
    Expression,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    axes_of,
    everything,
    image,
    show_shape,
)
from archdsl.layers.filters import Border, check_border


class Identity(Layer):
    """The tensor itself."""

    name = "identity"
    is_identity = True
    synonyms = ("skip", "id", "Identity", "noop")
    examples = (Example("identity", ((16, 8, 8),), (16, 8, 8)),)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}")


class Zero(Layer):
    """Zeros of the same shape: the path that is not taken."""

    name = "zero"
    synonyms = ("zeros_like",)
    examples = (Example("zero", ((16, 8, 8),), (16, 8, 8)),)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("torch.zeros_like({x})")


class Dropout(Layer):
    """Sets elements to zero with probability ``p`` in training (Srivastava et al. 2014)."""

    p: Chance = 0.5

    name = "dropout"
    kind = "drop"
    inplace = True
    synonyms = ("Dropout", "drop")
    examples = (Example("dropout(0.4)", ((16, 8, 8),), (16, 8, 8)),)

    def torch(self, *inputs: Shape) -> Module:
        keywords = {} if self.p == 0.5 else {"p": self.p}
        return Module("nn.Dropout", (), keywords, {"p": 0.5})


class DropoutChannels(Layer):
    """Sets whole channels to zero with probability ``p`` in training (arXiv:1411.4280)."""

    p: Chance = 0.5

    name = "dropout_channels"
    kind = "drop"
    inplace = True
    synonyms = ("dropout2d", "Dropout2d", "spatial_dropout")
    examples = (Example("dropout_channels(0.1)", ((16, 8, 8),), (16, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        return inputs[0]

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {} if self.p == 0.5 else {"p": self.p}
        return Module(f"nn.Dropout{len(inputs[0]) - 1}d", (), keywords)


class AlphaDropout(Layer):
    """Dropout that keeps the mean and variance which ``selu`` aims at (arXiv:1706.02515)."""

    p: Chance = 0.5

    name = "alpha_dropout"
    kind = "drop"
    inplace = True
    synonyms = ("AlphaDropout",)
    examples = (Example("alpha_dropout(0.05)", ((16, 8, 8),), (16, 8, 8)),)

    def torch(self, *inputs: Shape) -> Module:
        return Module("nn.AlphaDropout", (), {} if self.p == 0.5 else {"p": self.p})


class Flatten(Layer):
    """One vector of all elements."""

    name = "flatten"
    synonyms = ("Flatten", "view")
    examples = (Example("flatten", ((16, 8, 8),), (1024,)),)

    def shape(self, *inputs: Shape) -> Shape:
        return (prod(inputs[0]),)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return everything(input)

    def torch(self, *inputs: Shape) -> Module:
        return Module("nn.Flatten")


class Reshape(Layer):
    """The same elements in another shape."""

    to: ShapeArgument

    name = "reshape"
    synonyms = ("unflatten",)
    examples = (
        Example("reshape(64x4x4)", ((1024,),), (64, 4, 4)),
        Example("reshape(64)", ((64, 1, 1),), (64,)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if prod(self.to) != prod(inputs[0]):
            flat = f"`flatten` makes {prod(inputs[0]):,} features of it"
            raise Misfit(
                codes.RESHAPE_COUNT,
                help=flat if len(inputs[0]) > 1 else "",
                before=show_shape(inputs[0]),
                count=prod(inputs[0]),
                after=show_shape(self.to),
                wanted=prod(self.to),
            )
        return self.to

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        if input[1:] == self.to[1:]:
            return (1,) * (len(input) - 1), (1,) * (len(input) - 1)
        return everything(input)

    def torch(self, *inputs: Shape) -> Expression:
        values = {f"size{i}": n for i, n in enumerate(self.to)}
        sizes = ", ".join(f"{{{name}}}" for name in values)
        return Expression(f"{{x}}.reshape(-1, {sizes})", values)


class Sides(Layer):
    """What is done to ``size`` pixels of every side, and to those ``before`` and ``after``."""

    size: Pad = 0
    before: Pad = 0
    after: Pad = 0

    def sides(self, axes: int) -> list[tuple[int, int]]:
        size = axes_of(self.size, axes, self.name, "size")
        before = axes_of(self.before, axes, self.name, "before")
        after = axes_of(self.after, axes, self.name, "after")
        return [(s + b, s + a) for s, b, a in zip(size, before, after, strict=True)]


class PadSpace(Sides):
    """Pads the spatial axes: ``size`` on every side, or ``before`` and ``after`` apart."""

    border: Border = "zeros"

    name = "pad"
    synonyms = ("zero_pad", "ZeroPad2d", "padding", "reflection_pad")
    examples = (
        Example("pad(2)", ((3, 8, 8),), (3, 12, 12)),
        Example("pad(before = 1, after = 2)", ((3, 8, 8),), (3, 11, 11)),
        Example("pad(0x3, border = reflect)", ((3, 8, 8),), (3, 8, 14)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        sides = self.sides(len(size))
        check_border(self.border, size, sides)
        return (channels, *(n + b + a for n, (b, a) in zip(size, sides, strict=True)))

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, {"sides": self.sides(len(inputs[0]) - 1), "border": self.border}

    def does_nothing(self, *inputs: Shape) -> bool:
        return not any(map(any, self.sides(len(inputs[0]) - 1)))

    def torch(self, *inputs: Shape) -> Module:
        axes = len(inputs[0]) - 1
        flat = tuple(n for pair in reversed(self.sides(axes)) for n in pair)
        name = {
            "zeros": "Zero",
            "reflect": "Reflection",
            "replicate": "Replication",
            "circular": "Circular",
        }
        amount: object = flat[0] if len(set(flat)) == 1 else flat
        return Module(f"nn.{name[self.border]}Pad{axes}d", (amount,))


class Crop(Sides):
    """Cuts ``size`` pixels off every side, and ``before`` and ``after`` apart."""

    name = "crop"
    leads = "size"
    synonyms = ("chomp",)
    examples = (
        Example("crop(2)", ((3, 8, 8),), (3, 4, 4)),
        Example("crop(1x0)", ((3, 8, 8),), (3, 6, 8)),
        Example("crop(after = 3)", ((3, 8),), (3, 5)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        sides = self.sides(len(size))
        out = tuple(n - b - a for n, (b, a) in zip(size, sides, strict=True))
        if any(n < 1 for n in out):
            raise Misfit(
                codes.WINDOW_TOO_LARGE,
                layer=self.name,
                kernel=show_shape(tuple(before + after for before, after in sides)),
                size=show_shape(size),
            )
        return (channels, *out)

    def meaning(self, *inputs: Shape) -> Meaning:
        sides = self.sides(len(inputs[0]) - 1)
        if all(before == after for before, after in sides):
            size = tuple(before for before, _ in sides)
            return self.name, {"size": size[0] if len({*size}) == 1 else size}
        return self.name, {"sides": sides}

    def torch(self, *inputs: Shape) -> Expression:
        sides = self.sides(len(inputs[0]) - 1)
        if len({n for pair in sides for n in pair}) == 1 and sides[0][0]:
            text = ", ".join(["{size}:-{size}"] * len(sides))
            return Expression(f"{{x}}[:, :, {text}]", {"size": sides[0][0]})
        ends = [(str(b or ""), str(-a or "")) for b, a in sides]
        text = ", ".join(":".join(pair) for pair in ends)
        return Expression(f"{{x}}[:, :, {text}]")


class Subsample(Layer):
    """Every ``stride``-th pixel: a 1x1 pooling, as the identity shortcuts of ResNets use."""

    stride: Size = 2

    name = "subsample"
    examples = (Example("subsample(2)", ((16, 33, 32),), (16, 17, 16)),)

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        stride = axes_of(self.stride, len(size), self.name, "stride")
        return (channels, *(-(-n // s) for n, s in zip(size, stride, strict=True)))

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        axes = len(input) - 1
        return (1,) * axes, axes_of(self.stride, axes, self.name, "stride")

    def torch(self, *inputs: Shape) -> Expression:
        stride = axes_of(self.stride, len(inputs[0]) - 1, self.name, "stride")
        text = ", ".join(f"::{s}" if s > 1 else ":" for s in stride)
        return Expression(f"{{x}}[:, :, {text}]")


class PadChannels(Layer):
    """Adds channels of zeros until there are ``to``: after the others, or half on each side."""

    to: Count
    where: Annotated[str, OneOf(("end", "both"))] = "end"

    name = "pad_channels"
    synonyms = ("zero_channels",)
    examples = (
        Example("pad_channels(32)", ((16, 8, 8),), (32, 8, 8)),
        Example("pad_channels(32, where = both)", ((16, 8, 8),), (32, 8, 8)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if inputs[0][0] > self.to:
            raise Misfit(codes.CANNOT_SHRINK, given=inputs[0][0], to=self.to)
        return (self.to, *inputs[0][1:])

    def torch(self, *inputs: Shape) -> Expression:
        extra = self.to - inputs[0][0]
        before = extra // 2 if self.where == "both" else 0
        zeros = "0, " * 2 * (len(inputs[0]) - 1)
        values = {"before": before, "after": extra - before}
        return Expression(f"F.pad({{x}}, ({zeros}{{before}}, {{after}}))", values)


class ChannelShuffle(Layer):
    """Deals the channels out over groups (ShuffleNet, arXiv:1707.01083)."""

    groups: Count

    name = "channel_shuffle"
    synonyms = ("shuffle", "ChannelShuffle")
    examples = (Example("channel_shuffle(4)", ((16, 8, 8),), (16, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        if inputs[0][0] % self.groups:
            raise Misfit(
                codes.NOT_DIVISIBLE,
                layer=self.name,
                what="channels",
                given=inputs[0][0],
                by=self.groups,
            )
        return inputs[0]

    def torch(self, *inputs: Shape) -> Expression:
        text = "{x}.unflatten(1, ({groups}, -1)).transpose(1, 2).flatten(1, 2)"
        return Expression(text, {"groups": self.groups})


class Slice(Layer):
    """Channels ``first`` to ``last``, counted from 1, both included."""

    first: Count
    last: Count

    name = "slice"
    synonyms = ("channels", "narrow")
    examples = (
        Example("slice(1, 4)", ((16, 8, 8),), (4, 8, 8)),
        Example("slice(5, 16)", ((16,),), (12,)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if not self.first <= self.last <= inputs[0][0]:
            raise Misfit(
                codes.SLICE_OUTSIDE, first=self.first, last=self.last, channels=inputs[0][0]
            )
        return (self.last - self.first + 1, *inputs[0][1:])

    def does_nothing(self, *inputs: Shape) -> bool:
        return self.first == 1 and self.last == inputs[0][0]

    def torch(self, *inputs: Shape) -> Expression:
        first = "" if self.first == 1 else "{first}"
        last = "" if self.last == inputs[0][0] else "{last}"
        values = {"first": self.first - 1, "last": self.last}
        idle = {} if last else {"first": 0}
        return Expression(f"{{x}}[:, {first}:{last}]", values, idle=idle)


class Split(Layer):
    """Part ``part`` (counted from 1) of ``parts`` equal parts of the channels."""

    parts: Count
    part: Count

    name = "split"
    synonyms = ("chunk",)
    examples = (Example("split(4, 2)", ((16, 8, 8),), (4, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        if inputs[0][0] % self.parts:
            raise Misfit(
                codes.NOT_DIVISIBLE,
                layer=self.name,
                what="channels",
                given=inputs[0][0],
                by=self.parts,
            )
        if self.part > self.parts:
            raise Misfit(codes.NO_SUCH_PART, part=self.part, parts=self.parts)
        return (inputs[0][0] // self.parts, *inputs[0][1:])

    def meaning(self, *inputs: Shape) -> Meaning:
        """That of a ``slice``."""
        size = inputs[0][0] // self.parts
        return Slice.name, {"first": size * (self.part - 1) + 1, "last": size * self.part}

    def does_nothing(self, *inputs: Shape) -> bool:
        return self.parts == 1

    def torch(self, *inputs: Shape) -> Expression:
        given = {"parts": self.parts, "part": self.part - 1}
        return Expression("{x}.chunk({parts}, 1)[{part}]", given, idle={"parts": 1, "part": 0})

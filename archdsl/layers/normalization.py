"""Normalisation layers, and learned scales."""

from math import prod
from typing import Annotated, Any

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Flag, NotNegative, OneOf, Real, VectorStart
from archdsl.layers.base import (
    Example,
    Idle,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    Weight,
    everything,
    image,
    show_shape,
)

AFFINE = (
    Idle("init", "affine", False),
    Idle("bias_init", "affine", False),
    Idle("bias_init", "bias", False),
)


class BatchNorm(Layer):
    """Batch normalisation over channels (Ioffe and Szegedy 2015, arXiv:1502.03167).

    A scale per channel unless ``affine = false``, and a shift unless ``bias = false``; two
    running statistics and a counter as buffers unless ``track = false``.
    """

    eps: NotNegative = 1e-5
    momentum: Real = 0.1
    affine: Flag = True
    track: Flag = True
    init: VectorStart = None
    bias_init: VectorStart = None
    bias: Flag = True

    name = "bn"
    modules = "modules/norms.py"
    late = ("bias",)
    idle = (*AFFINE, Idle("momentum", "track", False))
    summed_in_place = True
    kind = "norm"
    synonyms = ("batch_norm", "batchnorm", "BatchNorm2d", "BatchNormalization", "bn2d")
    examples = (
        Example("bn", ((16, 8, 8),), (16, 8, 8)),
        Example("bn(eps = 1e-3, affine = false)", ((16, 8, 8),), (16, 8, 8)),
        Example("bn(track = false)", ((16,),), (16,)),
        Example("bn(bias = false)", ((16, 8, 8),), (16, 8, 8)),
        Example("bn", ((4, 50),), (4, 50)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) > 4:
            raise Misfit(codes.TOO_MANY_AXES, layer=self.name, shape=show_shape(inputs[0]))
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        channels = (inputs[0][0],)
        found = _affine(self, inputs[0][0])
        if self.track:
            found += (
                Weight("running_mean", channels, trainable=False),
                Weight("running_var", channels, trainable=False),
                Weight("num_batches_tracked", (), trainable=False),
            )
        return found

    def meaning(self, *inputs: Shape) -> Meaning:
        meant = without_starts(Layer.meaning(self, *inputs))
        return self.name, meant if self.track else meant | {"momentum": 0.1}

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {}
        if self.eps != 1e-5:
            keywords["eps"] = self.eps
        if self.momentum != 0.1:
            keywords["momentum"] = self.momentum
        if not self.affine:
            keywords["affine"] = False
        if not self.track:
            keywords["track_running_stats"] = False
        usual = {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True}
        target = f"nn.BatchNorm{max(len(inputs[0]) - 1, 1)}d"
        return Module(target, (inputs[0][0],), keywords, usual, through=_through(self))


def without_starts(meaning: Meaning) -> dict[str, Any]:
    """The arguments of a layer; how its scale and shift start is none where it has neither."""
    _, arguments = meaning
    if not arguments["affine"]:
        arguments.pop("bias", None)
        return arguments | {"init": None, "bias_init": None}
    return arguments if arguments.get("bias", True) else arguments | {"bias_init": None}


def _affine(layer: "BatchNorm | GroupNorm | InstanceNorm", channels: int) -> tuple[Weight, ...]:
    if not layer.affine:
        return ()
    found = (
        Weight("weight", (channels,), init=layer.init),
        Weight("bias", (channels,), init=layer.bias_init),
    )
    return found[: 1 + layer.bias]


def _through(layer: "BatchNorm | GroupNorm | InstanceNorm | LayerNorm") -> str:
    """What takes the shift away: PyTorch 2.11 has no argument for it, and 2.0 none for any."""
    return "without_bias" if layer.affine and not layer.bias else ""


class GroupNorm(Layer):
    """Normalisation over groups of channels (Wu and He 2018, arXiv:1803.08494)."""

    groups: Count = 32
    eps: NotNegative = 1e-5
    affine: Flag = True
    init: VectorStart = None
    bias_init: VectorStart = None
    bias: Flag = True

    name = "group_norm"
    modules = "modules/norms.py"
    late = ("bias",)
    idle = AFFINE
    kind = "norm"
    synonyms = ("groupnorm", "GroupNorm", "gn")
    examples = (
        Example("group_norm(4)", ((16, 8, 8),), (16, 8, 8)),
        Example("group_norm(1, affine = false)", ((16, 8, 8),), (16, 8, 8)),
        Example("group_norm(2, bias = false)", ((16, 9),), (16, 9)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if inputs[0][0] % self.groups:
            raise Misfit(
                codes.NOT_DIVISIBLE,
                layer=self.name,
                what="channels",
                given=inputs[0][0],
                by=self.groups,
            )
        if prod(inputs[0]) == self.groups:
            shape = show_shape(inputs[0])
            raise Misfit(codes.ONE_VALUE, layer=self.name, groups=self.groups, shape=shape)
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return _affine(self, inputs[0][0])

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, without_starts(Layer.meaning(self, *inputs))

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {}
        if self.eps != 1e-5:
            keywords["eps"] = self.eps
        if not self.affine:
            keywords["affine"] = False
        arguments = (self.groups, inputs[0][0])
        return Module("nn.GroupNorm", arguments, keywords, through=_through(self))


class LayerNorm(Layer):
    """Layer normalisation (Ba et al. 2016, arXiv:1607.06450).

    ``over = all`` normalises the whole tensor with a scale and a shift per element, as
    ``nn.LayerNorm(shape)``; ``over = channels`` normalises the channels at each pixel,
    as ConvNeXt does. ``bias = false`` leaves the shift out.
    """

    over: Annotated[str, OneOf(("all", "channels"))] = "all"
    eps: NotNegative = 1e-5
    affine: Flag = True
    bias: Flag = True

    name = "layer_norm"
    late = ("bias",)
    modules = "modules/norms.py"
    kind = "norm"
    synonyms = ("layernorm", "LayerNorm", "LayerNormalization", "ln")
    examples = (
        Example("layer_norm", ((16, 8, 8),), (16, 8, 8)),
        Example("layer_norm(over = channels, eps = 1e-6)", ((16, 8, 8),), (16, 8, 8)),
        Example("layer_norm(affine = false)", ((16,),), (16,)),
        Example("layer_norm(over = channels, bias = false)", ((16, 9),), (16, 9)),
    )

    def normalized(self, shape: Shape) -> Shape:
        return shape if self.over == "all" else shape[:1]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        if not self.affine:
            return ()
        shape = self.normalized(inputs[0])
        return (Weight("weight", shape), Weight("bias", shape))[: 1 + self.bias]

    def meaning(self, *inputs: Shape) -> Meaning:
        """Of a vector, all elements are its channels."""
        name, meant = Layer.meaning(self, *inputs)
        if not self.affine:
            meant.pop("bias", None)
        return name, meant | ({"over": "channels"} if len(inputs[0]) == 1 else {})

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {}
        if self.eps != 1e-5:
            keywords["eps"] = self.eps
        if not self.affine:
            keywords["elementwise_affine"] = False
        shape = self.normalized(inputs[0])
        size: object = shape[0] if len(shape) == 1 else shape
        pixels = self.over == "channels" and len(inputs[0]) > 1
        target = "ChannelNorm" if pixels else "nn.LayerNorm"
        return Module(target, (size,), keywords, through=_through(self))


class InstanceNorm(Layer):
    """Normalisation of every channel of every image (Ulyanov et al. 2016, arXiv:1607.08022)."""

    eps: NotNegative = 1e-5
    affine: Flag = False
    init: VectorStart = None
    bias_init: VectorStart = None
    bias: Flag = True

    name = "instance_norm"
    modules = "modules/norms.py"
    late = ("bias",)
    idle = AFFINE
    kind = "norm"
    synonyms = ("instancenorm", "InstanceNorm2d")
    examples = (
        Example("instance_norm", ((16, 8, 8),), (16, 8, 8)),
        Example("instance_norm(affine = true)", ((16, 8, 8),), (16, 8, 8)),
        Example("instance_norm(affine = true, bias = false)", ((16, 8, 8),), (16, 8, 8)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        _, size = image(inputs[0], self.name)
        if prod(size) == 1:
            raise Misfit(codes.ONE_PIXEL, layer=self.name, shape=show_shape(inputs[0]))
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return _affine(self, inputs[0][0])

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, without_starts(Layer.meaning(self, *inputs))

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {}
        if self.eps != 1e-5:
            keywords["eps"] = self.eps
        if self.affine:
            keywords["affine"] = True
        target = f"nn.InstanceNorm{len(inputs[0]) - 1}d"
        return Module(target, (inputs[0][0],), keywords, through=_through(self))


class LocalResponseNorm(Layer):
    """AlexNet's response normalisation across channels.

    PyTorch and Caffe divide ``alpha`` by ``size``; for the paper's own formula write
    ``lrn(5, alpha = 5e-4, k = 2)``.
    """

    size: Count = 5
    alpha: NotNegative = 1e-4
    beta: NotNegative = 0.75
    k: NotNegative = 1.0

    name = "lrn"
    kind = "norm"
    synonyms = ("local_response_norm", "LocalResponseNorm", "response_norm")
    examples = (Example("lrn(5, alpha = 5e-4, k = 2)", ((16, 8, 8),), (16, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        return inputs[0]

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {}
        for key, usual in (("alpha", 1e-4), ("beta", 0.75), ("k", 1.0)):
            if getattr(self, key) != usual:
                keywords[key] = getattr(self, key)
        return Module("nn.LocalResponseNorm", (self.size,), keywords)


class Scale(Layer):
    """A learned factor per channel ("layer scale", Touvron et al. 2021, arXiv:2103.17239).

    ``value`` is where it starts; ``bias = true`` adds a learned shift that starts at 0.
    """

    value: Real = 1.0
    bias: Flag = False

    name = "scale"
    modules = "modules/scale.py"
    kind = "norm"
    synonyms = ("layer_scale", "channel_scale", "gamma")
    examples = (
        Example("scale(1e-6)", ((16, 8, 8),), (16, 8, 8)),
        Example("scale(bias = true)", ((16,),), (16,)),
    )

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        channels = (inputs[0][0],)
        return (Weight("weight", channels), Weight("bias", channels))[: 1 + self.bias]

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {"axes": len(inputs[0]) - 1}
        if self.value != 1.0:
            keywords["value"] = self.value
        if self.bias:
            keywords["bias"] = True
        return Module("Scale", (inputs[0][0],), keywords)


class GlobalResponseNorm(Layer):
    """Makes channels compete (ConvNeXt V2, Woo et al. 2023, arXiv:2301.00808): each is multiplied
    by its length over the image, relative to the mean of all lengths.

    The product has a learned factor and a shift per channel, which start at 0, and is added
    to the input.
    """

    eps: NotNegative = 1e-6

    name = "grn"
    modules = "modules/global_response_norm.py"
    kind = "norm"
    synonyms = ("global_response_norm", "GRN")
    examples = (Example("grn", ((16, 8, 8),), (16, 8, 8)), Example("grn(1e-5)", ((4, 9),), (4, 9)))

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        channels = (inputs[0][0],)
        return Weight("weight", channels), Weight("bias", channels)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return everything(input)

    def torch(self, *inputs: Shape) -> Module:
        keywords = {} if self.eps == 1e-6 else {"eps": self.eps}
        arguments = (inputs[0][0], len(inputs[0]) - 1)
        return Module("GlobalResponseNorm", arguments, keywords)

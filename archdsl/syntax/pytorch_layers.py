"""The layers of PyTorch and Keras, and what each is here: tables, which `pytorch` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _table(text: str) -> dict[str, tuple[str, list[str]]]:
    rows = (line.split() for line in text.strip().splitlines())
    return {name: (here, places) for name, here, *places in rows}


# Layers of PyTorch without case, `_` and axes; what each is here; and its arguments in order.
LAYERS = _table("""
conv conv in_channels out_channels kernel_size stride padding dilation groups bias padding_mode
lazyconv conv out_channels kernel_size stride padding dilation groups bias padding_mode
stdconv std_conv in_channels out_channels kernel_size stride padding dilation groups bias
convtranspose conv_transpose in_channels out_channels kernel_size stride padding output_padding \
groups bias dilation
linear linear in_features out_features bias
lazylinear linear out_features bias
batchnorm bn num_features eps momentum affine track_running_stats
syncbatchnorm bn num_features eps momentum affine track_running_stats
lazybatchnorm bn eps momentum affine track_running_stats
groupnorm group_norm num_groups num_channels eps affine
layernorm layer_norm normalized_shape eps elementwise_affine bias
rmsnorm rms_norm normalized_shape eps
instancenorm instance_norm num_features eps momentum affine
localresponsenorm lrn size alpha beta k
globalresponsenorm grn num_channels eps
layerscale scale num_channels value
relu relu inplace
relu6 relu6 inplace
leakyrelu leaky_relu negative_slope inplace
rrelu rrelu lower upper inplace
elu elu alpha inplace
celu celu alpha inplace
selu selu inplace
gelu gelu approximate
silu silu inplace
mish mish inplace
hardswish hardswish inplace
hardsigmoid hardsigmoid inplace
hardtanh hardtanh min_val max_val inplace
sigmoid sigmoid
tanh tanh
softplus softplus beta threshold
softsign softsign
prelu prelu num_parameters init
softmax softmax dim
logsoftmax log_softmax dim
glu glu dim
multiheadattention attend embed_dim num_heads
embedding embed num_embeddings embedding_dim
maxpool maxpool kernel_size stride padding dilation return_indices ceil_mode
avgpool avgpool kernel_size stride padding ceil_mode count_include_pad
adaptiveavgpool adaptive_avgpool output_size
adaptivemaxpool adaptive_maxpool output_size
upsample upsample size scale_factor mode align_corners
upsamplingnearest upsample size scale_factor
upsamplingbilinear upsample size scale_factor
centercrop crop size
lmhead unembed in_features words
sinusoids sinusoids num_channels
pixelshuffle pixel_shuffle upscale_factor
pixelunshuffle pixel_unshuffle downscale_factor
channelshuffle channel_shuffle groups
identity identity
dropout dropout p inplace
dropout1d dropout_channels p inplace
dropout2d dropout_channels p inplace
dropout3d dropout_channels p inplace
alphadropout alpha_dropout p inplace
flatten flatten start_dim end_dim
unflatten reshape dim unflattened_size
zeropad pad padding
reflectionpad pad padding
replicationpad pad padding
circularpad pad padding
""")
# Functions that take other arguments than the layer of their name; the tensor comes before these.
FUNCTIONS = _table("""
dropout dropout p training inplace
dropout2d dropout_channels p training inplace
alphadropout alpha_dropout p training inplace
interpolate upsample size scale_factor mode align_corners
maxpool maxpool kernel_size stride padding dilation ceil_mode return_indices
normalize l2_norm p dim eps
pad pad padding mode
""")
KERAS = _table("""
conv conv filters kernel_size strides padding
dense linear units
maxpooling maxpool pool_size strides padding
averagepooling avgpool pool_size strides padding
upsampling upsample factor
zeropadding pad padding
spatialdropout dropout_channels p
""")
MANY = {"conv": 3, "conv_transpose": 3, "linear": 2}  # so many numbers are in PyTorch's order
MORE = {  # what the name of a layer elsewhere says besides
    "reflectionpad": {"border": "reflect"},
    "replicationpad": {"border": "replicate"},
    "circularpad": {"border": "circular"},
    "layerscale": {"value": "1e-5"},
    "upsamplingbilinear": {"mode": "bilinear", "align_corners": "true"},
}
MEANS = {"mean": "avgpool", "amax": "maxpool", "max": "maxpool", "sum": "sumpool"}
PIXELS = ("(2, 3)", "[2, 3]", "(-2, -1)", "[-2, -1]", "(-1, -2)", "[-1, -2]")
OWN = {"l2_norm": FUNCTIONS["normalize"], "pad": LAYERS["zeropad"]} | {
    row[0]: row for row in reversed(LAYERS.values()) if row[0] != "pad"
}
WEIGHTS = frozenset(  # functions that are given the weights, which a layer here has itself
    "batchnorm conv convtranspose embedding groupnorm instancenorm layernorm linear prelu rmsnorm"
    .split()
)  # fmt: skip
JOINS = {
    "cat": "concat", "concat": "concat", "concatenate": "concat", "add": "add", "sub": "sub",
    "subtract": "sub", "mul": "mul", "multiply": "mul", "maximum": "max",
}  # fmt: skip
KNOWN = frozenset(
    "in_channels in_features num_features num_channels num_embeddings normalized_shape".split()
)
IDLE = frozenset("inplace training device dtype".split())
NAMES = {
    "out_channels": "channels", "out_features": "features", "kernel_size": "kernel",
    "padding": "pad", "output_padding": "output_pad", "num_groups": "groups", "init": "slope",
    "elementwise_affine": "affine", "track_running_stats": "track", "negative_slope": "slope",
    "min_val": "low", "max_val": "high", "count_include_pad": "count_pad", "output_size": "size",
    "upscale_factor": "factor", "downscale_factor": "factor", "scale_factor": "factor",
    "embedding_dim": "channels", "unflattened_size": "to", "padding_mode": "border",
    "num_parameters": "shared", "filters": "channels", "units": "features", "strides": "stride",
    "pool_size": "kernel", "ceil_mode": "mode",
}  # fmt: skip
VALUES = {"True": "true", "False": "false"}
ONLY: dict[str, tuple[str, ...]] = {  # all that these may be, as the layer here does nothing else
    "threshold": ("20", "20.0"), "dim": ("1", "-1"), "end_dim": ("-1",),
    "return_indices": ("False", "false"), "value": ("0", "0.0"),
}  # fmt: skip
Test = Callable[[Any], bool]
BY_PLACE: Mapping[str, tuple[tuple[str, ...], Test, str]] = {
    # What stands at such a place in PyTorch is something else: the layers here for which that is
    # so (all, if none is named), what the value has to be, and how that is said.
    "eps": ((), lambda value: value < 1, "below 1"),
    "slope": (("prelu",), lambda value: value < 1, "below 1"),
    "factor": (("upsample",), lambda value: value <= 32, "at most 32"),
    "base": (("sinusoids",), lambda value: value >= 1000, "at least 1,000"),
    "before": (("pad",), lambda value: False, ""),
}

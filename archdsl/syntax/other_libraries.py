"""Words of Python and of other libraries, and what each is here: the help for an unknown name."""

from __future__ import annotations

SEQUENCE = "write layers one on each line, or in a chain: `conv(16, 3) -> bn -> relu`"

# What Python writes, and how it is written here.
ELSEWHERE = {
    "range": "a range is written `1..n`, and includes both ends",
    "enumerate": "`for x in xs as i { ... }` counts the turns from 1",
    "pow": "a power is written `^`",
    "int": "`floor` rounds down, `round` to the nearest",
    "True": "it is written `true`",
    "False": "it is written `false`",
    "None": "there is no such value: leave the argument out",
    "Sequential": SEQUENCE,
    "ModuleList": "to repeat a layer, write `repeat 3 { ... }`",
    "x": "the input has no name: a line continues the one before it, and `identity` passes it on",
    "print": "`archdsl summary --layers` shows what each layer makes",
    "Input": "the input is declared once: `input 3x224x224`",
    "InputLayer": "the input is declared once: `input 3x224x224`",
    "same": "write `pad = same`",
    "valid": "write `pad = 0`",
    "in_channels": "the channels that come in are `in.channels`",
    "in_features": "the features that come in are `in.channels`",
}
GRID = "nms", "roi_pool", "roi_align", "grid_sample", "deform_conv", "DeformConv2d"
OTHERS = (  # what changes a tensor in ways that no layer here does
    "argmax argsort cumsum detach diff expand flip fold gather index_select masked_fill norm"
    " repeat_interleave roll rot90 scatter sort std tile topk tril triu unfold var where"
    " GaussianNoise Lambda gaussian_noise spectral_norm weight_norm"
).split()
NO_LAYER = "it is not a layer of the language: docs/adding-a-layer.md says how to add one"
COMPOSED = {  # what other libraries have as a layer
    ("cross_attention", "CrossAttention", "encoder_decoder_attention"):
        "it is written `[conv(d, 1), other -> conv(2 * d, 1)] -> cross_attend(heads)"
        " -> conv(d, 1)`, where `d = in.channels`",
    ("window_attention", "WindowAttention", "windowed_attention"):
        "it is an argument of attention, which has projections around it:"
        " `conv(3 * d, 1) -> attend(heads, windows = 7) -> conv(d, 1)`",
    ("rope", "rotary", "rotary_embedding", "RotaryEmbedding"):
        "it is an argument of attention: `attend(heads, rope = 10000)`",
    ("gru", "GRU", "lstm", "LSTM", "rnn", "RNN", "transformer", *GRID, *OTHERS): NO_LAYER,
    ("einsum", "matmul", "bmm", "mm", "dot", "Dot", "baddbmm", "scaled_dot_product_attention"):
        "with weights, it is `conv(c, 1)`; of two tensors, it is"
        " `branch mul { a; b } -> channel_sumpool`; attention is `conv(3 * d, 1) -> attend(heads)`",
    ("rearrange", "Rearrange"):
        "`flatten_space` makes tokens of pixels, `pixel_unshuffle(2)` channels of them, and"
        " `reshape(64x7x7)` any shape",
    ("stack",): "`branch concat { a; b }` concatenates the channels of several tensors",
    ("unsqueeze", "expand_dims", "expand_as"):
        "leave it out: a tensor of channels is spread over the pixels, as in"
        " `branch mul { identity; global_avgpool }`",
    ("act", "Act", "activation", "Activation"): "an activation is a layer of its own: `relu`",
    ("conv_bn_relu", "conv_bn", "conv_norm_act", "ConvBNReLU", "ConvBNAct", "ConvNormAct",
     "Conv2dNormActivation", "ConvModule", "BasicConv2d"):
        "it is written `conv(c, 3) -> bn -> relu`",
    ("Parameter", "parameter"):
        "learned parameters are layers: `positions`, `prepend`, `scale`,"
        " `plus(0, learned = true)`",
    ("patch_embed", "PatchEmbed", "patchify"):
        "it is written `conv(c, 16, stride = 16, pad = 0) -> flatten_space`",
    ("dwconv", "depthwise", "depthwise_conv", "DepthwiseConv2D"):
        "it is written `conv(in.channels, 3, groups = in.channels)`",
    ("separable_conv", "sepconv", "SeparableConv2D"):
        "it is written `conv(in.channels, 3, groups = in.channels) -> conv(c, 1)`",
    ("spp", "SPP", "sppf", "SPPF"):
        "it is `branch concat { identity; maxpool(5, 1, pad = 2); maxpool(9, 1, pad = 4) }`",
    ("transformer_block", "TransformerEncoderLayer", "encoder_layer"):
        'it is `residual { layer_norm -> attention(8) }`, then `residual { layer_norm -> mlp }`,'
        ' with `use "lib/transformer.arch": attention, mlp`',
    ("conv1x1", "pointwise", "pointwise_conv"): "it is written `conv(c, 1)`",
    ("conv3x3",): "it is written `conv(c, 3)`",
    ("drop_path", "DropPath", "stochastic_depth", "StochasticDepth"):
        "it is an argument of the unit: `residual(survive = 0.8) { ... }`",
    ("space_to_depth", "SpaceToDepth"):
        "it is `pixel_unshuffle(2)`; with the channels in TensorFlow's order,"
        " `pixel_unshuffle(2) -> channel_shuffle(in.channels // 4)`",
    ("depth_to_space", "DepthToSpace"):
        "it is `pixel_shuffle(2)`; with the channels in TensorFlow's order,"
        " `channel_shuffle(4) -> pixel_shuffle(2)`",
}  # fmt: skip
LIBRARY = {  # blocks of specs/lib by their files
    "attention": "squeeze_excite eca cbam",
    "convnext": "convnext",
    "csp": "cross_stage elan",
    "ghost": "ghost ghost_bottleneck",
    "inception": "inception",
    "mobile": "depthwise_separable inverted_residual fused_inverted_residual",
    "residual": "basic bottleneck preactivated res2",
    "segmentation": "aspp top_down",
    "shuffle": "shuffle_v1 shuffle_v2",
    "transformer": "attention mlp swiglu",
    "unet": "double_conv pad_to unet",
}
THERE = {  # what else such a block is called
    "squeeze_excite": (
        "se",
        "squeeze_excitation",
        "SEBlock",
        "SELayer",
        "SqueezeExcite",
        "SqueezeExcitation",
    ),
    "cbam": ("CBAM",),
    "eca": ("ECA",),
    "inverted_residual": ("mbconv", "MBConv", "InvertedResidual"),
    "fused_inverted_residual": ("fused_mbconv", "FusedMBConv"),
    "basic": ("basic_block", "BasicBlock", "resblock", "res_block", "ResBlock"),
    "bottleneck": ("Bottleneck",),
    "aspp": ("ASPP",),
    "attention": (
        "attn",
        "mha",
        "mhsa",
        "multihead_attention",
        "multi_head_attention",
        "self_attention",
        "Attention",
        "MultiheadAttention",
        "MultiHeadAttention",
        "SelfAttention",
        "CausalSelfAttention",
    ),
    "mlp": ("MLP", "feed_forward"),
    "swiglu": ("SwiGLU",),
}
LAYERS = {word: said for words, said in COMPOSED.items() for word in words} | {
    word: f'it is a block of the library: `use "lib/{file}.arch": {block}`'
    for file, blocks in LIBRARY.items()
    for block in blocks.split()
    for word in (block, *THERE.get(block, ()))
}
ELSEWHERE |= LAYERS
_SPELLED = {word.lower().replace("_", ""): said for word, said in LAYERS.items()}


def elsewhere(word: str) -> str | None:
    """What a word of Python or of another library is here; that of a layer in any case, with and
    without ``_``."""
    return ELSEWHERE.get(word) or _SPELLED.get(word.lower().replace("_", ""))

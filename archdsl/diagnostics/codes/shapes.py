"""A2..: tensors that do not fit."""

from archdsl.diagnostics.model import Kind

CANNOT_JOIN = Kind(
    "A201",
    "these tensors cannot be {verb}: {shapes}",
    """Tensors that are added, averaged or compared have one shape; tensors that are
concatenated agree in all but their channels; tensors that are multiplied agree in every axis,
or have a 1 there. The places shown are where each of them comes from.""",
)
NO_STRIDE = Kind(
    "A202",
    "{what} cannot give the input the shape of the body's result",
    """A projection or a padding shortcut takes every n-th pixel. No n leads from the size of the
input to the size of the body's result: perhaps the body changes the size in another way (an
up-sampling, a pooling without padding). Give the shortcut as a layer.""",
    help="give the shortcut as a layer: `residual(shortcut = ...) {{ ... }}`",
)
NEEDS_IMAGE = Kind(
    "A203",
    "`{layer}` needs spatial axes, but the tensor is the vector {shape}",
    """The layer works on images, such as 64x28x28. A vector comes from `linear` or `flatten`;
`reshape(64x4x4)` makes an image of it again.""",
)
TOO_MANY_AXES = Kind(
    "A204",
    "`{layer}` works on 1 to 3 spatial axes, but the tensor is {shape}",
    """PyTorch has layers for sequences, images and volumes.""",
)
NEEDS_AXES = Kind(
    "A205",
    "`{layer}` needs {axes} spatial axes, but the tensor is {shape}",
    """The layer is defined for images alone.""",
)
WRONG_AXES = Kind(
    "A206",
    "`{argument} = {given}` of `{layer}` is for {count} spatial axes, but the tensor has {axes}",
    """An argument per axis names every spatial axis of the tensor: `1x7` for an image, one
number for all axes alike.""",
)
WINDOW_TOO_LARGE = Kind(
    "A207",
    "`{layer}` of {kernel} does not fit into {size}",
    """The window is larger than the tensor and its padding, so that nothing would be left.
The network makes its tensors smaller than it can afford at this input size.""",
    help="pad it, pool less, or give the network a larger input",
)
EVEN_KERNEL = Kind(
    "A208",
    "a kernel of {kernel} cannot keep the size with equal padding on both sides",
    """Without `pad`, a convolution pads so that a stride of 1 keeps the size. An even kernel
needs one pixel more on one side, so you have to say which.""",
    help="write `pad = 0`; to keep the size with a stride of 1, put `{before}` before it",
)
GROUPS_DO_NOT_DIVIDE = Kind(
    "A209",
    "{groups} groups do not divide the channels of `{layer}`: {before} come in, {after} go out;"
    " these numbers do: {those}",
    """A grouped convolution deals its input and output channels out evenly.""",
)
NOT_DIVISIBLE = Kind(
    "A210",
    "`{layer}` needs {what} that can be divided by {by}, but there are {given}",
    """The layer splits its input into equal parts.""",
)
OUTPUT_PAD_TOO_LARGE = Kind(
    "A211",
    "an output padding of {output_pad} is not smaller than the stride of {stride}",
    """`output_pad` picks one of the sizes that a transposed convolution could have come from:
there are as many as its stride.""",
)
POOL_PAD_TOO_LARGE = Kind(
    "A212",
    "`{layer}` cannot pad {pad}: that is more than half of its kernel {kernel}",
    """With more, a window could lie wholly outside of the image.""",
)
MODE_NEEDS_AXES = Kind(
    "A213",
    "`mode = {mode}` is for {axes} spatial axes, but the tensor has {given}",
    """Sequences are resampled with linear, images with bilinear or bicubic, volumes with
trilinear; nearest does for all.""",
)
RESHAPE_COUNT = Kind(
    "A214",
    "{before} has {count:,} elements, but {after} needs {wanted:,}",
    """`reshape` keeps all elements.""",
)
BORDER_TOO_WIDE = Kind(
    "A215",
    "a border of {pad} pixels by `{border}` needs a side of more than {size}",
    """A reflected or circular border is made of pixels of the image itself.""",
)
CANNOT_SHRINK = Kind(
    "A216",
    "`pad_channels({to})` adds channels, but there are {given} already",
    """To take channels away, use `slice` or a convolution.""",
)
SLICE_OUTSIDE = Kind(
    "A217",
    "channels {first} to {last} cannot be taken: there are {channels}",
    """Channels are counted from 1, and both ends are included.""",
)
NO_SUCH_PART = Kind(
    "A218",
    "there is no part {part}: there are {parts}",
    """Parts are counted from 1.""",
)
BOUNDS_CROSSED = Kind(
    "A219",
    "the bounds of `{layer}` are crossed: {low:g} is not below {high:g}",
    """The lower bound comes first.""",
)
ONE_PIXEL = Kind(
    "A220",
    "`{layer}` needs more than one pixel per channel, but the tensor is {shape}",
    """The layer divides by how much the pixels of a channel differ, and a single pixel differs
from nothing: PyTorch refuses it. Normalise before the pooling, or use `bn` or `layer_norm`.""",
)
ONE_VALUE = Kind(
    "A221",
    "`{layer}({groups})` normalises groups of one value: the tensor is {shape}",
    """The layer divides by how much the values of a group differ, and a single value differs
from nothing: PyTorch refuses it for one image. Take fewer groups, normalise before the pooling,
or use `bn` or `layer_norm`.""",
)
FIXED_WEIGHTS = Kind(
    "A222",
    "`weight` has {given:,} numbers, but one filter of this `conv` has {each:,} weights, and all"
    " filters have {all:,}",
    """Fixed weights are those of one filter, which all filters then have, or those of all filters.
A filter has a weight for each channel of its group and each place of the kernel. They stand row by
row, as in PyTorch, and lists may stand within lists.""",
)
COUNT_OF_TENSORS = Kind(
    "A223",
    "`{layer}` takes {wanted} tensors, but is given {given}",
    """Attention between two sequences takes queries, then keys with values; stochastic depth takes
a shortcut, then a branch.""",
)
NO_SUCH_AXIS = Kind(
    "A224",
    "`{layer}` works over `{name}`, but the axes of {shape} are {names}",
    """A sequence has channels and tokens, an image channels, height and width; a volume has a depth
before these.""",
)
KEYS_AND_VALUES = Kind(
    "A225",
    "`{layer}` of queries with {queries} channels needs keys and values of {wanted}, but they have"
    " {given}",
    """Keys and values stand side by side. A head of keys has as many channels as one of the
queries; what is left are the values, in as many heads.""",
    help="`conv({wanted}, 1)` gives them {wanted} channels",
)
NEEDS_SEQUENCE = Kind(
    "A230",
    "`{layer}` needs a sequence of tokens, but the tensor is {shape}",
    """Tokens are a sequence with channels first, such as 384x196. `flatten_space` makes one of
the pixels of an image.""",
)
NO_SUCH_TOKEN = Kind(
    "A231",
    "there is no token {place}: the sequence has {count}",
    """Tokens are counted from 1.""",
)
NOT_BOTH = Kind(
    "A232",
    "`{layer}` cannot have `{first}` and `{second}` at once",
    """The two exclude each other. Pixels attend to those of their window, of their grid, or to all
pixels; a causal order and rotary turns need all of them. A network with windows and grids, such as
MaxViT, has a layer for each. Fixed weights take no initialisation.""",
)
SHIFT_TOO_FAR = Kind(
    "A233",
    "a shift of {shift} needs windows of more than {windows} pixels a side",
    """`shift` moves the windows by less than their size; it has no meaning without windows.""",
)
NEEDS_IDS = Kind(
    "A234",
    "`{layer}` takes token ids, but it is given numbers: {shape}",
    """An embedding has a vector for each word of a vocabulary. It takes the ids of words, and the
line `input` says how many words there are.""",
    help="declare the input as ids: `input words(ids = 50257): 1024`",
)
TOKEN_IDS = Kind(
    "A240",
    "`{layer}` takes numbers, but it is given token ids, of a vocabulary of {count}",
    """Token ids name the words of a vocabulary: to add, scale or convolve them means nothing. An
embedding turns them into vectors.""",
    help="turn them into vectors first: `embed(width)`",
)
UNUSED_INPUT = Kind(
    "A241",
    "nothing uses the input `{name}`",
    """Each tensor that comes in leads to a result. The first is the current tensor where the
network begins; the others are used by their names, as kept tensors are.""",
    help="leave it out, or join it: `branch concat {{ identity; {name} -> ... }}`",
)
SHARED_DIFFERS = Kind(
    "A242",
    "`{name}` is shared, and cannot have the same weights here: {reason}",
    """A `shared` layer is one module: wherever it is applied, it has the same layers, with the same
arguments and the same weights. Sizes of images may differ, numbers of channels mostly may not.""",
    help="bring the tensors to the same channels first, or apply layers with weights of their own",
)
SEVERAL_TENSORS = Kind(
    "A244",
    "there {count} here, but one is needed",
    """A list of layers, `[a, b -> conv(8, 1)]`, leaves several tensors in the place of the current
one. They go through loops, conditions and blocks together, and a join brings them together, as
in `[a, b] -> concat`. Layers, `residual` and the like take one, as does whatever asks for its
shape, and a network ends with one, or with outputs that have names.""",
    help="take them apart and name one: `let (a, b) = in.tensors`, then `a -> ...`",
)
NOT_TIED = Kind(
    "A243",
    "`{layer}` takes a shared embedding that has been applied before it, but this is {given}",
    """It has the weights of an embedding, whose vocabulary is known where token ids have come
in.""",
    help="write `let words = shared {{ embed(width) }}`, and apply `words` to the token ids before",
)

"""A97.: what is allowed, but seldom meant."""

from archdsl.diagnostics.model import Kind

BIAS_BEFORE_NORM = Kind(
    "A971",
    "the bias of `{layer}` does nothing: `{norm}` after it subtracts the mean of each channel",
    """Batch and instance normalisation subtract the mean of each channel, and with it whatever a
bias has added. Its parameters are trained and stored for nothing. A call with `bias = true` gets no
warning: networks that others have trained may need it.""",
    help="write `bias = false`, once for all with `default {layer}(bias = false)`",
    severity="warning",
)
UNUSED = Kind(
    "A972",
    "the {what} `{name}` is never used",
    """A block or a function that nothing applies is no part of the network. A knob that nothing
uses, or only a value that is itself not used, changes nothing: a search would vary it in vain.""",
    help="remove it, or use it in the network",
    severity="warning",
)
PIXELS_SKIPPED = Kind(
    "A973",
    "a stride of {stride} with a kernel of {kernel} skips pixels",
    """The windows are further apart than they are wide: what lies between them has no effect on
the result. There is no warning of a 1x1 convolution with a stride, which shortcuts have.""",
    help="make the kernel as wide as the stride, or the stride smaller",
    severity="warning",
)
BATCH_IN_INPUT = Kind(
    "A974",
    "the input {shape} is a volume of one channel and {depth} slices",
    """Shapes have no batch size: channels come first, and then the spatial axes. Four numbers are
the channels of a volume and its three axes.""",
    help="an image is written `input {image}`",
    severity="warning",
)
AFTER_HEAD = Kind(
    "A975",
    "`{layer}` comes after the last `linear`",
    """The loss of a classifier takes the result of the last linear layer and contains the softmax:
an activation after it is applied twice, or bounds what can be learned.""",
    help="end with the `linear`: the loss contains the softmax",
    severity="warning",
)
ODD_WIDTH = Kind(
    "A976",
    "{channels} channels are not a multiple of 8",
    """The matrix units of GPUs work on multiples of 8 numbers of half precision; other widths are
padded, and take as long as the next multiple. Only `check --gpu` warns of it.""",
    severity="warning",
)
IN_PASSED_ON = Kind(
    "A977",
    "`in.{field}` is read inside `{block}`, where this layer is applied, and not here",
    """`in` is the input of a layer where the layer is applied. A layer that is handed to a block is
applied inside it, where the tensor may be another than here.""",
    help="if you mean the tensor here, keep its value before: `let value = in.{field}`",
    severity="warning",
)
EARLY_PRUNING = Kind(
    "A978",
    "{pruner} ends trials from epoch {first} of {epochs} on, in the middle of {schedule}",
    """While the learning rate is high, a score says little about the end of a training: on digits,
the order of learning rates at epoch 3 to 5 of 10 under `one_cycle` had a correlation of -0.2 to
-0.4 with that at the end, and of 0.6 from epoch 7 on. Short training runs, each with a
whole schedule, rank them well.""",
    help="write `prune {pruner}(warmup = {late})`; or leave it out and tune by short training runs,"
    " with `explore epochs = 3`",
    severity="warning",
)
IDLE_ARGUMENT = Kind(
    "A979",
    "`{name}` of `{callee}` does nothing here: `{other}` is {value}",
    """An argument of a call should have an effect. The start of a bias has none where there is no
bias, nor has `align_corners` where the nearest pixel is taken, or `per` where nothing is dropped.
There is no warning of what a `default` sets, or of what depends on a parameter or a knob.""",
    help="leave it out",
    severity="warning",
)
CHANNELS_TWICE = Kind(
    "A980",
    "this is a kernel of {kernel} with a stride of {stride}: the first number is the channels out",
    """PyTorch's convolutions take the input channels, the output channels and the kernel. Here the
input channels are known: the first number is the output channels, the second the kernel, the third
the stride.""",
    help="for {kernel} channels and a kernel of {stride}, write `{layer}({kernel}, {stride})`",
    severity="warning",
)
CHANNELS_LAST = Kind(
    "A981",
    "the input {shape} is an image of {channels} channels, {height} pixels high and {width} wide",
    """Shapes have the channels first, as PyTorch has them: 3x224x224 is an image of three channels.
Keras and most image files have them last.""",
    help="an image of {width} channels is written `input {image}`",
    severity="warning",
)
OUTPUT_IN_TRAINING = Kind(
    "A982",
    "`{name}` is an output in training only: evaluation and exported files leave it out",
    """A side output is an auxiliary classifier unless `when = always` makes it a result of the
network. One that says its `weight` in the loss, or `when`, knows which it is, and gets no
warning.""",
    help="a result of the network says so: `output {name}(when = always)`; an auxiliary"
    " classifier says its weight in the loss, such as `weight = 0.3`",
    severity="warning",
)

"""A8..: data and training."""

from archdsl.diagnostics.model import Kind

NO_DATA = Kind(
    "A801",
    "the data `{name}` is not here: {reason}",
    """The places where it was looked for are named, and how to get it. Nothing is trained before
all of it is there.""",
)
BAD_DATA = Kind(
    "A802",
    "the data `{name}` cannot be read: {reason}",
    """A file is cut short, is another file than its name says, or holds what this set does not
have. Nothing is trained on half a data set.""",
)
BAD_SPLIT = Kind(
    "A803",
    "the data `{name}` cannot be split like this: {reason}",
    """A set of images is split once, by its `seed`, into images to train on, to validate with
and to test on. `validation` and `test` are shares of all images, class by class; `train` takes
only so many of those that are left. Each part but the test set needs at least one image.""",
)
BAD_PLUGIN = Kind(
    "A804",
    "the data `{name}` fails: {reason}",
    """Your own data is a class, in a file or under an entry point of the group
`archdsl.data`. It is called with the arguments that are given, and makes an object with a method
`read(folder)`, which gives arrays, or a data set of PyTorch or Hugging Face; and, where it has
them, the attributes `image` and `classes`. docs/training.md shows one.""",
)
DATA_MISMATCH = Kind(
    "A805",
    "the network does not fit the data: {reason}",
    """A spec's input is taken from the data, and its knob `classes` too where it has one. What
comes out must be one number for each class, label or value; of masks, one for each class in each
pixel; of tokens, one for each that could be next at each place.""",
)
BAD_BATCH = Kind(
    "A806",
    "a batch of {batch} cannot be trained: {reason}",
    """Batch normalisation needs at least two values of each channel, so a batch of one image can
only be trained without it. Where several processes train together, each takes an equal share
of every batch.""",
)
BAD_RUN = Kind(
    "A807",
    "`{name}` cannot be resumed: {reason}",
    """A checkpoint of `archdsl train` holds the weights, the state of the optimizer and the epochs
so far, of one network, on one data set, with one recipe and one seed. It goes on with these
alone, so that what comes out is what one run without a break would have given. The file is left
as it is.""",
)
RUN_EXISTS = Kind(
    "A808",
    "the checkpoint `{name}` is there already",
    """Nothing is overwritten.""",
    help="go on with --resume, or name another file",
)
DIVERGED = Kind(
    "A809",
    "the loss is not finite in epoch {epoch}",
    """The loss is no longer a number: the learning rate is usually too high.""",
    help="lower `lr` (it is {lr}), or add `warmup` or `clip`",
)
OUT_OF_MEMORY = Kind(
    "A810",
    "the memory of {device} is not enough for {what}",
    """The memory that training needs grows with the batch, the image and the activations of the
network; `archdsl summary --batch N` estimates it. The weights alone take four bytes for
each parameter, eight while a checkpoint is loaded into them.""",
    help="make the network narrower, or `batch` smaller if it is trained",
)
NO_CARD = Kind(
    "A821",
    "`{name}` cannot be used to predict: {reason}",
    """A file of weights that `archdsl train`, `search` or `best` wrote carries a model card: the
size of the images, mean and deviation of each channel, the names of the classes, and the spec.
An export carries it too, if the weights that it was made with did. Without it nothing tells how an
image has to be read, and a wrong guess gives wrong classes without a word.""",
)
BAD_CARD = Kind(
    "A822",
    "the model card in `{name}` cannot be read: {reason}",
    """The card says how images are read and what the classes are called. It was changed after
archdsl wrote it, or another program wrote it.""",
    help="export the network again from the weights that it was trained to",
)
NO_PART = Kind(
    "A823",
    "`{name}` cannot be frozen: it is {reason} of the network",
    """`freeze` names parts of a network by their paths, as the keys of its weights have them:
`stem`, or `body.unit2`. What is in a part that is frozen keeps its weights and its running
statistics. Something has to be left that is trained.""",
)
BAD_TASK = Kind(
    "A824",
    "`{name}` is not for {task}: {reason}",
    """What data is labelled with decides what its networks are trained for: `classification`,
`multilabel`, `regression` or `segmentation`. Each of these has its own losses and metrics; class
weights and balanced sampling want one class for each image, label smoothing classes, mixed images
classes or labels. Some augmentations want pictures of 8 bits, or a height and a width.""",
)
BAD_METRIC = Kind(
    "A825",
    "the metric `{name}` cannot be computed from these {count} examples: {reason}",
    """A metric is computed from the results and labels of all validation examples. Some need
examples of at least two classes, or labels that some examples have and others have not; a metric
of your own may raise, or give something that is not a finite number.""",
    help="validate with more examples, or ask for another metric",
)

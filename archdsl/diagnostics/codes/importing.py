"""A65. and A66.: importing a PyTorch model."""

from archdsl.diagnostics.model import Kind

NO_MODEL = Kind(
    "A651",
    "`{name}` names no model: {reason}",
    """A model is named by where its code is: `torchvision.models:resnet50`, `timm:resnet50`, or a
file of your own with the class or function in it, `my_model.py:Net`. What needs arguments is
called with `--call "Net(width = 32)"`. What comes out has to be a module of PyTorch. A file that
ends in `.pt2` or `.onnx` is read, and runs nothing.""",
)
MODEL_FAILS = Kind(
    "A652",
    "the model did not run: {reason}",
    """The model was made, and is run once on a batch without numbers, in evaluation and in
training. It takes other tensors than were said, or it raised an exception with them, or it gave
none. Mostly it is made for another input than `--input` says, such as images of another size.""",
)
IMPORT_HANGS = Kind(
    "A653",
    "the model was not read within {limit} seconds",
    """Code of the model runs in a process of its own, which was ended. Either it waits for
something, or the network is large.""",
    help="`--timeout SECONDS` gives it longer",
)
NO_LAYER = Kind(
    "A654",
    "no layer computes `{operation}`{reason}",
    """An operation of the model has no counterpart in the language, so nothing was written. All
such operations are listed, with the module and the line of code that they are from. A layer of your
own can compute it: the help has it as a Python file, with the arguments of the call and the rule
for its shape, or with the shapes that were seen where no rule was found. What cannot be written
from the call alone is left for you to fill in: docs/adding-a-layer.md has the way. With
`--partial` the spec is written with such layers, and their file beside it.""",
)
DEPENDS_ON_DATA = Kind(
    "A655",
    "the model looks at the values of a tensor",
    """A spec is one network for all images: which layers run cannot depend on what is in a tensor.
The model was run without numbers, and a line of it wanted to know some: `if x.sum() > 0`,
`x.item()`, `x.tolist()`, a mask as an index.""",
)
DEPENDS_ON_BATCH = Kind(
    "A656",
    "the model changes with the number of images in a batch: {reason}",
    """A network computes each image by itself (but for the statistics of batch normalisation), so
that it is the same for every number of images. This model was run on batches of two and of three
images, and did different things.""",
)
NOTHING_TO_IMPORT = Kind(
    "A657",
    "there is no network to import: {reason}",
    """A network has layers with weights between its input and its result, convolutions or linear
ones among them, and every parameter takes part.""",
)
WANTS_NETWORK = Kind(
    "A658",
    "the code of the model tries to reach the internet: {reason}",
    """Importing never downloads anything, and the process that runs the model's code cannot. Mostly
it wants weights: leave them out with `weights = None` or `pretrained = False` in `--call`, and
take them over afterwards with `archdsl compile --weights FILE`.""",
)
NOT_THE_SAME = Kind(
    "A659",
    "the spec that was made is not the model: {reason}",
    """What is written has been checked: the same graph, the same parameters and multiply-adds, the
same results and gradients. One of these checks failed, so nothing was written. It may be a fault
of archdsl: please report it with the model.""",
)
NEEDS_PERMISSION = Kind(
    "A660",
    "importing `{name}` runs its Python code",
    """Models of torchvision and timm are imported by name. Any other Python code is run with
`--allow-python` alone, as it may do whatever you may do. It runs in a process of its own without
access to the internet, which is not a sandbox.""",
    help="add `--allow-python` if you trust it",
)
CHANGES_IN_TRAINING = Kind(
    "A661",
    "the model is a different network in training: {reason}",
    """In training a network drops elements or branches at random, uses the statistics of the batch,
and may have outputs beside the main one. Apart from these it has to compute the same as in
evaluation.""",
)
SHARED_WEIGHTS = Kind(
    "A662",
    "two different layers of the model use the weights `{key}`",
    """A module that a model applies several times is `shared` in the spec, and a head that has the
weights of an embedding is `unembed`. Other layers that have one parameter together, such as two
convolutions with different strides, have no counterpart: give each its own.""",
)
NO_PROGRAM = Kind(
    "A663",
    "`{name}` cannot be imported: {reason}",
    """A `.pt2` file is a program of `torch.export.save`, a `.onnx` file a graph of ONNX. They are
read without running anything: what is pickled in them is refused, as unpickling runs code, and so
are files that are damaged, larger inside than outside, or that name files outside their folder.
Before anything is computed the network is run without numbers: an operation that fails, and a
tensor that would fill the memory, end the import.""",
)
NOT_RECORDED = Kind(
    "A664",
    "`{layer}` is known for {known}, and what comes in is {given}",
    """A layer that `archdsl import --partial` wrote computes one operation of a model. Where no
rule was found for the shape of its result, it has a table of the shapes that were seen, and refuses
others. Its method `shape` can be given the rule: docs/adding-a-layer.md.""",
    help="write the rule in its method `shape`",
)
OWN_LAYER = Kind(
    "A665",
    "no layer computes `{operation}`{reason}: it is {layers}, a layer of your own",
    """With `--partial` an operation that the language has no layer for is written as a layer of
your own, in a Python file beside the spec. The spec is the same network as the model with these
layers, and is read with `--allow-python FILE`. A layer calls the operation of PyTorch with the
arguments that the model gives it.""",
    severity="warning",
)
NO_FAMILY = Kind(
    "A667",
    "{names} are not variants of one spec: {reason}",
    """Several models become one spec where they have the same parts in the same order: what differs
in them are numbers, such as channels, how often a part repeats, and the size of the image. These
are knobs then, and each model is a variant, which is proven to be the model.""",
    help="import them one by one, or those alone that differ in numbers",
)
CHANGES_BY_CHANCE = Kind(
    "A668",
    "the model is another network each time it runs: {reason}",
    """A spec is one network. This model was run several times on the same shapes, in evaluation or
in training, and did different things: a choice by `random.random()` or `np.random`, or by what an
earlier run left behind. What drops elements or branches at random in training is known as dropout
and stochastic depth.""",
)
NO_GRADIENT = Kind(
    "A669",
    "the model computes {reason} without gradients",
    """A gradient goes through every layer of a spec. A part of this model runs in
`torch.no_grad()`, in `torch.inference_mode()`, or after `torch.set_grad_enabled(False)`, so that
neither it nor what is before it is trained. Compute it with gradients, and freeze it where you
train: by `freeze` in a search, by `--freeze` of `archdsl train`, or by `requires_grad_(False)` in
PyTorch.""",
    help="leave out the `torch.no_grad()` around it, and freeze that part where you train: by "
    "`requires_grad_(False)`, or by `archdsl train --freeze`",
)

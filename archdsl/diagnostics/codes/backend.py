"""A6..: compiling, and taking weights over."""

from archdsl.diagnostics.model import Kind

NEEDS_PACKAGE = Kind(
    "A601",
    "this needs the package {package}, which is not installed",
    """Checking, costing and compiling to Python source need no PyTorch. What runs a network,
or writes another format, does.""",
    help="`pip install {package}`; in a clone of archdsl, `pip install '.[{extra}]'` has all of it",
)
BAD_CHECKPOINT = Kind(
    "A602",
    "`{name}` is not a checkpoint that can be read: {reason}",
    """A checkpoint is a `state_dict` that `torch.save` wrote, alone or under the key `state_dict`
or `model`, or a file of safetensors. It is read without running anything that may stand in
it, so a pickled module is refused.""",
)
NO_FIT = Kind(
    "A603",
    "the weights do not fit: {reason}",
    """Weights are taken over by structure and shape: the layers of the checkpoint, in some order,
must be those of the network. The first place at which they differ is named. A checkpoint of a
variant (another depth, other shortcuts, with auxiliary heads) needs the same variant here.
Where several orders fit and names do not decide, both are said: `--order` and `--rename`, or
`order` and `names` of `archdsl.transfer`, tell which is meant.""",
)
EXPORT_FAILED = Kind(
    "A604",
    "the network cannot be exported to {format}: {reason}",
    """PyTorch's exporter refused the network, or the exported file computes something else.
The Python source (`-o FILE.py`) is always there.""",
)
UNKNOWN_FORMAT = Kind(
    "A605",
    "`{name}` does not end in a known format: {known}",
    """The ending of the file's name says what is written: .py Python source, .pt2 a program of
torch.export, .onnx, .arch the spec with its knobs frozen. A format of your own comes with
--allow-python: docs/extending.md.""",
)
NO_DEVICE = Kind(
    "A606",
    "there is no device `{name}` here: {reason}",
    """Devices are named as PyTorch names them: cpu, cuda, cuda:1, mps.""",
)
NO_CODE = Kind(
    "A607",
    "`{layer}` has no PyTorch code: `{title}` defines no method `torch`",
    """A layer of a Python file can be checked, costed and drawn without PyTorch code. What
compiles or runs a network needs the code of each of its layers. The file
docs/adding-a-layer.md shows how it is given.""",
)
NO_MODULE = Kind(
    "A608",
    "the module `{name}` of the layer `{layer}` cannot be taken into the file: {reason}",
    """An emitted file needs nothing but PyTorch and what the module of a layer imports. So the
source of a module of a layer's own is copied into it, with the classes, functions and values of its
file that it uses and the imports that these need. The file docs/extending.md shows how.""",
)
BAD_CODE = Kind(
    "A609",
    "the code of the layer `{layer}` cannot run: {reason}",
    """The method `torch` of a layer from a Python file gives code of PyTorch: a Module with the
arguments of its class, or an Expression over `{x}`. Before it is written or run, it is read, and
what it names is looked for: `F`, `nn`, `torch`, `math`, its `helpers`, and what is built into
Python.""",
)

"""A00.: what is wrong with a file before its text is looked at."""

from archdsl.diagnostics.model import Kind

NO_SUCH_FILE = Kind(
    "A001",
    "there is no file `{name}`",
    """A spec is given by its path, or by the name of a built-in one (`archdsl specs` lists
those). Nothing of this name was found, neither as a file nor among the built-in specs.
In a `use`, the path starts at the folder of the spec that is compiled, or else at that of
the built-in specs.""",
)
UNREADABLE = Kind(
    "A002",
    "`{name}` cannot be read: {reason}",
    """The file is there, but the system refuses to open it, it is a folder, or it is a file of
another kind: a search in place of a spec, or code of a model, which `archdsl import` reads.""",
)
NOT_TEXT = Kind(
    "A003",
    "`{name}` is not a text file: {reason}",
    """A spec is text in UTF-8, without NUL bytes. This file holds other bytes; it may
be a checkpoint or an archive, or have been saved in another encoding.""",
)
FILE_TOO_LONG = Kind(
    "A004",
    "`{name}` is too long: a spec has at most {limit:,} characters",
    """The limit keeps checking fast whatever is handed in. A spec that long is usually
generated: write the repetition with `repeat` or `for`, or take blocks from other files
with `use`.""",
)
OUTSIDE_FOLDER = Kind(
    "A005",
    "`use` cannot read `{path}`: {reason}",
    """A spec is untrusted text, so `use` reads only files that end in .arch, below the folder of
the spec that is being compiled and in the built-in library. It takes no absolute path, no `..`,
no hidden file, and no link that leads out. Copy the file there.""",
)
CYCLIC_USE = Kind(
    "A006",
    "`{path}` uses this file too: files cannot use each other",
    """Two files take blocks from each other, or a file from itself. Move what both need into a
third file.""",
)
LAYER_FILE = Kind(
    "A007",
    "what `{name}` defines cannot be loaded: {reason}",
    """A Python file given with --allow-python is run, and the layers, patterns, costs, data sets
and output formats in it are taken. Something failed on the way; docs/extending.md shows files
that work.""",
)
LAYER_RAISES = Kind(
    "A020",
    "your code fails in {place}: {reason}",
    """The code of a layer, or of another thing that came from a Python file, raised an exception;
or the compiled network did, and the shape or the module of such a layer may be the cause. With
ARCHDSL_DEBUG=1 Python shows the whole way to it.""",
)
CANNOT_WRITE = Kind(
    "A008",
    "`{name}` cannot be written: {reason}",
    """The result is written beside its place and renamed when it is whole, so nothing is ever
half written. Where the system refused, look at the folder's permissions and at the space left.
What a command reads (a spec, a file that it uses, weights, a study) is never replaced by what it
writes: give another file with -o. Whatever archdsl writes has a seal, a digest at its end, which
tells that nobody edited it since, so that the same command may write it again. A file without a
seal that holds is replaced with --force alone; archdsl 0.1 wrote none.""",
)
BAD_GRAPH = Kind(
    "A009",
    "this is not a graph that archdsl wrote: {reason}",
    """The JSON text of a graph has the format `archdsl-graph/1`, which `archdsl graph --json`
writes. What was given is not of that form, or speaks of layers that are not there.""",
)
TOO_MANY_FILES = Kind(
    "A010",
    "this spec uses more than {limit} files",
    """Files that those files use count, too.""",
)

"""A1..: names, and what may stand where."""

from archdsl.diagnostics.model import Kind

UNKNOWN_NAME = Kind(
    "A101",
    "there is no {wanted} called `{name}`",
    """No layer, block, pattern, function, knob or value has this name here. A name is known inside
the braces in which it is defined, from that line on. Blocks and functions are known in their whole
file; `use` brings in those of other files.""",
)
UNKNOWN_PATTERN = Kind(
    "A102",
    "there is no connection pattern called `{name}`",
    """Only patterns take a body in braces; docs/language.md lists them. A block
of your own is applied without one: its layers stand where it is defined.""",
)
UNKNOWN_JOIN = Kind(
    "A103",
    "there is no join called `{name}`",
    """The arms of a `branch` meet in a join, which is named before the body:
`branch concat { ... }`.""",
)
UNKNOWN_WORD = Kind(
    "A104",
    "`{name}` is not one of the words that go here: {known}",
    """Some arguments take one of a few words, written without quotes: `mode = ceil`,
`shortcut = pad`. A name of your own (a knob, a `let`) can stand there too.""",
)
NO_SUCH_ARGUMENT = Kind(
    "A105",
    "`{callee}` has no argument `{name}`",
    """The call names an argument that does not exist. `archdsl explain` and
docs/language.md list the arguments of every layer.""",
)
TOO_MANY = Kind(
    "A106",
    "`{callee}` takes {most}",
    """More arguments are given by position than there are. Arguments can be named:
`conv(64, 3, stride = 2)`.""",
)
GIVEN_TWICE = Kind(
    "A107",
    "the argument `{name}` of `{callee}` is given twice",
    """Once by position and once by name, or twice by name.""",
)
MISSING_ARGUMENT = Kind(
    "A108",
    "`{callee}` needs {names}",
    """An argument without a default must be given, here or with `default`.""",
)
WRONG_COUNT = Kind(
    "A109",
    "`{callee}` takes {wanted}, not {given}",
    """docs/language.md lists the built-in functions.""",
)
DEFINED_TWICE = Kind(
    "A110",
    "`{name}` is defined twice",
    """A name stands for one thing within its braces, and cannot be assigned again. Inner braces may
define it for something else.""",
)
RESERVED = Kind(
    "A111",
    "`{name}` is a word of the language",
    """It cannot be the name of something else. Choose another.""",
)
USED_BEFORE = Kind(
    "A112",
    "`{name}` has no value yet",
    """The `let` that gives it one stands further down, or in a part that has not run.
Move it up.""",
)
NEEDS_CALL = Kind(
    "A113",
    "`{name}` is a function: it needs its arguments in parentheses",
    """Functions make values, and cannot be passed around; layers can.""",
)
NEEDS_BODY = Kind(
    "A114",
    "`{name}` is a connection pattern: it needs a body in braces",
    """For example `residual { conv(64, 3) -> bn }`. To pass a pattern on as a layer, give the
whole of it a name: `let unit = residual { ... }`.""",
    help="the body begins on the same line: `{name} {{ ... }}`",
)
NO_BODY = Kind(
    "A115",
    "`{name}` takes no body",
    """Only connection patterns do; docs/language.md lists them. A name of your own that is also a
pattern's hides the pattern.""",
)
NEEDS_QUALIFIER = Kind(
    "A116",
    "`{name}` needs one more word before its body: {what}",
    """For example `branch concat { conv(8, 1); conv(8, 3) }`.""",
)
NO_QUALIFIER = Kind(
    "A117",
    "`{name}` takes no word before its body, but is followed by `{word}`",
    """Only `branch` (its join) and `choose` (its name) do.""",
)
NO_COUNTER = Kind(
    "A148",
    "`{name}` counts nothing, so `{word}` would have no value",
    """`as i` before a body counts: the steps of a `dense`, or the turns of `repeat` and `for`.
Other patterns have nothing to count. A name for the result comes after the body.""",
    help="to keep the result, write `as {word}` after the body",
)
JOIN_AS_LAYER = Kind(
    "A118",
    "`{name}` joins several tensors: it needs arms",
    """A join is named in a branch, `branch concat { identity; conv(64, 3) }`, or it takes several
tensors that stand in the place of one: `[identity, conv(64, 3)] -> concat`.""",
)
NOT_A_LAYER = Kind(
    "A119",
    "this is not a layer, but {given}",
    """A statement applies a layer to the current tensor. A value on its own does nothing; to
give it a name, write `let`.""",
)
TAKES_NO_ARGUMENTS = Kind(
    "A120",
    "`{name}` takes no arguments here: it is {given}",
    """Arguments can be given to the name of a layer or a block that is passed around
(`norm = group_norm`, then `norm(groups = 8)`), not to one that has its arguments already.""",
)
NO_DEFAULTS = Kind(
    "A121",
    "defaults cannot be set for `{name}`",
    """`default` takes a layer, a pattern or a block, and arguments of it.""",
)
DEFAULT_OF_ITSELF = Kind(
    "A144",
    "this default of `{name}` needs the defaults of `{name}`{by}",
    """A default is filled in wherever its layer is written, so this one would be filled into itself
without end. Put that layer into a `block` above the defaults, and name the block instead.""",
)
TENSOR_FROM_OUTSIDE = Kind(
    "A122",
    "the tensor `{name}` is kept outside this block",
    """A block sees the knobs and values of its file, but no tensors from where it is applied:
the same block may be applied anywhere. Give it the tensor as an argument.""",
    help="pass it as an argument: `block b(skip) {{ ... }}`, applied as `b({name})`",
)
NO_INPUT_HERE = Kind(
    "A123",
    "a function has no input tensor",
    """`in` is the tensor where a layer stands. A `fn` works on values alone: pass what it
needs, for example `in.channels`.""",
    help="give it as an argument: `fn f(c) = ...`, called as `f(in.channels)`",
)
NO_SUCH_FIELD = Kind(
    "A124",
    "a tensor has no `{name}`: it has {known}",
    """`in.channels`, `in.height`, `in.width`, `in.size` (the list of spatial sizes),
`in.shape` (channels first) and `in.axes` (how many spatial axes) are known, and `in.tensors`, the
list of the current tensors where there may be several.""",
)
NO_FIELDS = Kind(
    "A125",
    "only tensors have fields such as `.{name}`, but this is {given}",
    """The shape of a tensor is asked for by name: of the current one with `in`, as in
`in.channels`; of one that was kept (`conv(64, 3) as skip`) with its name, as in
`skip.channels`.""",
)
MISPLACED = Kind(
    "A126",
    "`{word}` belongs at the top of a file, outside all braces",
    """`block`, `fn`, `input`, `use` and the like apply to the whole file.""",
)
NO_ARCH = Kind(
    "A127",
    "this file has no `arch`",
    """A spec begins with `arch name(knobs)`. A file without one is a library: its blocks are
for `use` in other files, and it cannot be compiled by itself.""",
    help="begin it with a line such as `arch mynet(width = 64 in 16..128, classes = 10)`",
)
TWO_ARCHS = Kind(
    "A128",
    "a file holds one architecture",
    """Variants of one architecture are settings of its knobs. Another architecture needs a file of
its own; what both need goes into a third file, for `use`.""",
)
NO_INPUT = Kind(
    "A129",
    "`{name}` does not say what its input is",
    """Shapes are known from the input on: `input 3x224x224`, channels first and without the
batch, or `input (3, size, size)` where a knob decides.""",
    help="add a line such as `input 3x224x224`",
)
TWO_INPUTS = Kind(
    "A130",
    "the input is given twice",
    """`input` is written once. It may name several tensors: `input image: 3x32x32, age: 1`.""",
)
BEFORE_INPUT = Kind(
    "A131",
    "a layer comes before the input",
    """The line `input` comes first, then the layers.""",
)
NO_LAYERS = Kind(
    "A132",
    "`{name}` has no layers",
    """After the input, a spec applies at least one layer; a side output has layers of its own.""",
)
NO_ARMS = Kind(
    "A133",
    "this branch has no arms",
    """Every statement of a branch is an arm. This branch has none: perhaps a condition is false, or
a list is empty.""",
)
NO_OPTIONS = Kind(
    "A134",
    "there is nothing to choose from",
    """Every statement of a `choose` is an option.""",
)
LABEL_TWICE = Kind(
    "A135",
    "two parts are labelled `{name}`",
    """Labels name the parts of the compiled module, and the keys of its weights. Within one
body each stands for one part; in a loop they are numbered by themselves.""",
)
OUTPUT_INSIDE = Kind(
    "A136",
    "the side output `{name}` is inside a block or a pattern",
    """A side output is an output of the whole architecture: it stands on its main path, which
`if`, `for` and `repeat` do not leave.""",
)
NOT_IN_LIBRARY = Kind(
    "A137",
    "`{path}` has no block or function called `{name}`",
    """`use` brings in blocks and functions by the names that the other file gives them.""",
)
VARIANT_TWICE = Kind(
    "A138",
    "two variants are called `{name}`",
    """A variant is a named setting of the knobs, and can be compiled by its name.""",
)
UNKNOWN_FACT = Kind(
    "A139",
    "a paper or a published error has no field `{name}`",
    """A paper has arxiv, authors, venue and year; a published error has top1, top5 or error,
and source and note.""",
)
UNUSED_RESULT = Kind(
    "A140",
    "the result of this layer is never used",
    """Something that follows puts another tensor in its place: a tensor that was kept with
`as` is named, or an arm of a branch ends with one. The layer would cost parameters and time
for nothing.""",
    help="leave it out, or join the two: `branch add {{ identity; {other} }}`",
)
NAME_TAKEN = Kind(
    "A141",
    "two parts would be called `{name}`",
    """Layers, blocks and the labels of loops are numbered: `stage:` in a loop makes stage1,
stage2 and so on, two convolutions are conv1 and conv2. A label or a block of such a name must
not meet one of them, because names are the keys of the weights.""",
    help="rename one of them",
)
NO_TENSOR_YET = Kind(
    "A142",
    "there is no tensor here yet, so `in.{name}` has no value",
    """`in` is the current tensor, and the first is the one that `input` names. What stands above
`input`, the defaults of knobs, and the values of a file that is used have none.""",
)
OUTPUT_MAIN = Kind(
    "A143",
    "a side output cannot be called `main`",
    """In training a network with side outputs gives all its outputs by their names, and `main` is
what comes out at its end.""",
)
SHARED_IN_PLACE = Kind(
    "A145",
    "a `shared` body needs a name",
    """A `shared` body has the same weights wherever its name is applied. Without a name it is
applied only here, and shares nothing.""",
    help="give it a name, and apply that: `let f = shared {{ ... }}`, then `f`",
)
SHARED_CHOOSES = Kind(
    "A146",
    "a `shared` body cannot hold a `choose` or an `output`",
    """It is applied at several places and is the same at each, but a `choose` may differ from place
to place. Use a knob of the header, or choose between two shared layers.""",
)

"""A3..: values that do not fit."""

from archdsl.diagnostics.model import Kind

WRONG_ARGUMENT = Kind(
    "A301",
    "`{name}` of `{callee}` must be {expected}, but it is {given}",
    """The layer cannot take this value. Where a division leaves a fraction, say how to round: `//`,
`floor`, `round` or `ceil`.""",
)
NEEDS_NUMBER = Kind(
    "A302",
    "`{operator}` needs numbers, but this is {given}",
    """Arithmetic is for numbers; `+` also puts lists together.""",
)
NEEDS_BOOLEAN = Kind(
    "A303",
    "a condition is true or false, but this is {given}",
    """Numbers and texts are not conditions: compare them, `n > 0` or `name == "a"`.""",
)
NEEDS_LIST = Kind(
    "A304",
    "{what} needs a list, but this is {given}",
    """A list is written `[64, 128]`, a range `1..4`.""",
)
INDEX_OUTSIDE = Kind(
    "A305",
    "{given} is not a position in a list of {length}",
    """Lists are counted from 1; a range takes a part of one: `xs[2..4]`.""",
)
CANNOT_UNPACK = Kind(
    "A306",
    "{count} names need a list of {count}, but this is {given}",
    """`for (c, n) in [(64, 3), (128, 4)]` takes each item apart.""",
)
DIVISION_BY_ZERO = Kind(
    "A307",
    "division by zero",
    """The divisor is 0 for these knobs.""",
)
NOT_DEFINED = Kind(
    "A308",
    "{what} is not defined",
    """The function has no value there.""",
)
RANGE_NEEDS_WHOLE = Kind(
    "A309",
    "a range counts in whole numbers, but here is {given}",
    """`1..n` and `1..n step 2` count; for other steps, write `[i / 2 for i in 1..8]`.""",
)
RANGE_STEP = Kind(
    "A310",
    "a range counts upwards, but its step is {given}",
    """A range counts up, and is empty where its upper end lies below.""",
    help="to count down, write `reversed(1..n)`",
)
REPEAT_COUNT = Kind(
    "A311",
    "`repeat` needs a whole number of turns, but this is {given}",
    """0 is allowed, and leaves the body out.""",
)
LENGTHS_DIFFER = Kind(
    "A312",
    "`zip` needs lists of one length, but they have {lengths}",
    """An item without a partner is usually a mistake.""",
)
NO_ARM = Kind(
    "A313",
    "no arm of this `match` takes {given}",
    """The arms are tried in their order; each takes the values before its `=>`.""",
    help="an arm `_ => ...` takes whatever is left",
)
NEEDS_CONSTANT = Kind(
    "A314",
    "this must be a constant",
    """A domain, and the values that a variant sets, cannot depend on a knob, a tensor or a
`let`.""",
)
NUMBER_TOO_LARGE = Kind(
    "A315",
    "this number is too large",
    """Numbers are exact, and have about 300 digits at most.""",
)
LIST_TOO_LONG = Kind(
    "A316",
    "this holds more than {limit:,} items",
    """No network needs a list that long. The items of lists within it count, too.""",
)

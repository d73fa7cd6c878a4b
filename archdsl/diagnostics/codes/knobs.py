"""A5..: knobs, their domains, and what a candidate must meet."""

from archdsl.diagnostics.model import Kind

REQUIREMENT = Kind(
    "A501",
    "a requirement is not met{message}",
    """A `require` of the spec is false for these knobs, or for the costs of this network.""",
)
UNKNOWN_KNOB = Kind(
    "A502",
    "there is no knob called `{name}`",
    """Knobs are named in the header, `arch name(width = 64)`, or by the path of a `choose`.
`archdsl explain` lists them.""",
)
OUTSIDE_DOMAIN = Kind(
    "A503",
    "`{name} = {given}` is outside its domain {domain}",
    """The domain says what a knob may be, for you as for a search. To try something else,
widen the domain in the spec.""",
)
DEFAULT_OUTSIDE = Kind(
    "A504",
    "the default `{name} = {given}` is outside its own domain {domain}",
    """A spec compiles with its defaults, so they have to be candidates too.""",
)
DOMAIN_EMPTY = Kind(
    "A505",
    "the domain {domain} has no values",
    """The lower end comes first, steps are positive, and a logarithmic domain lies above 0.""",
)
DOMAIN_NUMBERS = Kind(
    "A506",
    "a range is from one number to another, but here is {given}",
    """Other values are listed: `in {"a", "b"}`.""",
)
DOMAIN_DEPENDS = Kind(
    "A507",
    "a domain cannot depend on the knob `{name}`",
    """A search draws each knob from a fixed domain. Write the dependence as a `require`, or make
the knob a ratio.""",
)
BAD_SETTING = Kind(
    "A508",
    "`{text}` sets no knob: write `name=value`",
    """For example `--set depth=101`, `--set act=silu`, `--set "blocks=[6, 12, 24, 16]"`.""",
)
KNOB_TYPE = Kind(
    "A509",
    "the knob `{name}` takes {expected}, but this is {given}",
    """A knob without a domain takes what is of the kind of its default.""",
)
UNKNOWN_VARIANT = Kind(
    "A510",
    "`{spec}` has no variant called `{name}`",
    """Variants are named settings of the knobs; `archdsl specs` lists them.""",
)
NO_SUCH_PATH = Kind(
    "A511",
    "there is no part or layer `{path}`",
    """Parts and layers are named by their labels and blocks, from the outside in:
`stage2.bottleneck1.conv1`. `archdsl summary --layers` shows all of them.""",
)
BAD_FIX = Kind(
    "A512",
    "`fix` takes one option of the choice: its number, its label, or its text",
    """`fix stage2.unit1.mix = 2` takes the second option, `= small` the one with that label, and
`= "conv(c, 3)"` the one that is written so.""",
)
NO_SUCH_CHOICE = Kind(
    "A513",
    "there is no choice at `{path}`",
    """`fix` names a choice inside a body by its path: `archdsl summary` shows the parts, and
`archdsl explain` the knobs. Where other knobs leave a choice out, it cannot be fixed.""",
)
NOTHING_SOLVED = Kind(
    "A515",
    "say which knob may change to meet the budget",
    """`archdsl fit SPEC --macs 2G --by width` solves for `width`; several knobs, with commas
between them, are made larger and smaller together.""",
    help='write `--by width`, or `by="width"` in Python',
)
NO_BUDGET = Kind(
    "A516",
    "give one budget to fit to: here are {count}",
    """`archdsl fit` takes one of --macs, --params, --activations, --memory and --latency, or
--factor with the share of what the network costs; `spec.fit(...)` takes one by its name.""",
    help="give one of --macs, --params, --activations, --memory, --latency, --factor;"
    " `macs=2e9` in Python",
)
BAD_BUDGET = Kind(
    "A517",
    "`{given}` is not a budget of {cost}: {reason}",
    """A budget is a number such as 2G, 350K or 1.5 * 10^6; of memory it may have a unit (512MiB,
8GB), and of latency it has one (3ms, 0.2s, 500us).""",
)

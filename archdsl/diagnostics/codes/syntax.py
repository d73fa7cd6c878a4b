"""A01., A02.: what the parser finds."""

from archdsl.diagnostics.model import Kind

UNEXPECTED = Kind(
    "A011",
    "unexpected `{found}`{expected}",
    """Something else was expected here. Each statement has a line of its own (or a `;` after it),
the layers of a chain have `->` between them, and arguments have commas between them.""",
)
LINE_ENDS_EARLY = Kind(
    "A012",
    "the line ends in the middle of a statement{expected}",
    """A statement ends with its line, unless the line ends in an operator, a comma or `->`,
or the next one begins with `->` or `else`; inside parentheses line ends mean nothing.""",
)
STRAY_CHARACTER = Kind(
    "A013",
    "`{found}` is not a character of the language",
    """Names are letters, digits and `_`; comments begin with `#`; powers are written `^`. In
comments and texts other characters are allowed, except those that hide what is there: control
characters, and those that change the direction of text.""",
)
OPEN_STRING = Kind(
    "A014",
    "this string has no closing quote",
    """A string is written between double quotes on one line; inside, `\\"`, `\\\\` and `\\n` stand
for a quote, a backslash and a new line.""",
)
UNCLOSED = Kind(
    "A015",
    "this `{bracket}` is never closed",
    """Nothing closes the bracket: the file ends first, or something follows that cannot stand
within it. The place shown is the innermost bracket that is still open.""",
)
FILE_ENDS_EARLY = Kind(
    "A016",
    "the file ends in the middle of a statement{expected}",
    """Something is missing after the last word.""",
)
TOO_NESTED = Kind(
    "A017",
    "{what} are nested more than {limit} deep here",
    """Brackets, operators or lists stand inside one another, deeper than anybody would read. Give
the parts names with `let`.""",
)
NUMBER_TOO_LONG = Kind(
    "A018",
    "this number has more than {limit} digits",
    """Numbers are exact, so their length is limited. No network needs longer ones.""",
)
BAD_ESCAPE = Kind(
    "A019",
    "`{found}` means nothing in a string",
    """Inside a string, `\\"`, `\\\\` and `\\n` stand for a quote, a backslash and a new line.
Nothing else may follow a backslash.""",
    help="a backslash itself is written `\\\\`",
)
CONDITIONAL_IN_CHAIN = Kind(
    "A021",
    "a conditional needs parentheses where `->` follows it",
    """`a if wide else b -> c` could mean two networks: `(a if wide else b) -> c`, where `c` follows
both, and `a if wide else (b -> c)`, where it belongs to `b`. The parentheses say which.""",
    help="write `(... if ... else ...) -> ...`, or put parentheses around what follows `else`",
)

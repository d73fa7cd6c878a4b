"""A4..: what an untrusted spec may cost."""

from archdsl.diagnostics.model import Kind

TOO_MUCH_WORK = Kind(
    "A401",
    "this spec takes more than {limit:,} steps to work out",
    """Every operator, call, statement and item of a list counts as a step, and slow ones count as
several, so that every command ends soon, whatever the text. One limit holds for each candidate, a
larger one for all candidates of a command, such as the variants that it checks. A proof of a space
that would take more than 5,200,000 steps ends there, and says what it covered (`--limit` allows
more). The deepest published networks take a quarter of the first; most take a hundredth.""",
)
TOO_LARGE = Kind(
    "A402",
    "this network has more than {limit:,} layers",
    """Counted with all repetitions. The deepest published ones have a few thousand; one of ten
thousand convolutions, each with an activation, fits.""",
)
TOO_DEEP = Kind(
    "A403",
    "`{name}` is more than {limit} deep in blocks and functions",
    """A block may apply itself, and a function may call itself, but each must come to an end:
`if levels > 0 { ... }`, `1 if n < 2 else n * f(n - 1)`.""",
)
TOO_MANY_TURNS = Kind(
    "A404",
    "`repeat` of {given} turns: at most {limit:,} are possible",
    """No network repeats a block that often.""",
)
TOO_MANY_COLUMNS = Kind(
    "A405",
    "a fractal of {columns} columns is too large: at most {most} are possible",
    """Each column holds twice the bodies of the one before. The paper goes to 6.""",
)
TENSOR_TOO_LARGE = Kind(
    "A406",
    "the tensor here would be {shape}: more than {limit:,} elements",
    """No machine holds a tensor that large. Something grows in a loop, or an argument has too
many digits.""",
)

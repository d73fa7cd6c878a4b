"""How long an edit of a spec of 300 lines takes: mistakes and hints of the whole text.

    python benchmarks/lsp.py

Prints the median of the processor's time for each stage. The proof of the space is no part of
it: the server runs that in the background.
"""

import sys
from collections import defaultdict
from statistics import median
from time import process_time

from archdsl import driver
from archdsl.diagnostics.source import Source
from archdsl.editing.hints import hints
from archdsl.editing.reading import read
from archdsl.files import Library
from archdsl.syntax.parse import read_tree

ROUNDS = 15


def spec(lines: int) -> str:
    """A spec of so many lines: blocks, each applied in a stage of its own."""
    made = ["arch long(width = 16 in 8..64 step 8, classes = 10)", "input 3x64x64"]
    number = 0
    while len(made) < lines - 10:
        number += 1
        made += [
            f"block unit{number}(c, stride = 1) {{",
            "  residual {",
            "    conv(c, 3, stride = stride, bias = false) -> bn -> relu",
            "    conv(c, 3, bias = false) -> bn",
            "  }",
            "  relu",
            "}",
            f"stage{number}: repeat 2 {{",
            f"  unit{number}(width + {number})",
            "}",
        ]
    made.append("head: global_avgpool -> linear(classes)")
    return "\n".join(made) + "\n"


def edits(text: str) -> list[str]:
    """The text after edits of one number in its middle."""
    place = text.index("3, bias", len(text) // 2)
    return [text[:place] + str(3 + 2 * (i % 3)) + text[place + 1 :] for i in range(ROUNDS)]


def main() -> int:
    text = spec(300)
    hints(read(text))  # what is loaded once
    stages: defaultdict[str, list[float]] = defaultdict(list)
    for edited in edits(text):
        source = Source("a.arch", edited)
        start = process_time()
        parsed = read_tree(source)
        stages["parse"].append(process_time() - start)
        start = process_time()
        driver.resolve(parsed.file, Library(None))
        stages["names"].append(process_time() - start)
        start = process_time()
        reading = read(edited)
        assert hints(reading) and not reading.found
        stages["all: mistakes and hints"].append(process_time() - start)
        for name, wrong in (("a mistake", "relu5"), ("a text that does not parse", "relu (")):
            mistaken = edited[: len(edited) // 2] + edited[len(edited) // 2 :].replace(
                "-> relu", f"-> {wrong}", 1
            )
            start = process_time()
            reading = read(mistaken)
            assert hints(reading) and reading.found
            stages[f"all, of {name}"].append(process_time() - start)
    print(f"{text.count(chr(10))} lines, median of {ROUNDS} edits:")
    for name, times in stages.items():
        print(f"  {name:34} {1000 * median(times):6.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())

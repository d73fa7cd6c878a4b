"""Texts of 45 KB that are as much work as can be: what each command takes of a core, and of memory.

python benchmarks/texts.py [--over]

Each command is a process of its own. ``--over`` prints those alone that take more than 3 seconds
or 500 MB. What `check` takes of a text is in every other command.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

SIZE = 45_000
HEAD = "arch net(k = 1 in 1..64)\ninput 3x8x8\n"
COMMANDS = {
    "check": (), "summary": (), "explain": (), "specs": (), "graph": ("--json",),
    "fmt": ("--check",),
    "draw": ("-o", "drawing.svg"), "diff": ("resnet18",), "compare": ("resnet18",),
    "compile": ("-o", "net.py", "--force"),
}  # fmt: skip


def filled(line: Callable[[int], str], head: str = HEAD, tail: str = "") -> str:
    """As many lines as make a text of the size."""
    found, size, number = [head], len(head) + len(tail), 0
    while size < SIZE:
        number += 1
        found.append(line(number) + "\n")
        size += len(found[-1])
    return "".join(found) + tail


def texts() -> Iterator[tuple[str, str]]:
    yield "layers that differ", filled(lambda i: f"conv({i % 97 + 1}, 1)")
    yield "blocks that differ", filled(lambda i: f"block b{i}(c) {{ conv(c, 1) }}\nb{i}({i})")
    yield "labels", filled(lambda i: f"u{i}: conv({i}, 1)")
    yield "long names", filled(lambda i: "n" * 400 + f"{i}: conv({i}, 1)")
    yield "arms", filled(lambda i: f"conv({i % 9 + 1}, 1)", HEAD + "branch concat {\n", "}\n")
    yield (
        "sums across",
        filled(
            lambda i: f"branch add {{ t{i // 2}; conv(4, 1) }} as t{i}", HEAD + "conv(4, 1) as t0\n"
        ),
    )
    yield "shortcuts", filled(lambda i: f"residual {{ conv({i % 50 + 1}, 3) -> bn }}")
    yield "side outputs", filled(lambda i: f"conv({i % 50 + 1}, 3)\noutput o{i} {{ conv(3, 1) }}")
    yield (
        "knobs",
        filled(lambda i: f"k{i} = 2 in 1..9,", "arch net(\n", "k = 1)\ninput 3x8x8\nrelu\n"),
    )
    yield "choices", filled(lambda i: f"choose c{i} {{ conv(2, 1); conv(2, 3) }}")
    yield (
        "variants",
        filled(
            lambda i: f"variant v{i}(k = {i % 64 + 1})",
            HEAD + "for i in 1..90 { conv(k + i, 1) }\n",
        ),
    )
    yield "mistakes", filled(lambda i: f"cnv{i}(3)")
    yield "a long loop", HEAD + "for i in 1..24000 { conv(k + i, 1) }\n"
    yield "a dense block", HEAD + "dense(2000) { conv(4, 1) }\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--over", action="store_true")
    only_over = parser.parse_args().over
    with TemporaryDirectory() as place:
        for name, text in texts():
            Path(place, "net.arch").write_text(text)
            for command, options in COMMANDS.items():
                words = [sys.executable, "-m", "archdsl", command, "net.arch", *options]
                process = subprocess.Popen(
                    words, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = code = os.waitstatus_to_exitcode(status)
                seconds, size = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
                over = seconds > 3 or size > 500 or code not in (0, 1)
                if over or not only_over:
                    mark = "  <- over" if over else ""
                    print(f"{name:20} {command:8} {seconds:5.1f} s {size:4.0f} MB {code}{mark}")


if __name__ == "__main__":
    main()

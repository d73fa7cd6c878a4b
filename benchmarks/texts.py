"""Texts of 45 KB that are as much work as can be: what each command takes of a core, and of memory.

python benchmarks/texts.py [--over]

Each command is a process of its own. ``--over`` prints those alone that take more than 3 seconds
or 500 MB. What `check` takes of a text is in every other command. `lsp` is what the server takes
from its start until the text is opened, its space proved, and its hints, lenses, colours and
outline are told. `new` reads no text, but a folder of images.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

SIZE = 45_000
HEAD = "arch net(k = 1 in 1..64)\ninput 3x8x8\n"
COMMANDS = {
    "check": (), "summary": (), "explain": (), "specs": (), "graph": ("--json",),
    "fmt": ("--check",),
    "draw": ("-o", "drawing.svg"), "diff": ("resnet18",), "compare": ("resnet18",),
    "compile": ("-o", "net.py", "--force"), "fit": ("--params", "1M", "--by", "k"), "lsp": (),
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


def opened(server: subprocess.Popen[bytes], text: str) -> None:
    """Opens a text in a language server, waits until all is told that there is, and ends it."""
    assert server.stdin is not None and server.stdout is not None
    document = {"uri": "untitled:net.arch"}
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 10**6, "character": 0}}

    def send(method: str, given: Any, number: int | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": given}
        body = json.dumps(message if number is None else {**message, "id": number}).encode()
        server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        server.stdin.flush()

    def wait(wanted: Callable[[Any], bool]) -> None:
        while not wanted(received(server.stdout)):
            pass

    send("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)
    wait(lambda found: found.get("id") == 1)
    send("initialized", {})
    item = {**document, "languageId": "arch", "version": 1, "text": text}
    send("textDocument/didOpen", {"textDocument": item})
    for _ in range(2):  # at once, and when its space is proved
        wait(lambda found: found.get("method") == "textDocument/publishDiagnostics")
    for number, asked in enumerate(
        ("inlayHint", "codeLens", "semanticTokens/full", "documentSymbol"), 2
    ):
        send(f"textDocument/{asked}", {"textDocument": document, "range": whole}, number)
        wait(lambda found, number=number: found.get("id") == number)
    send("shutdown", None, 9)
    wait(lambda found: found.get("id") == 9)
    send("exit", None)


def received(stream: IO[bytes]) -> Any:
    """The next message of a server. Raises ``EOFError`` where it has ended."""
    size = 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    if not size:
        raise EOFError
    return json.loads(stream.read(size))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--over", action="store_true")
    only_over = parser.parse_args().over
    with TemporaryDirectory() as place:
        for name, text in texts():
            Path(place, "net.arch").write_text(text)
            for command, options in COMMANDS.items():
                server = command == "lsp"
                words = [sys.executable, "-m", "archdsl", command, *options]
                process = subprocess.Popen(
                    words if server else [*words, "net.arch"],
                    cwd=place,
                    stdin=subprocess.PIPE if server else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if server else subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                if server:
                    opened(process, text)
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = code = os.waitstatus_to_exitcode(status)
                seconds, size = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
                over = seconds > 3 or size > 500 or code not in (0, 1)
                if over or not only_over:
                    mark = "  <- over" if over else ""
                    print(f"{name:20} {command:8} {seconds:5.1f} s {size:4.0f} MB {code}{mark}")


if __name__ == "__main__":
    main()

"""Runs commands of archdsl one by one, each in a process of its own with little time and memory:
``run_limited.py COMMANDS``, a JSON list of lists of arguments. Prints a JSON list of the exit code
(minus the signal that ended it), the CPU seconds and megabytes, and what was said of mistakes."""

import json
import os
import resource
import sys
from pathlib import Path

from archdsl.cli.main import COMMANDS, cli, main

SECONDS = 20  # of CPU time, on any machine; a quiet one of today needs three
MEMORY = 1 << 30  # bytes of addresses, the interpreter's own among them
OUT, ERR = Path("out.txt"), Path("err.txt")


def limited(arguments: list[str]) -> dict[str, object]:
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        for number, path in ((1, OUT), (2, ERR)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        code = 99
        try:
            main(arguments)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": code,
        "seconds": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
        "said": ERR.read_text(errors="replace")[:20_000],
    }


if __name__ == "__main__":
    for name in COMMANDS:  # loaded once, and not by each
        cli.get_command(None, name)  # type: ignore[arg-type]
    print(json.dumps([limited(arguments) for arguments in json.loads(sys.argv[1])]))

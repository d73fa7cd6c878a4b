"""The command line: ``archdsl COMMAND``."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import click

from archdsl import __version__
from archdsl.cli.blame import blame
from archdsl.cli.output import ReaderGone, say, show_diagnostics
from archdsl.diagnostics.model import ArchError, did_you_mean

# Commands by the module that has them: a module is loaded when its command is named.
COMMANDS = {
    "new": "Write a first spec and search for a folder of images.",
    "check": "Say whether every candidate of a spec is a network.",
    "summary": "Print shapes and costs, part by part.",
    "compile": "Compile to PyTorch source, torch.export, ONNX, or a frozen spec.",
    "import": "Turn a PyTorch model into a spec.",
    "fit": "Make a network as large as a budget allows.",
    "measure": "Measure a network on this machine, in each way to run it.",
    "explain": "Say what each line makes, and what a knob changes.",
    "fmt": "Format specs.",
    "data": "Say what is in a data set: classes, counts, balance.",
    "train": "Train one network.",
    "predict": "Say of each file its class, value or mask.",
    "evaluate": "Measure a trained network on data, class by class.",
    "search": "Ask a question of a space, by training: wider or deeper?",
    "verdict": "Print what a study says.",
    "report": "Write what a study says as a page, or follow it while it runs.",
    "best": "Write the best network of a study as a spec, with its weights.",
    "worker": "Take trials of a study, on this machine or another.",
    "graph": "Print the graph: text, JSON or DOT.",
    "draw": "Draw a network: SVG, PNG, PDF, TikZ, Mermaid, DOT, or a page.",
    "compare": "Compare accuracy and cost: a table, and charts.",
    "diff": "Say what differs between two networks, and draw it.",
    "specs": "List the built-in specs and their figures.",
    "error": "Explain a diagnostic by its code.",
    "lsp": "Run the language server, for editors.",
    "mcp": "Offer check, draw and compile as tools, for coding agents.",
    "completion": "Print the script that completes commands in a shell.",
}


# Why a write fails that was begun: no room, no quota, a file that is too large, a broken disk.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def spoken() -> Iterator[None]:
    """Raises ``ReaderGone`` where nobody reads standard output on, of which click would make a
    failure, and ``ArchError`` (A008) where it cannot be written. Files have their names in an
    ``OSError``; a command that writes to an open one says itself which it is."""
    try:
        yield
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as problem:
        if problem.errno not in NO_ROOM or problem.filename is not None:
            raise
        from archdsl.writing import refused

        nothing_more(sys.stdout)
        raise refused(Path("<stdout>"), problem) from None


class Commands(click.Group):
    """Loads a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"archdsl.cli.{name}").command
        return command

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        with spoken():  # of --help and --version
            return super().make_context(*given, **named)

    def invoke(self, ctx: click.Context) -> Any:
        with spoken():
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            hints = did_you_mean(args[0], COMMANDS)
            raise click.UsageError(" ".join([error.message, *hints]), ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="archdsl")
def cli() -> None:
    """A small language for neural network architectures, and the fastest honest way to
    find out whether a network should be wider or deeper.

    SPEC is a path, the name of a built-in spec or variant (see `archdsl specs`), or - for
    standard input; knobs may be set in parentheses: "resnet(depth = 101)".
    """


def nothing_more(*streams: TextIO) -> None:
    """What is left to say on these goes nowhere."""
    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


KNOBS = ("width", "depth", "classes", "channels", "layers", "heads", "kernel", "dropout", "act")
"""What many specs call their knobs."""


def takes_knobs(ctx: click.Context | None) -> bool:
    return ctx is not None and any("--set" in p.opts for p in ctx.command.params)


def main(arguments: list[str] | None = None) -> Any:
    """Runs the command line. Exit codes: 0 well, 1 the spec is at fault, 2 the call is,
    130 interrupted."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # as Python has it where a program is started without
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a terminal cannot show is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    # What a command makes of a text is many small objects that live to its end: looking through
    # them for cycles after each 700, as Python does, is a sixth of its time.
    gc.set_threshold(50_000, 20, 50)
    try:
        code = cli.main(arguments, prog_name="archdsl", standalone_mode=False)
    except ArchError as error:
        show_diagnostics(error.diagnostics, complete=error.complete)
        code = 1
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption):  # click compares the dashes too
            known = {option.lstrip("-"): option for option in error.possibilities or ()}
            alike = get_close_matches(error.option_name.lstrip("-"), known)
            offered = [known[name] for name in alike]
            message = None
            if (name := error.option_name.lstrip("-")) in KNOBS and takes_knobs(error.ctx):
                message, offered = f"`{name}` is no option: as a knob, `--set {name}=...`.", []
            error = click.NoSuchOption(error.option_name, message, offered, error.ctx)
        said = StringIO()
        error.show(said)
        say(said.getvalue().rstrip("\n"), error=True)  # it repeats what was typed
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("interrupted", error=True)
        code = 130
    except ReaderGone as gone:
        nothing_more(*(sys.stdout, sys.stderr) if gone.code else (sys.stdout,))
        code = gone.code
    except Exception as error:
        if os.environ.get("ARCHDSL_DEBUG"):
            raise
        if (layer := blame(error)) is not None:
            show_diagnostics(layer.diagnostics)
            sys.exit(1)
        say(f"internal error: {type(error).__name__}: {error}", error=True)
        say("This is a bug of archdsl. ARCHDSL_DEBUG=1 shows where; please report it.", error=True)
        code = 70
    sys.exit(code if isinstance(code, int) else 0)

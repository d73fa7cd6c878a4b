"""The process in which a model's code runs: with a time limit, without the internet.

It is asked in JSON on its standard input, and answers in a file, as the code may print what it
likes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.importing.places import OWN, CodeLine, is_own, place_in, placed

if TYPE_CHECKING:
    from archdsl.importing.convert import Imported

HELD = 1 << 16  # characters of what the code prints that are kept


class InternalFault(Exception):
    """archdsl itself failed in the process: what was raised there, and its traceback."""

    def __init__(self, raised: str, trace: str) -> None:
        super().__init__(raised)
        self.add_note(trace)


def ask(question: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Asks a process of its own; ``warnings`` of its answer are diagnostics. Raises ``ArchError``:
    what it found, A653 where it takes longer than so many seconds, A652 where it ends without an
    answer; ``InternalFault`` where archdsl itself fails there."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-P", "-m", "archdsl.importing.process", str(answer)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
            start_new_session=True,
        )
        try:
            _, said = process.communicate(json.dumps(question).encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            limit = f"{seconds:g}"
            raise ArchError([diagnose(codes.IMPORT_HANGS, limit=limit)]) from None
        finally:
            _end(process)
        if not answer.exists():
            last = said[-HELD:].decode("utf-8", "replace").strip().split("\n")[-1]
            reason = last[:200] or f"its process ended with exit code {process.returncode}"
            raise ArchError([diagnose(codes.MODEL_FAILS, reason=reason)])
        found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    if "fault" in found:
        raise InternalFault(found["fault"], found["trace"])
    if "diagnostics" in found:
        raise ArchError([_read(d) for d in found["diagnostics"]])
    found["warnings"] = [_read(d) for d in found["warnings"]]
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(plain: Mapping[str, Any]) -> Diagnostic:
    kind = codes.ALL[plain["code"]]
    found = diagnose(kind, notes=plain["notes"], help=plain["help"], fields=plain["fields"])
    return placed(found, CodeLine(*plain["place"]) if plain["place"] else None)


def _plain(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "fields": {k: str(v) for k, v in diagnostic.fields.items()},
        "notes": list(diagnostic.notes),
        "help": list(diagnostic.help),
        "place": None if span is None else [span.source.name, span.line],
    }


# ---------------------------------------------------------------------- in the process itself


class Offline(OSError):
    """The code wanted to reach another machine."""


def no_network() -> None:
    """From here on nothing in this process reaches another machine."""
    import socket

    def refuse(*given: Any, **named: Any) -> NoReturn:
        where = next((str(g) for g in given if isinstance(g, (str, tuple))), "another machine")
        raise Offline(where)

    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, refuse)
    socket.getaddrinfo = socket.create_connection = refuse


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the model and imports it. What its code raises is a diagnostic; what archdsl raises by
    itself is ``fault``, with its ``trace``."""
    import traceback
    import warnings

    from archdsl.importing.sources import ModelSource, load_model

    warnings.simplefilter("ignore")
    no_network()
    model: Any = None
    try:
        if "models" in question:
            return _family(question)
        name = ModelSource(question["module"], question["attribute"])
        model = load_model(name, question["call"])
        from archdsl.importing.convert import import_module

        inputs = _inputs(question, name, model)
        options = {key: question[key] for key in ("knobs", "partial")}
        made = import_module(model, inputs, name=question["title"], **options)
    except ArchError as problem:
        return {"diagnostics": [_plain(d) for d in problem.diagnostics]}
    except BaseException as problem:
        if model is not None and is_own(problem):
            return {"fault": _said(problem), "trace": "".join(traceback.format_exception(problem))}
        return {"diagnostics": [_plain(_failure(problem))]}
    return {
        "text": made.text,
        "said": made.said,
        "layers": made.layers,
        "warnings": [_plain(d) for d in made.warnings],
        **_figures(made),
    }


def _inputs(question: Mapping[str, Any], name: Any, model: Any) -> dict[str, Any]:
    """The shapes of what comes into a model, by their names."""
    from archdsl.importing.file_module import ProgramModule
    from archdsl.importing.sources import input_of
    from archdsl.layers.ids import Ids

    if question["input"] is None and isinstance(model, ProgramModule):
        return dict(model.inputs)
    if question["input"] is None:
        return {"": input_of(name, model)}
    return {
        key: tuple(sizes) if words is None else Ids(sizes, words)
        for key, (sizes, words) in question["input"].items()
    }


def _figures(made: Imported) -> dict[str, Any]:
    """What is said of a network that was imported."""
    from archdsl.importing.incoming import shown

    arch = made.architecture
    return {
        "checked": made.checked,
        "differs": made.differs,
        "params": arch.params,
        "macs": arch.macs,
        "input": shown(arch.inputs if len(arch.inputs) > 1 else {"": arch.input}),
    }


def _family(question: Mapping[str, Any]) -> dict[str, Any]:
    """Several models as one spec. Raises ``ArchError``, and what their code raises."""
    from archdsl.importing.convert import import_family
    from archdsl.importing.incoming import fails
    from archdsl.importing.sources import ModelSource, load_model

    names = {title: ModelSource(*name) for title, name in question["models"].items()}
    models = {title: load_model(name, None) for title, name in names.items()}
    shapes = {}
    for title, model in models.items():
        inputs = _inputs(question, names[title], model)
        if list(inputs) != [""]:
            raise fails("models of a family take one tensor: say its shape alone")
        shapes[title] = inputs[""]
    made = import_family(models, shapes, name=question["title"])
    variants = {name: _figures(found) for name, found in made.variants.items()}
    return {"text": made.text, "variants": variants, "proved": made.proved, "warnings": []}


def _failure(problem: BaseException) -> Diagnostic:
    """What an exception of the model's code is."""
    chain: BaseException | None = problem
    while chain is not None:
        if isinstance(chain, Offline):
            return diagnose(codes.WANTS_NETWORK, reason=f"it asked for {chain}")
        if type(chain).__name__ in ("OfflineModeIsEnabled", "LocalEntryNotFoundError"):
            return diagnose(codes.WANTS_NETWORK, reason="it asked for weights")
        chain = chain.__cause__ or chain.__context__
    return placed(diagnose(codes.MODEL_FAILS, reason=_said(problem)), place_in(problem, OWN))


def _said(problem: BaseException) -> str:
    """An exception in a line."""
    text = str(problem).strip().split("\n", 1)[0][:200]
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


if __name__ == "__main__":
    found = answer(json.loads(sys.stdin.buffer.read()))
    made = Path(sys.argv[1])
    made.with_suffix(".part").write_text(json.dumps(found), "utf-8")
    made.with_suffix(".part").rename(made)

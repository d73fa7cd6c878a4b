"""Arguments that several commands take, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from archdsl.cli import completing
from archdsl.elaborate.work import Work
from archdsl.extensions import with_files
from archdsl.named import resolve
from archdsl.registry import REGISTRY, Registry
from archdsl.settings import split_settings
from archdsl.spec import Architecture

F = TypeVar("F", bound=Callable[..., Any])


class FiniteRange(click.FloatRange):
    """A number within bounds: neither "nan", which is within any, nor "inf"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not isfinite(found):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return found


class SpecName(click.ParamType[str]):
    """A path, a built-in name, a built-in variant, or ``-``."""

    name = "spec"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return completing.networks(ctx, param, incomplete)


class DataName(click.ParamType[str]):
    """A folder of images, or a data set with its arguments."""

    name = "data"

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return (
            "Name a folder that has a folder of images for each class (--data photos), or a data"
            " set (--data digits); docs/training.md lists them."
        )

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return completing.data(ctx, param, incomplete)


spec_argument = click.argument("spec", type=SpecName(), metavar="SPEC")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for tools.")
storage_option = click.option(
    "--storage",
    metavar="URL",
    envvar="ARCHDSL_STORAGE",  # so that no password need stand in a list of processes
    show_envvar=True,
    help="The database that has the study, for several machines.",
)
python_option = click.option(
    "--allow-python",
    "python",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Run this Python file, or installed package, and take what it defines: layers, costs, ...",
)


def candidate_options(command: F) -> F:
    """``--set``, ``--input`` and ``--allow-python``: which candidate of a spec is meant."""
    command = click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KNOB=VALUE",
        shell_complete=completing.settings,
        help="Set a knob; may be given again for others.",
    )(command)
    command = click.option(
        "--input", "shape", metavar="CxHxW", help="Take this input shape instead of the spec's."
    )(command)
    return python_option(command)


def read_registry(python: tuple[Path, ...]) -> Registry:
    """The layers of the language, with those of the files that the user allowed."""
    return with_files(REGISTRY, python)


def read_shape(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        shape = tuple(int(n) for n in text.lower().split("x"))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1 or len(shape) > 4:
        raise click.BadParameter(f"{text!r} is not a shape such as 3x224x224", param_hint="--input")
    return shape


def read_candidate(
    name: str, settings: tuple[str, ...], shape: str | None, python: tuple[Path, ...] = ()
) -> Architecture:
    """The architecture that a command is about."""
    return read_named(name, settings, shape, python)[0]


def read_named(
    name: str, settings: tuple[str, ...], shape: str | None, python: tuple[Path, ...] = ()
) -> tuple[Architecture, str]:
    """The architecture that a command is about, and what to call it: a variant by its name."""
    found = resolve(name, read_registry(python), Work())
    arch = found.spec.candidate({**found.knobs, **split_settings(settings)}, read_shape(shape))
    if settings or (found.variant is None and not found.settings):
        return arch, arch.name
    return arch, name if found.variant is None or found.settings else found.variant.name

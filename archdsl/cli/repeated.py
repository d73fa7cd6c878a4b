"""The command that repeats this one, made from what was parsed: what is kept is never what was
typed, which may hold a password in more forms than can be found again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

import click
from click.core import ParameterSource

GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)

Writer = Callable[[Any], str]


def repeated(ctx: click.Context, writers: Mapping[str, Writer], without: str = "") -> str:
    """A command with its arguments and the options that were given. ``writers`` write the values
    of some parameters, all others are written as they are; ``without`` is left out."""
    words = ["archdsl", str(ctx.info_name)]
    given = [
        p
        for p in ctx.command.params
        if p.name and p.name != without and ctx.get_parameter_source(p.name) in GIVEN
    ]
    for parameter in sorted(given, key=lambda p: isinstance(p, click.Option)):
        name = str(parameter.name)
        value, write = ctx.params[name], writers.get(name, str)
        if not isinstance(parameter, click.Option):
            words.append(write(value))
        elif parameter.is_flag:
            words += parameter.opts[-1:] if value else []
        elif value is not None:
            for one in value if parameter.multiple else [value]:
                words += [max(parameter.opts, key=len), write(one)]
    return shlex.join(words)

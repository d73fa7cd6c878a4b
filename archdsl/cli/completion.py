"""``archdsl completion``: what a shell needs to complete commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands in a shell.

    For bash: eval "$(archdsl completion bash)" in ~/.bashrc; likewise for zsh; for fish:
    archdsl completion fish > ~/.config/fish/completions/archdsl.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, "archdsl", "_ARCHDSL_COMPLETE").source())

"""``archdsl completion``: what a shell needs to complete commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

# What click's scripts lack, as (its text, ours): values with commas, no blank after `depth=`.
MENDED = {
    "bash": (
        "    return 0\n",
        "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
        "    return 0\n",
    ),
    "zsh": (
        "        compadd -U -V unsorted -a completions\n",
        "        local -a assigned=(${(M)completions:#*=})\n"
        "        completions=(${completions:#*=})\n"
        "        compadd -U -V unsorted -S '' -a assigned\n"
        "        compadd -U -V unsorted -a completions\n",
    ),
    "fish": ('string split ","', 'string split --max 1 ","'),
}


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
    source = kind(root, {}, "archdsl", "_ARCHDSL_COMPLETE").source()
    click.echo(source.replace(*MENDED[shell]))

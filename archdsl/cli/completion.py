"""``archdsl completion``: what a shell needs to complete commands."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import get_completion_class

BASH = Path(__file__).with_name("completion.bash")  # in place of click's, which splits at `=`
# What click's other scripts lack, as (its text, ours): values with commas, no blank after `depth=`.
MENDED = {
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
    if shell == "bash":
        click.echo(BASH.read_text("utf-8").rstrip())
        return
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    source = kind(root, {}, "archdsl", "_ARCHDSL_COMPLETE").source()
    click.echo(source.replace(*MENDED[shell]))

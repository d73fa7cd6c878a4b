"""archdsl: a small language for neural network architectures.

``load("resnet", depth=101)`` gives an ``Architecture`` with its figures; ``parse(text)`` and
``read(path)`` give a ``Spec``, whose ``with_knobs(...)`` makes many. Every failure is an
``ArchError`` that carries its diagnostics. ``transfer`` loads other implementations'
weights into a compiled module; ``freeze`` writes an architecture as a spec.

In a notebook ``%load_ext archdsl`` adds the cell magic ``%%arch``.
"""

from typing import Any

from archdsl.__about__ import VERSION
from archdsl.backend.transfer import transfer
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.freeze import freeze
from archdsl.spec import Architecture, Spec, load, parse, read

__all__ = [
    "ArchError",
    "Architecture",
    "Diagnostic",
    "Spec",
    "freeze",
    "load",
    "parse",
    "read",
    "transfer",
]
__version__ = VERSION


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext archdsl``: see ``archdsl.notebook``."""
    from archdsl.notebook import register

    register(shell)

"""Every kind of diagnostic, by the stage that finds it.

``A0..`` files and syntax, ``A1..`` names and structure, ``A2..`` shapes, ``A3..`` values,
``A4..`` limits, ``A5..`` knobs and requirements,
``A6..`` compiling and importing,
``A7..`` searches, ``A8..`` training, ``A9..`` pictures and comparisons, and ``A97.`` warnings.
"""

from archdsl.diagnostics.codes.backend import *  # noqa: F403
from archdsl.diagnostics.codes.files import *  # noqa: F403
from archdsl.diagnostics.codes.importing import *  # noqa: F403
from archdsl.diagnostics.codes.knobs import *  # noqa: F403
from archdsl.diagnostics.codes.limits import *  # noqa: F403
from archdsl.diagnostics.codes.lint import *  # noqa: F403
from archdsl.diagnostics.codes.names import *  # noqa: F403
from archdsl.diagnostics.codes.pictures import *  # noqa: F403
from archdsl.diagnostics.codes.search import *  # noqa: F403
from archdsl.diagnostics.codes.shapes import *  # noqa: F403
from archdsl.diagnostics.codes.syntax import *  # noqa: F403
from archdsl.diagnostics.codes.training import *  # noqa: F403
from archdsl.diagnostics.codes.values import *  # noqa: F403
from archdsl.diagnostics.model import Kind

ALL: dict[str, Kind] = {
    kind.code: kind
    for kind in sorted(
        (value for value in globals().values() if isinstance(value, Kind)), key=lambda k: k.code
    )
}

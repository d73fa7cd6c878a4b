"""What is said of operations that have no layer: what the language has near them, and how a layer
of one's own computes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Diagnostic, diagnose
from archdsl.importing.classes import file_text
from archdsl.importing.custom import Custom, Missing, OperationUse, layer_of, name_of
from archdsl.importing.places import placed
from archdsl.registry import REGISTRY

_RECURRENT = "no layer that goes from step to step: conv(c, 3) and attend see other steps at once"
_DRAWN = (
    "nothing that draws numbers but dropout: draw them outside of the model, and give them to it"
)
NEAR = {
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _RECURRENT),
    **dict.fromkeys(("randn_like", "rand_like", "bernoulli", "normal"), _DRAWN),
    "MultiheadAttention": "attend, with conv(3 * c, 1) before it and conv(c, 1) after it",
    "scaled_dot_product_attention": "attend, with conv(3 * c, 1) before it and conv(c, 1) after it",
    "matmul": "attend, where it is attention",
    "bmm": "attend, where it is attention",
    "einsum": "attend, where it is attention",
    "roll": "attend(windows = ..., shift = ...), where it shifts windows",
}
OURS = "own "  # before the name of a module that is archdsl's: see ``ours``
PARTIAL = "`--partial` writes the spec with such layers, and their file beside it"


def gaps(missing: Iterable[Missing]) -> list[Diagnostic]:
    """One diagnostic for each operation that is missing, with where else it stands. What may be
    missing only because of what is before it is counted, and not told."""
    groups = _groups(missing)
    causes = [group for group in groups if not all(gap.follows for gap in group)]
    found = []
    for group in causes:
        first = group[0]
        kind = diagnose(
            codes.NO_LAYER,
            notes=[_where(group)],
            help=skeleton(group),
            operation=first.operation.removeprefix(OURS),
            reason=first.why,
        )
        found.append(placed(kind, first.place))
    if found and (left := len(groups) - len(causes)):
        note = f"{left} more may only follow from {'these' if causes[1:] else 'this'}: not listed"
        found[-1] = replace(found[-1], notes=(*found[-1].notes, note))
    if found and all(gap.unwritable is None for group in groups for gap in group):
        found[-1] = replace(found[-1], help=(*found[-1].help, PARTIAL))
    return found


def without_partial(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The same without the advice of `--partial`, which a family does not take."""
    return [replace(d, help=tuple(h for h in d.help if h != PARTIAL)) for d in found]


def replaced(missing: Iterable[Missing], custom: Custom) -> list[Diagnostic]:
    """A warning for each operation in whose place a layer of one's own stands."""
    found = []
    for group in _groups(missing):
        first = group[0]
        written = dict.fromkeys(use.code for gap in group for use in gap.uses)
        names = [custom.names[code] for code in written if code is not None]
        layers = " and ".join(f"`{name}`" for name in names)
        fields = {
            "operation": first.operation.removeprefix(OURS),
            "reason": first.why,
            "layers": layers,
        }
        found.append(
            placed(diagnose(codes.OWN_LAYER, notes=[_where(group)], fields=fields), first.place)
        )
    return found


def _groups(missing: Iterable[Missing]) -> list[list[Missing]]:
    groups: dict[tuple[str, str], list[Missing]] = {}
    for gap in missing:
        groups.setdefault((gap.operation, gap.why), []).append(gap)
    return list(groups.values())


def _where(group: list[Missing]) -> str:
    paths = list(dict.fromkeys(gap.path for gap in group))
    shown = ", ".join(f"`{p}`" if p else "the model itself" for p in paths[:3])
    return f"in {shown}" + f" and {len(paths) - 3} more" * (len(paths) > 3)


def skeleton(group: list[Missing]) -> list[str]:
    """Help lines: what the language has near an operation, and a Python file with layers for it."""
    operation = group[0].operation
    plain = operation.strip("_").lower()
    table = REGISTRY.layers
    spelled = {s.lower(): name for s, name in table.synonyms.items()}
    near = plain if plain in table else spelled.get(plain)
    helps = [f"the language has `{near}`, which does not do this"] if near else []
    if operation in NEAR:
        helps = [f"the language has {NEAR[operation]}"]
    uses: dict[object, list[OperationUse]] = {}
    for gap in group:
        for use in gap.uses:
            uses.setdefault((use.code, use.result, use.why), []).append(use)
    layers, names = [], set[str]()
    for of in uses.values():
        name = name_of(of[0], names)
        names.add(name)
        layers.append(layer_of(name, of))
    if layers:
        text = file_text(layers).rstrip()
        helps.append(f"or compute it by a layer of your own, in a Python file of yours:\n{text}")
    return helps

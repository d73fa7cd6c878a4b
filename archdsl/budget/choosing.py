"""What is asked of a spec under a budget: one network, all of them, one by chance, or the next
of an Optuna study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from archdsl.analysis.solve import Cost
from archdsl.budget.fitting import STATIC, WITHIN, Aim, cost_of, fit
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

if TYPE_CHECKING:
    from archdsl.spec import Architecture, Spec

By = str | Iterable[str]


class Choosing:
    """The methods of a spec that choose among its networks."""

    def fit(
        self,
        *,
        by: By,
        within: float = WITHIN,
        step: int = 1,
        input: Sequence[int] | None = None,
        cost: Cost | None = None,
        budget: float | None = None,
        **asked: Any,
    ) -> Architecture:
        """The network of a budget: ``spec.fit(macs=2e9, by="width", depth=22)``.

        One of ``macs``, ``params``, ``activations`` and ``memory`` (bytes of an inference of one
        image) is the budget; or ``cost``, any function of an architecture, with a ``budget``. The
        knobs ``by`` are made larger and smaller until it is met; ``step`` is the grid of lists.
        All others that are ``asked`` are knobs. Raises ``ArchError``, where nothing is within
        ``within`` too.
        """
        spec = cast("Spec", self)
        costs, knobs = parted(asked)
        if cost is not None and budget is not None:
            costs["cost"] = budget
        if len(costs) != 1:
            raise ArchError([diagnose(codes.NO_BUDGET, count=len(costs) or "none")])
        ((name, aimed),) = costs.items()
        held = cost if name == "cost" and cost is not None else cost_of(name)
        names = (by,) if isinstance(by, str) else tuple(by)
        aim = Aim(name, held, number_of(name, aimed), names, within, step, cost is not None)
        return fit(spec, aim, knobs, input).found.arch


def parted(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The costs among what is asked for, and the knobs."""
    costs = {name: value for name, value in asked.items() if name in STATIC}
    return costs, {name: value for name, value in asked.items() if name not in costs}


def number_of(cost: str, value: Any) -> float:
    """A budget as a number. Raises ``ArchError``."""
    try:
        return float(value)
    except (TypeError, ValueError):
        fields = {"given": repr(value)[:80], "cost": cost, "reason": "it is no number"}
        raise ArchError([diagnose(codes.BAD_BUDGET, fields=fields)]) from None

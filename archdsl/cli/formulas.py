"""Costs in closed form, as text."""

from __future__ import annotations

from typing import Any

from archdsl.analysis.family import ClosedForm
from archdsl.elaborate.values import show
from archdsl.layers.polynomial import Monomial, Polynomial
from archdsl.layers.unknowns import Exact


def formulas(form: ClosedForm) -> dict[str, str]:
    """Each cost by its name."""
    costs = {"params": form.params, "macs": form.macs, "activations": form.activations}
    return {name: formula(cost) for name, cost in costs.items()}


def where(form: ClosedForm) -> str:
    """For which values of the knob they hold: ``in 16..128 step 8``."""
    values = form.values
    if values.step is None:
        return f"between {show(values.low)} and {show(values.high)}"
    return f"in {values}"


def formula(cost: Any) -> str:
    """``5,963.5 width^2 + 17,552 width + 1,000``: a polynomial in one knob, or a number."""
    if not isinstance(cost, Polynomial):
        return _grouped(cost)
    terms = sorted(cost.terms.items(), key=_degree, reverse=True)
    text = "".join(_term(monomial, factor) for monomial, factor in terms)
    return text.removeprefix(" + ") if text.startswith(" + ") else f"-{text.removeprefix(' - ')}"


def _degree(term: tuple[Monomial, Exact]) -> int:
    return sum(power for _, power in term[0])


def _term(monomial: Monomial, factor: Exact) -> str:
    names = [u.name if power == 1 else f"{u.name}^{power}" for u, power in monomial]
    sign, size = (" - ", -factor) if factor < 0 else (" + ", factor)
    number = [] if size == 1 and names else [_grouped(size)]
    return sign + " ".join([*number, *names])


def _grouped(number: Exact) -> str:
    """A number, its thousands apart."""
    whole, point, rest = show(number).partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdigit() else show(number)

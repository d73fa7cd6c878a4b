"""What is asked of a spec under a budget: one network, all of them, one by chance, or the next
of an Optuna study."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, cast

from archdsl.analysis.solve import Cost
from archdsl.budget.fitting import WITHIN, Aim, cost_of, fit
from archdsl.budget.reachable import Reachable, by_chance
from archdsl.budget.texts import read_budget, read_factor, read_share
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

if TYPE_CHECKING:
    import optuna

    from archdsl.spec import Architecture, Spec

By = str | Iterable[str]


class Choosing:
    """The methods of a spec that choose among its networks."""

    def fit(
        self,
        *,
        by: By,
        within: float | str = WITHIN,
        step: int = 1,
        input: Sequence[int] | None = None,
        cost: Cost | None = None,
        budget: float | None = None,
        **asked: Any,
    ) -> Architecture:
        """The network of a budget: ``spec.fit(macs="2G", by="width", depth=22)``.

        One of ``macs``, ``params``, ``activations``, ``memory`` (bytes of an inference of one
        image, or ``"512MiB"``) and a cost of your own is the budget; or ``factor``, as 0.5 of what
        the network costs now, in macs or in what ``of`` names; or ``cost``, any function of an
        architecture such as ``archdsl.latency()``, with a ``budget``. The knobs ``by`` are made
        larger and smaller until it is met; ``step`` is the grid of lists. All others that are
        ``asked`` are knobs, ``factor`` and ``of`` too where the spec has knobs of these names.
        Raises ``ArchError``, where nothing is within ``within`` (0.02, or ``"2%"``) too.
        """
        spec = cast("Spec", self)
        words = {n: asked.pop(n) for n in ("factor", "of") if n in asked and n not in spec.knobs}
        costs, knobs = parted(asked, spec.registry.static_costs)
        if cost is not None and budget is not None:
            costs["cost"] = budget
        count = len(costs) + ("factor" in words)
        if count == 1 and "of" in words and "factor" not in words:
            expected = "given with `factor`, of which it names the cost"
            fields = {"name": "of", "callee": "fit", "given": "given alone", "expected": expected}
            raise ArchError([diagnose(codes.WRONG_ARGUMENT, fields=fields)])
        if count != 1:
            raise ArchError([diagnose(codes.NO_BUDGET, count=count or "none")])
        if "factor" in words:
            name = str(words.get("of", "macs"))
            check_cost(spec, name)
            held = cost_of(name)
            aimed = read_factor(str(words["factor"])) * held(spec.candidate(knobs, input))
        else:
            ((name, given),) = costs.items()
            held = cost if name == "cost" and cost is not None else cost_of(name)
            aimed = number_of(spec, name, given)
        names = (by,) if isinstance(by, str) else tuple(by)
        share = share_of(spec, within)
        aim = Aim(name, held, aimed, names, share, step, cost is not None, tuple(knobs))
        return fit(spec, aim, knobs, input).found.arch

    def candidates(self, **asked: Any) -> list[Architecture]:
        """Each network within a budget, once: ``spec.candidates(macs=(0, 2e9), depth=22)``.

        A cost is a pair, from .. to; or a number, with ``by`` for the knobs that are solved for
        and ``within`` and ``step`` as in ``fit``. ``vary`` are the knobs that differ: without it
        all that have a domain, and are neither solved for nor given a value. ``input`` replaces the
        spec's. Raises ``ArchError``, where there are more shapes than can be listed too.
        """
        return self._reachable(asked).all()

    def sample(self, rng: Any = None, **asked: Any) -> Architecture:
        """A network within a budget, by chance. ``rng`` is a seed, or a generator of Python or
        numpy; the rest is as in ``candidates``. Raises ``ArchError`` where there is none."""
        return self._reachable(asked).drawn(by_chance(rng))

    def suggest(self, trial: optuna.Trial, **asked: Any) -> Architecture:
        """The network that a trial of an Optuna study decides; the rest is as in ``candidates``.

        A knob is asked for where it changes the network. Values that are out of reach are never
        drawn: a knob of which some are has the others in its name, as in ``depth in {1, 2}``. The
        trial's attributes ``knobs`` and ``hash`` say which network it is. Raises ``ArchError``
        where there is none.
        """
        from archdsl.analysis.distributions import suggest

        arch = self._reachable(asked).drawn(lambda name, domain: suggest(trial, name, domain))
        trial.set_user_attr("knobs", arch.shown_knobs)
        trial.set_user_attr("hash", arch.hash)
        return arch

    def _reachable(self, asked: Mapping[str, Any]) -> Reachable:
        """What is within a budget: the same for the same question."""
        known: dict[str, Reachable] = self.__dict__.setdefault("_reached", {})
        key = repr(sorted(asked.items(), key=lambda item: item[0]))
        if key not in known:
            known[key] = reachable(cast("Spec", self), **asked)
        return known[key]


def reachable(
    spec: Spec,
    *,
    vary: By | None = None,
    by: By = (),
    within: float | str = WITHIN,
    step: int = 1,
    input: Sequence[int] | None = None,
    **asked: Any,
) -> Reachable:
    """What is within a budget: see ``Choosing.candidates``."""
    costs, knobs = parted(asked, spec.registry.static_costs)
    bounds = {n: bounds_of(spec, n, v) for n, v in costs.items() if isinstance(v, (tuple, list))}
    held = {n: v for n, v in costs.items() if n not in bounds}
    names = (by,) if isinstance(by, str) else tuple(by)
    aim = None
    if len(held) > 1 or (names and not held):
        raise ArchError([diagnose(codes.NO_BUDGET, count=len(held) or "none")])
    for name, aimed in held.items():
        budget = number_of(spec, name, aimed)
        if not names:
            help = f"bounds are a pair, from .. to: `{name}=(0, {budget:g})`"
            raise ArchError([diagnose(codes.NOTHING_SOLVED, help=[help])])
        share = share_of(spec, within)
        aim = Aim(name, cost_of(name), budget, names, share, step)
    if vary is None:
        given = {*knobs, *names}
        vary = [n for n, k in spec.knobs.items() if k.domain is not None and n not in given]

    def wanted(arch: Architecture) -> bool:
        return all(low <= cost_of(n)(arch) <= high for n, (low, high) in bounds.items())

    varied = (vary,) if isinstance(vary, str) else tuple(vary)
    return Reachable(spec, varied, knobs, input, wanted, aim)


def bounds_of(spec: Spec, cost: str, value: Sequence[Any]) -> tuple[float, float]:
    """From .. to; nothing is no bound. Raises ``ArchError``."""
    if len(value) != 2:
        fields = {"given": repr(value)[:80], "cost": cost, "reason": "bounds are a pair"}
        raise ArchError([diagnose(codes.BAD_BUDGET, fields=fields)])
    low, high = value
    return (
        0.0 if low is None else number_of(spec, cost, low),
        inf if high is None else number_of(spec, cost, high),
    )


def parted(
    asked: Mapping[str, Any], known: Collection[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The costs among what is asked for, and the knobs."""
    costs = {name: value for name, value in asked.items() if name in known}
    return costs, {name: value for name, value in asked.items() if name not in costs}


def check_cost(spec: Spec, name: str) -> None:
    """Raises ``ArchError`` for what is no cost that follows from a spec."""
    known = spec.registry.static_costs
    if name not in known:
        fields = {"name": "of", "callee": "fit", "given": f"`{name}`"}
        fields["expected"] = f"one of {', '.join(known)}"
        raise ArchError([diagnose(codes.WRONG_ARGUMENT, fields=fields)])


def share_of(spec: Spec, within: float | str) -> float:
    """How far off a budget a network may be: 0.02 or ``"2%"``. Raises ``ArchError``."""
    return read_share(spec.program, within) if isinstance(within, str) else within


def number_of(spec: Spec, cost: str, value: Any) -> float:
    """A budget as a number; a text may have a unit: ``"2G"``, ``"512MiB"``. Raises
    ``ArchError``."""
    if isinstance(value, str):
        return read_budget(spec.program, cost, value)
    try:
        return float(value)
    except (TypeError, ValueError):
        fields = {"given": repr(value)[:80], "cost": cost, "reason": "it is not a number"}
        raise ArchError([diagnose(codes.BAD_BUDGET, fields=fields)]) from None

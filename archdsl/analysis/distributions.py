"""Domains of the language as Optuna's distributions, and values there as values here."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from archdsl.analysis.grids import rounded
from archdsl.elaborate.equality import same
from archdsl.elaborate.knobs import Choices, Domain


def distribution(domain: Domain) -> BaseDistribution:
    """What Optuna draws from. Values that are no plain scalars go by how they are written."""
    if isinstance(domain, Choices):
        return CategoricalDistribution([_plain(domain, i) for i in range(len(domain.values))])
    if isinstance(domain.low, int) and isinstance(domain.step, int):
        high = domain.enumerate()[-1]
        return IntDistribution(domain.low, int(high), log=domain.log, step=domain.step)
    step = None if domain.step is None else float(domain.step)
    high = domain.high if domain.step is None else domain.enumerate()[-1]
    return FloatDistribution(float(domain.low), float(high), log=domain.log, step=step)


def suggest(trial: Trial, name: str, domain: Domain) -> Any:
    """A value of a domain, by a trial."""
    # Optuna's public way goes by kind; `_suggest` would take the distribution as it is.
    drawn = distribution(domain)
    if isinstance(drawn, CategoricalDistribution):
        return value(domain, trial.suggest_categorical(name, drawn.choices))
    if isinstance(drawn, IntDistribution):
        number: Any = trial.suggest_int(name, drawn.low, drawn.high, step=drawn.step, log=drawn.log)
        return value(domain, number)
    assert isinstance(drawn, FloatDistribution)
    number = trial.suggest_float(name, drawn.low, drawn.high, step=drawn.step, log=drawn.log)
    return value(domain, number)


def value(domain: Domain, param: Any) -> Any:
    """The value of the language that one of Optuna's stands for."""
    if isinstance(domain, Choices):
        for place, known in enumerate(domain.values):
            if _plain(domain, place) == param and type(_plain(domain, place)) is type(param):
                return known
        raise KeyError(param)
    if domain.step is not None:
        return domain.value(round((Fraction(repr(param)) - Fraction(domain.low)) / domain.step))
    return Fraction(repr(rounded(domain, float(param))))


def param(domain: Domain, known: Any) -> Any:
    """What a value of the language is to Optuna."""
    if isinstance(domain, Choices):
        return _plain(domain, next(i for i, v in enumerate(domain.values) if same(v, known)))
    drawn = distribution(domain)
    return int(known) if isinstance(drawn, IntDistribution) else float(known)


def _plain(domain: Choices, place: int) -> bool | int | float | str:
    known = domain.values[place]
    if isinstance(known, (bool, int, str)):
        return known
    if isinstance(known, Fraction):
        return float(known)
    return domain.names[place]

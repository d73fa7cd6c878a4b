"""What Optuna is to use, by name: samplers and pruners."""

from dataclasses import dataclass
from typing import Annotated

from archdsl.layers.arguments import Count, Index, Whole
from archdsl.training.settings import Setting, table_of

Several = Annotated[int, Whole(2)]


@dataclass(frozen=True)
class NoPruning(Setting):
    """Every trial runs to its end."""

    name = "none"


@dataclass(frozen=True)
class Median(Setting):
    """Ends a trial that is below the median of the trials of its own shape."""

    warmup: Index = 5
    startup: Index = 3

    name = "median"


@dataclass(frozen=True)
class SuccessiveHalving(Setting):
    """Asynchronous successive halving (arXiv:1810.05934), within each shape."""

    warmup: Count = 5
    factor: Several = 3

    name = "successive_halving"


@dataclass(frozen=True)
class Hyperband(Setting):
    """Hyperband (arXiv:1603.06560), within each shape."""

    warmup: Count = 5
    factor: Several = 3

    name = "hyperband"


@dataclass(frozen=True)
class Tpe(Setting):
    """Tree-structured Parzen estimators, multivariate: Optuna's default."""

    startup: Index = 8

    name = "tpe"


@dataclass(frozen=True)
class RandomSampling(Setting):
    """Every value with its domain's probability."""

    name = "random"


@dataclass(frozen=True)
class Grid(Setting):
    """Every combination in turn: for finite domains."""

    name = "grid"


@dataclass(frozen=True)
class Gp(Setting):
    """Gaussian processes."""

    startup: Index = 8

    name = "gp"


@dataclass(frozen=True)
class CmaEs(Setting):
    """Covariance matrix adaptation: for numbers alone."""

    name = "cma_es"


@dataclass(frozen=True)
class Nsga2(Setting):
    """The evolutionary sampler for several objectives."""

    population: Several = 20

    name = "nsga2"


PRUNERS = table_of(NoPruning, Median, SuccessiveHalving, Hyperband)
BASELINES = table_of(RandomSampling)
SAMPLERS = table_of(Tpe, RandomSampling, Grid, Gp, CmaEs, Nsga2)

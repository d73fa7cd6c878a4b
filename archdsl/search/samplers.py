"""Optuna's samplers and pruners by the names that a search gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from archdsl.search import settings
from archdsl.training.settings import Setting


def make_sampler(setting: Setting, seed: int) -> BaseSampler:
    """A sampler. ``grid`` is listed before a search begins, and leaves nothing to draw."""
    if isinstance(setting, settings.Tpe):
        return optuna.samplers.TPESampler(n_startup_trials=setting.startup, seed=seed)
    if isinstance(setting, settings.Gp):
        alone = optuna.samplers.TPESampler(n_startup_trials=setting.startup, seed=seed)
        return optuna.samplers.GPSampler(
            n_startup_trials=setting.startup,
            seed=seed,
            independent_sampler=alone,  # of what only some networks have
            warn_independent_sampling=False,
        )
    if isinstance(setting, settings.CmaEs):
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if isinstance(setting, settings.Nsga2):
        return optuna.samplers.NSGAIISampler(population_size=setting.population, seed=seed)
    return optuna.samplers.RandomSampler(seed=seed)


def make_pruner(setting: Setting, epochs: int, storage: BaseStorage) -> BasePruner:
    """A pruner of the trials in a storage; steps are epochs, counted from 1."""
    pruners = optuna.pruners
    if isinstance(setting, settings.Median):
        return WithinShape(
            pruners.MedianPruner(n_startup_trials=setting.startup, n_warmup_steps=setting.warmup),
            storage,
        )
    if isinstance(setting, settings.SuccessiveHalving):
        return WithinShape(
            pruners.SuccessiveHalvingPruner(
                min_resource=setting.warmup, reduction_factor=setting.factor
            ),
            storage,
        )
    if isinstance(setting, settings.Hyperband):
        return WithinShape(
            pruners.HyperbandPruner(
                min_resource=setting.warmup,
                max_resource=max(epochs, setting.warmup),
                reduction_factor=setting.factor,
            ),
            storage,
        )
    return pruners.NopPruner()


class SeededSampler(BaseSampler):
    """Gives every trial a sampler with a seed of its own turn, so that a study that goes on after
    a stop draws what it would have drawn without it. It sees no queue (see ``_Begun``)."""

    def __init__(self, setting: Setting, seed: int, storage: BaseStorage) -> None:
        self.setting = setting
        self.seed = seed
        self.storage: Any = _Begun(storage)
        self.number = -1
        self.inner = make_sampler(setting, seed)
        self.study: Study | None = None

    def _at(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number != self.number:
            turn = trial.user_attrs.get("turn", trial.number)
            text = f"{self.seed}/{turn}/{trial.user_attrs.get('draws', 0)}".encode(
                "utf-8", "surrogatepass"
            )
            seed = int.from_bytes(hashlib.sha256(text).digest()[:4], "big")
            self.number, self.inner = trial.number, make_sampler(self.setting, seed)
            self.study = None
        return self.inner

    def _begun(self, study: Study) -> Study:
        """The study without its queue: one for each trial, as it keeps what it has read."""
        if self.study is None:
            self.study = Study(study.study_name, self.storage, sampler=self)
        return self.study

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._at(trial).infer_relative_search_space(self._begun(study), trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._at(trial).sample_relative(self._begun(study), trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        sampler = self._at(trial)
        return sampler.sample_independent(self._begun(study), trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._at(trial).before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._at(trial).after_trial(study, trial, state, values)


class WithinShape(BasePruner):
    """Compares a trial with those of its own shape: deep networks learn later than wide ones,
    and would be pruned for it."""

    def __init__(self, inner: BasePruner, storage: BaseStorage) -> None:
        self.inner, self.storage = inner, storage

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        shape = trial.user_attrs.get("shape")
        if shape is None:
            return False
        alike: Any = _Alike(self.storage, shape)
        return self.inner.prune(Study(study.study_name, alike, pruner=self.inner), trial)


class _Begun:
    """A storage in which nothing waits. What waits says nothing to a sampler or a pruner, and may
    be as much as there is: to read it would be most of a draw."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        begun = [s for s in TrialState if s is not TrialState.WAITING]
        wanted = tuple(s for s in begun if states is None or s in states)
        return self._storage.get_all_trials(study_id, deepcopy, wanted)


class _Alike(_Begun):
    """One in which there are only the trials of one shape."""

    def __init__(self, storage: BaseStorage, shape: str) -> None:
        super().__init__(storage)
        self._shape = shape

    def get_all_trials(self, *args: Any, **kwargs: Any) -> list[FrozenTrial]:
        trials = super().get_all_trials(*args, **kwargs)
        return [t for t in trials if t.user_attrs.get("shape") == self._shape]

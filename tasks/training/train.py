"""Training: fit the numbers of methods to scans, through the same stages as a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxflow.configs.methods import MethodConfig, unknown_method
from proxflow.configs.recipe import Recipe
from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.errors import RequestError
from proxflow.tasks.pipeline import Engine
from proxflow.tasks.training.held_out import Fit, expected_reconstructions
from proxflow.tasks.training.samples import HeldOutSamples, TrainingListener, training_scans
from proxflow.tasks.training.trainers import trainable, trainer

MOST_SEEDS = 100
LARGEST_FRACTION = 0.5


@dataclass(frozen=True)
class TrainingRequest:
    """What to train on: scans (the recipe's if none are named), and how measurements are held out."""

    scans: tuple[str, ...] = ()
    fraction: float = 0.05
    seeds: int = 3

    def __post_init__(self) -> None:
        """RequestError for numbers out of range, or, as a form may send them, no numbers."""
        if not _is_number(self.fraction) or not 0 < self.fraction <= LARGEST_FRACTION:
            raise RequestError(f"fraction must be above 0, at most {LARGEST_FRACTION}, got {self.fraction!r}")
        if not _is_number(self.seeds) or self.seeds not in range(1, MOST_SEEDS + 1):
            raise RequestError(f"seeds must be a whole number from 1 to {MOST_SEEDS}, got {self.seeds!r}")


@dataclass(frozen=True)
class Training:
    """All fits. ``cases``: (scan, seed) in the order of a candidate's errors."""

    fits: tuple[Fit, ...]
    scans: tuple[str, ...]
    cases: tuple[tuple[str, int], ...]
    request: TrainingRequest

    @property
    def cautions(self) -> tuple[str, ...]:
        return tuple(caution for fit in self.fits for caution in fit.cautions)


def methods_to_train(recipe: Recipe, names: Sequence[str]) -> tuple[MethodConfig, ...]:
    """The named methods, or those of the recipe that have tunable numbers.

    Raises RequestError for a method that does not exist, has no such number or is for other scans, and where
    the recipe has none.
    """
    able = trainable(recipe.scan.kind)
    having = f"for scan.kind {recipe.scan.kind} these have: {', '.join(able) or 'none'}"
    if wrong := unknown_method(names):
        raise RequestError(f"methods {wrong}")
    for name in names:
        if name not in able:
            raise RequestError(f"methods must have numbers that training may choose, got {name}; {having}")
    if names:
        return recipe.methods(list(dict.fromkeys(names)))
    own = tuple(config for config in recipe.methods() if config.method in able)
    if not own:
        used = ", ".join(config.method for config in recipe.methods())
        raise RequestError(
            f"methods must have numbers that training may choose, got the recipe's {used}; {having}"
        )
    return own


def train(
    recipe: Recipe,
    methods: Sequence[MethodConfig],
    request: TrainingRequest,
    engine: Engine,
    store: ArtefactStore,
    listener: TrainingListener,
) -> Training:
    """Fit every method in turn. Whatever was tried before is found in the store, also after a kill."""
    scans = training_scans(recipe, request.scans, engine)
    samples = HeldOutSamples(
        scans, request.fraction, request.seeds, recipe.runtime.precision, engine, store, listener
    )
    for config in methods:
        listener.planned(config.method, expected_reconstructions(config, samples))
    fits = tuple(trainer(config.method)(config, samples) for config in methods)
    cases = tuple((scan.name, seed) for scan, seed in samples.cases())
    return Training(fits, tuple(scan.path for scan in scans), cases, request)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""A method's number chosen by how well held-out measurements are predicted, never by a reference image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxflow.configs.methods import MethodConfig
from proxflow.configs.tunable import Tunable, tunable_numbers
from proxflow.tasks.training.cautions import as_good_as, cautions
from proxflow.tasks.training.samples import HeldOutSamples
from proxflow.tasks.training.search import ROUNDS, Candidate, best, coarse_grid, search


@dataclass(frozen=True)
class Fit:
    """What training found for one method.

    Attributes:
        config: the method with the number chosen.
        number: its name.
        before: its value in the recipe.
        candidates: every value tried, by value.
        alike: ends of the range of values that cannot be told from the chosen one.
        cautions: sentences a reader should see.
    """

    config: MethodConfig
    number: str
    before: float
    candidates: tuple[Candidate, ...]
    alike: tuple[float, float]
    cautions: tuple[str, ...]

    @property
    def method(self) -> str:
        return self.config.method

    @property
    def chosen(self) -> Candidate:
        """The value with the smallest error."""
        return best(self.candidates)

    @property
    def as_it_was(self) -> Candidate:
        """The recipe's own value."""
        return next(candidate for candidate in self.candidates if candidate.value == self.before)


def fit_by_held_out(config: MethodConfig, samples: HeldOutSamples) -> Fit:
    """Search the method's tunable number for the smallest mean error over scans, seeds and items.

    The recipe's own value is tried too, so that the gain is known.
    """
    name, number = tunable_number(config.method, type(config))
    done, before = 0, float(getattr(config, name))

    def evaluate(values: Sequence[float], more: int) -> list[Candidate]:
        nonlocal done
        done += len(values)
        samples.listener.planned(config.method, (done + more) * samples.repeats)
        return samples.candidates(config, name, values)

    tried = search(number, evaluate)
    if before not in [candidate.value for candidate in tried]:
        tried = sorted([*tried, *evaluate([before], 0)], key=lambda candidate: candidate.value)
    samples.listener.planned(config.method, done * samples.repeats)
    value = best(tried).value
    chosen = config.model_copy(update={name: int(value) if number.whole else value})
    names = [scan.name for scan in samples.scans]
    warnings = cautions(config.method, name, number, tried, names)
    return Fit(chosen, name, before, tuple(tried), as_good_as(tried), warnings)


def expected_reconstructions(config: MethodConfig, samples: HeldOutSamples) -> int:
    """How many ``fit_by_held_out`` takes where the grid need not grow."""
    _, number = tunable_number(config.method, type(config))
    return (len(coarse_grid(number)) + 2 * ROUNDS + 1) * samples.repeats


def tunable_number(method: str, schema: type[MethodConfig]) -> tuple[str, Tunable]:
    """Name and declaration of the number this trainer chooses; it can choose one."""
    found = tunable_numbers(schema)
    if len(found) != 1:
        raise ValueError(f"{method} must have one tunable number, got {', '.join(found) or 'none'}")
    return next(iter(found.items()))

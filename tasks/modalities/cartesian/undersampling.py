"""The recipe's undersampling step as a sampling mask."""

from __future__ import annotations

import numpy as np

from proxflow.configs.prepare import Sampling
from proxflow.data.masks.line_masks import random_line_mask, uniform_line_mask
from proxflow.data.masks.poisson_disc import poisson_disc_mask
from proxflow.data.masks.variable_density import variable_density_mask
from proxflow.tasks.errors import RequestError


def undersampling_mask(step: Sampling, shape: tuple[int, int]) -> np.ndarray:
    """Bool (ky, kx), True where sampled; RequestError where the numbers do not fit the shape."""
    if step.acs[0] > shape[0] or step.acs[1] > shape[1]:
        raise RequestError(f"prepare {step.kind} acs must fit in {shape[0]} x {shape[1]}, got {step.acs}")
    try:
        if step.pattern == "poisson_disc":
            return poisson_disc_mask(shape, step.acceleration, acs_shape=step.acs, seed=step.seed)
        if step.pattern == "variable_density":
            return variable_density_mask(shape, step.acceleration, acs_shape=step.acs, seed=step.seed)
        lines = random_line_mask if step.pattern == "random_lines" else uniform_line_mask
        return lines(shape, step.acceleration, n_center_lines=step.acs[0], seed=step.seed)
    except ValueError as error:
        raise RequestError(f"prepare {step.kind}: {error}") from None

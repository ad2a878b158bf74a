"""The sampling of ReconResNet's experiments as the recipe's steps ask for it."""

from __future__ import annotations

import numpy as np

from proxflow.configs.prepare_published import KeepCentre, PublishedSampling, UndersampleGaussian
from proxflow.data.masks.acceleration import acceleration, central_block
from proxflow.data.masks.centre_block import centre_mask, cut_lines_mask
from proxflow.data.masks.gaussian_lines import gaussian_line_mask, stepped_line_mask
from proxflow.data.masks.gaussian_points import disc_gaussian_mask, two_gaussian_mask
from proxflow.tasks.errors import RequestError

PATTERNS = {"lines": "Gaussian lines", "two_gaussians": "points of two Gaussians", "disc": "Gaussian points"}


def published_mask(step: PublishedSampling, shape: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Bool (ky, kx), True where sampled, and what was done in words, with the exact acceleration.

    RequestError where the numbers do not fit the shape.
    """
    try:
        mask, done = _pattern(step, shape)
        if not isinstance(step, KeepCentre) and step.acs is not None:
            acs = (step.acs[0], shape[1] if step.whole_lines else step.acs[1])
            mask |= central_block(shape, acs)
            done += f", and the centre {acs[0]} x {acs[1]}"
    except ValueError as error:
        raise RequestError(f"prepare {step.kind}: {error}") from None
    return mask, f"{done}, R = {acceleration(mask):.3f} ({mask.mean():.2%} of the samples)"


def _pattern(step: PublishedSampling, shape: tuple[int, int]) -> tuple[np.ndarray, str]:
    if isinstance(step, UndersampleGaussian):
        return _gaussian(step, shape), f"{PATTERNS[step.pattern]}, seed {step.seed}"
    if not isinstance(step, KeepCentre):
        return stepped_line_mask(shape, step.step), f"every line of {step.step} and the centre"
    if step.cut_lines is not None:
        return cut_lines_mask(shape, step.cut_lines), f"{step.cut_lines} lines cut at each border"
    return centre_mask(shape, step.kept, keeps=step.keeps), "the centre alone"


def _gaussian(step: UndersampleGaussian, shape: tuple[int, int]) -> np.ndarray:
    if step.pattern == "lines":
        return gaussian_line_mask(shape, step.fraction, seed=step.seed, peak=step.peak)
    if step.pattern == "two_gaussians":
        return two_gaussian_mask(shape, step.fraction, seed=step.seed)
    return disc_gaussian_mask(shape, step.fraction, seed=step.seed, centre=step.centre, peak=step.peak)

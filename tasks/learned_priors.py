"""Learned proximal networks as priors, by the names recipes use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.configs.methods_lpn import Lpn
from proxflow.tasks.errors import RequestError
from proxflow.tasks.lpn_networks import open_lpn

if TYPE_CHECKING:
    from proxflow.models.learned_prox.learned_prior import LearnedPrior

NOISE_REACH = 2.5  # standard deviations of the training's noise beyond its clean images


def open_learned_prior(
    name: str, *, file: Path | None = None, device: str = "cpu", memory_bytes: int | None = None
) -> LearnedPrior:
    """The prior called ``name``, a ``ProxName``, on ``device``; weights are read from ``file``, or from where
    the name says. As many patches go through it at once as ``memory_bytes`` allow, 1 GiB at most.

    Raises RequestError, in one sentence, where the file is missing, damaged, of another network, or has a
    negative weight where convexity allows none.
    """
    from proxflow.models.learned_prox.learned_prior import LearnedPrior
    from proxflow.models.learned_prox.network_prox import USUAL_BYTES
    from proxflow.models.learned_prox.prior import TRAINED

    network, trained = open_lpn(name, file=file, device=device, what="prior")
    within = TRAINED
    if trained is not None:
        margin = NOISE_REACH * trained.sigma
        within = (trained.low - margin, trained.high + margin)
    return LearnedPrior(network, within, min(USUAL_BYTES, memory_bytes or USUAL_BYTES))


def activation_bytes(
    config: Lpn, image_shape: Sequence[int], *, precision: str = "single", kept: int | None = None
) -> int:
    """What the network of ``config`` holds at once while it sees an image, (y, x) or (z, y, x), within
    ``kept`` bytes; RequestError where it cannot be opened, or its patches do not fit."""
    import torch

    from proxflow.models.methods.unsuitable import UnsuitableError

    prior = open_learned_prior(config.prior, memory_bytes=kept)
    ny, nx = image_shape[-2:]
    dtype = torch.float64 if precision == "double" else torch.float32
    try:
        prox = prior.prox(config.patches, config.stride, (ny, nx), dtype)
    except UnsuitableError as error:
        raise RequestError(f"reconstruct.lpn: {error}") from None
    return prox.activation_bytes(math.prod(image_shape[:-2]), (ny, nx), dtype)

"""What the priors and denoisers that are diffusion models take of memory beside a method's own arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.prior_denoiser import PriorDenoiser
from proxflow.operators.base import LinearOperator


def prior_bytes(
    arguments: Mapping[str, Any], operator: LinearOperator, dtype: torch.dtype, *, gradient: bool
) -> int:
    """Weights, and the larger of what the images take that are given to the prior at once, and the weights
    again, of which a copy is made when they are read; 0 without a prior.

    arguments: of the method, as ``method_arguments`` makes them.  gradient: whether one is taken through it.
    """
    named = arguments.get("prior", arguments.get("denoiser"))
    prior = named.prior if isinstance(named, PriorDenoiser) else named
    if not isinstance(prior, ImagePrior):
        return 0
    shape = operator.domain_shape
    image = torch.empty(shape[-2:], dtype=dtype, device="meta")
    n_images = math.prod(shape[:-2]) * arguments.get("samples", 1)
    at_once = min(n_images, prior.images_at_once(image, gradient=gradient))
    images = at_once * prior.bytes_of_one(image, gradient=gradient)
    return prior.weight_bytes + max(prior.weight_bytes, images)

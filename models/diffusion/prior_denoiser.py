"""A diffusion prior as a denoiser of images whose noise is known."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.noise_levels import level_of
from proxflow.models.diffusion.priors import denoised
from proxflow.models.diffusion.sampling import predicted


class PriorDenoiser:
    """D(x, sigma) = (x' - noise eps(x')) / signal,  x' = signal x, at the level with noise / signal = sigma.

    With sigma = 0 it is the identity. Beyond what the prior knows, 0.01 to 157 (variance preserving) or 378,
    noise is taken as the nearest that it does.

    Args:
        prior: with ``predict``; complex images as it takes them.

    images: (n, y, x), magnitudes of about 0 to 1. Raises UnsuitableError for images that it is not for.
    Source: Tweedie's formula; Zhu et al., CVPR Workshops 2023 (DiffPIR), plug a diffusion model in so.
    """

    def __init__(self, prior: ImagePrior) -> None:
        if prior.predict is None:
            raise ValueError("prior must predict by itself, got one with the spectrum of measurements")
        self.prior, self.predict = prior, prior.predict

    def __call__(self, images: Tensor, sigma: float) -> Tensor:
        self.prior.check(images, "denoiser")
        if sigma == 0:
            return images.clone()
        level = level_of(sigma, self.prior.process)
        x = level.signal * images
        return denoised(x, predicted(self.predict, x, level, 2, self.prior.images_at_once(x)), level)

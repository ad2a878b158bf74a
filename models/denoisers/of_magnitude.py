"""A denoiser of magnitudes for complex images."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.denoisers.denoiser import Denoiser
from proxflow.models.priors.magnitude_prox import magnitude_prox


class OfMagnitude:
    """D(|x|) exp(i arg x) of complex images, D(x) of real ones; sigma is not told to D, which is blind."""

    def __init__(self, denoise: Denoiser) -> None:
        self.denoise = denoise

    def __call__(self, images: Tensor, sigma: float) -> Tensor:
        return magnitude_prox(images, self.denoise) if images.is_complex() else self.denoise(images)

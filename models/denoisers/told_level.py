"""Denoisers told the noise's level: total variation, non-local means, and those that need not be told."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from proxflow.models.denoisers.denoiser import Denoiser
from proxflow.models.denoisers.tv import WEIGHT_PER_SIGMA
from proxflow.models.priors.total_variation import tv_prox

PATCH, REACH = 3, 4  # voxels along a patch, and as far around a voxel like ones are looked for


class LevelTv:
    """argmin_x 1/2 ||x - m||^2 + 0.7 sigma TV(x), isotropic over two or three axes; see ``TvDenoiser``.

    n_iter: of the dual problem, always as many and from zero, so that nothing but m and sigma decides.
    """

    def __init__(self, *, n_iter: int = 50) -> None:
        self.n_iter = n_iter

    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor:
        n_axes = 3 if magnitudes.ndim == 4 else 2
        return tv_prox(magnitudes, WEIGHT_PER_SIGMA * sigma, n_iter=self.n_iter, n_axes=n_axes)[0]


class LevelNonLocalMeans:
    """Means over voxels whose surroundings look alike, in two or three axes, by scikit-image on the CPU.

    Patches of 3, within 4 voxels, weights exp(-max(d^2 - 2 sigma^2, 0) / h^2) with h = 0.8 sigma, which the
    library advises where sigma is known. Sigma = 0 returns the magnitudes.
    Source: Buades, Coll & Morel, CVPR 2005; Darbon et al., ISBI 2008, for the fast form.
    """

    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor:
        from skimage.restoration import denoise_nl_means

        if sigma == 0:
            return magnitudes.clone()
        out = torch.empty_like(magnitudes)
        for magnitude, target in zip(magnitudes, out, strict=True):
            found = denoise_nl_means(
                magnitude.detach().cpu().numpy().astype(np.float32),
                patch_size=PATCH,
                patch_distance=REACH,
                h=0.8 * sigma,
                sigma=sigma,
                fast_mode=True,
            )
            target.copy_(torch.from_numpy(found))
        return out


class Untold:
    """A denoiser of single images that is told no level, applied to images or to every plane of volumes."""

    def __init__(self, denoise: Denoiser) -> None:
        self.denoise = denoise

    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor:
        planes = magnitudes.reshape(-1, *magnitudes.shape[-2:])
        return self.denoise(planes).view(magnitudes.shape)

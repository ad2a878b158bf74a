"""The power spectrum of an image that is not known yet, told from its measurements."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from proxflow.models.diffusion.fourier_wiener import ring_powers, spectrum_of_rings

TRUSTED = 0.02, 0.12  # cycles per pixel: above the one structure repeats, below the other data are dense


def own_spectrum(images: Sequence[Tensor], shape: tuple[int, int]) -> Tensor:
    """S(k) of one real channel, float64 (y, x), as far as first images, aliased and noisy, can tell it.

    Up to 0.12 cycles per pixel the mean power on rings, ``radial_spectrum``. Beyond, where aliasing and noise
    add power that the object has not, the lesser of that and c |k|^-p, the line through the logarithms of
    the rings from 0.02 to 0.12: power of images of objects falls like that of no noise.

    images: real or complex (y, x), such as ``first_image`` of every slice, in the sampler's scale.
    Source: the power law, Field, J. Opt. Soc. Am. A 4:2379 (1987).
    """
    centres, means = ring_powers(images)
    if not bool((means > 0).any()):
        return torch.ones(shape, dtype=torch.float64)  # of data of zeros: any prior gives zero
    means = means.clamp_min(1e-8 * float(means.max()))
    low, high = TRUSTED
    fitted = (centres >= low) & (centres <= high)
    if int(fitted.sum()) >= 2:
        place = torch.stack([centres[fitted].log(), torch.ones(int(fitted.sum()), dtype=torch.float64)], 1)
        line = torch.linalg.lstsq(place, means[fitted].log()[:, None]).solution[:, 0]
        law = (line[0].clamp(max=0) * centres.log() + line[1]).exp()
        means = torch.where(centres > high, torch.minimum(means, law), means)
    return spectrum_of_rings(centres, means, shape)

"""High-frequency error norm: how well edges and fine structure are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from proxflow.models.metrics.compared import compared
from proxflow.models.metrics.nmse import energy_ratio
from proxflow.models.metrics.region import broadcast_region
from proxflow.models.metrics.value import Score

SIGMA = 1.5  # pixels
RADIUS = 7  # a 15 x 15 kernel


def laplacian_of_gaussian(image: np.ndarray) -> np.ndarray:
    """LoG of each item of real (item, y, x): sigma 1.5 pixels, 15 x 15 kernel, mirrored edges."""
    from scipy.ndimage import gaussian_laplace  # a quarter of a second to import

    return np.stack(
        [gaussian_laplace(item, SIGMA, truncate=RADIUS / SIGMA, mode="reflect") for item in image]
    )


def hfen(image: np.ndarray, reference: np.ndarray, *, region: np.ndarray | None = None) -> Score:
    """HFEN = ||LoG(|ref|) - LoG(|x|)||_2 / ||LoG(|ref|)||_2 over the region of the volume.

    The whole images are filtered, then the norms are taken over the region.
    image, reference: (item, y, x), same unit.
    Source: Ravishankar & Bresler, IEEE Trans. Med. Imaging 30:1028 (2011), sigma 1.5 and 15 x 15;
    the kernel here is the sampled derivative of the Gaussian (``scipy.ndimage``), which is not
    shifted to zero mean, and edges are mirrored, not zero-padded. They give the norm unnormalised.
    """
    x, ref = compared(image, reference)
    pixels = broadcast_region(region, ref.shape)
    edges = laplacian_of_gaussian(ref)
    ratio = energy_ratio(edges - laplacian_of_gaussian(x), edges, pixels)
    return replace(ratio, finish=np.sqrt)

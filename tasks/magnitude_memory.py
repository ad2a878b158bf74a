"""What methods that regularise the magnitude take of memory beside samples and iterates."""

from __future__ import annotations

import math

import torch

from proxflow.configs.methods_magnitude import Deep2s, MagnitudeMethod, PnpMagnitude
from proxflow.models.denoisers.volume_network import VOXEL_BYTES, VolumeNetworkDenoiser
from proxflow.models.solvers.data_step import takes_factor
from proxflow.operators.base import LinearOperator
from proxflow.tasks.volume_networks import open_level_denoiser

LAYERS = 2 * VOXEL_BYTES  # with the convolution library's copies; 1.7 to 2.6 times were seen of 64^3 and 48^3


def magnitude_bytes(
    config: MagnitudeMethod | PnpMagnitude | Deep2s, operator: LinearOperator, dtype: torch.dtype
) -> int:
    """With P voxels and M measurements of c bytes: P c for the mean of all iterations, where that is what is
    delivered; 3 M^2 c while the inverse of the least squares is made, where one is; ``LAYERS`` P for a
    network of volumes."""
    n_voxels, n_measurements = math.prod(operator.domain_shape), math.prod(operator.range_shape)
    network = n_voxels * LAYERS
    if isinstance(config, Deep2s):
        return network
    factor = 3 * n_measurements**2 * dtype.itemsize
    if not isinstance(config, PnpMagnitude):
        return factor if takes_factor(operator, config.n_iter) else 0
    kappa_changes = config.kappa_growth != 1
    made = takes_factor(operator, config.n_iter, update=config.update, kappa_changes=kappa_changes)
    of_volumes = isinstance(open_level_denoiser(config.denoiser), VolumeNetworkDenoiser)
    return config.average * n_voxels * dtype.itemsize + made * factor + of_volumes * network

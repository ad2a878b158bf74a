"""What is in a scan: its header, and one item looked at more closely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.kspace import KSpace
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.scan import Scan, ScanInfo
from proxflow.models.calibration.acs import find_acs
from proxflow.operators.fourier import ifft2c
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.cartesian.noise import noise_level
from proxflow.tasks.stages.documents import centre_crop


@dataclass(frozen=True)
class ScanSummary:
    """A scan's header and what its item number ``item`` shows.

    Attributes:
        acceleration: points of the grid over points sampled, exact.
        acs: height and width of the largest fully sampled centred block, (0, 0) if there is none.
        noise_std: standard deviation of a sample's complex noise, in the scan's unit; None where the
            border of k-space holds too few samples for an estimate.
        noise_source: where that figure comes from, in words.
        image: float32 (y, x), root sum of squares over coils of the zero-filled coil images, at the
            intended matrix, in the scan's unit.
        spectrum: float32 (ky, kx), root sum of squares over coils of the samples.
        mask: bool (ky, kx), True where sampled.
    """

    info: ScanInfo
    item: int
    acceleration: float
    acs: tuple[int, int]
    noise_std: float | None
    noise_source: str
    image: NDArray[np.float32]
    spectrum: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @property
    def fully_sampled(self) -> bool:
        """Whether this item misses no sample."""
        return bool(self.mask.all())


def summarise(scan: Scan, item: int | None = None) -> ScanSummary:
    """Look at ``item`` of an open scan, the middle one if none is named; ScanError if it is unsound."""
    info = scan.info
    item = info.n_items // 2 if item is None else item
    if info.modality != "mri-cartesian":
        raise RequestError(
            f"proxflow new writes recipes for mri-cartesian only so far, got {info.modality}; start from a "
            "ready recipe of that kind instead"
        )
    kspace = scan.read([item])
    assert isinstance(kspace, KSpace)
    samples, mask = torch.from_numpy(kspace.samples[0]), kspace.mask[0]
    noise = None if kspace.noise is None else torch.from_numpy(kspace.noise)
    level: float | None
    try:
        level, source = noise_level(samples, mask, noise, whitened=False)
    except ValueError:
        level, source = None, "too few samples at the border of k-space for an estimate"
    image = torch.linalg.vector_norm(ifft2c(samples), dim=0).numpy()
    return ScanSummary(
        info=info,
        item=item,
        acceleration=acceleration(mask),
        acs=find_acs(torch.from_numpy(mask)),
        noise_std=level,
        noise_source=source,
        image=centre_crop(image, info.image_geometry.matrix).astype(np.float32),
        spectrum=torch.linalg.vector_norm(samples, dim=0).numpy().astype(np.float32),
        mask=mask,
    )

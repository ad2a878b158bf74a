"""MRI of an object that changes: k-space of frames in time, on a grid or along spokes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry


@dataclass(frozen=True)
class DynamicKSpace:
    """Samples of one or more series; all frames of all series share the coils and the image.

    Attributes:
        samples: complex (item, frame, coil, spoke, readout) with a trajectory, (item, frame, coil, ky, kx)
            without, DC at n // 2; arbitrary units, zero where unsampled. An item is one series.
        geometry: ``matrix`` (y, x) of the intended image, its field of view in mm where known. Without a
            trajectory the image has the (ky, kx) of the samples and is centre-cropped to ``matrix``.
        labels: what each item is.
        trajectory: float32 or float64 (frame, spoke, readout, 2), (ky, kx) in cycles per field of view of
            ``geometry.matrix`` as in ``RadialKSpace``; None for samples on the grid.
        mask: bool, True where sampled: (frame, spoke) with a trajectory, (frame, ky, kx) without; None where
            everything is. A frame may have no sample.
        frame_labels: what each frame is, such as "flip angle 11 deg"; () where only their order is known.
        coil_maps: complex (item or 1, coil, y, x) that came with the scan, of the size of the image before
            its crop; None if none did.
        noise: complex (coil, n) noise alone, or None.
        reference: (item, frame, y, x), real or complex: images that came with the scan, or None.
        source: where the data came from: title, origin, licence, changes.
    """

    samples: NDArray[np.complexfloating]
    geometry: Geometry
    labels: tuple[str, ...]
    trajectory: NDArray[np.floating] | None = None
    mask: NDArray[np.bool_] | None = None
    frame_labels: tuple[str, ...] = ()
    coil_maps: NDArray[np.complexfloating] | None = None
    noise: NDArray[np.complexfloating] | None = None
    reference: NDArray[np.inexact] | None = None
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def views_shape(self) -> tuple[int, ...]:
        """(frame, spoke) or (frame, ky, kx): the axes by which samples are taken or left out."""
        n_frames, _, *views = self.samples.shape[1:]
        return (n_frames, views[0]) if self.trajectory is not None else (n_frames, *views)

    @property
    def views(self) -> NDArray[np.bool_]:
        """``mask``, all True where there is none."""
        return np.ones(self.views_shape, dtype=np.bool_) if self.mask is None else self.mask

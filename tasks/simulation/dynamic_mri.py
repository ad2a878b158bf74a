"""A simulated scan of dynamic MRI: a few golden-angle spokes of every frame, with noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.kspace import Geometry
from proxflow.operators.frame_sense import FrameSenseRadial
from proxflow.operators.trajectories import radial_trajectory

OVERSAMPLING = 2
LEVELS = 1 << 10
OBJECT = 0.05  # of the maximum: what counts as the object


def simulate_dynamic_mri(
    frames: NDArray[np.complexfloating],
    coil_maps: NDArray[np.complexfloating],
    *,
    spokes_per_frame: int = 6,
    snr: float = 30.0,
    seed: int = 0,
    pixel_size_mm: float | None = None,
    source: Mapping[str, str] | None = None,
) -> DynamicKSpace:
    """Frame t along the spokes t n .. t n + n - 1 of one golden-angle series (111.246 degrees a spoke):

        y_tc = F_t S_c x_t + e,   E|e|^2 = sigma^2,   sigma = mean |x| / snr,

    the mean over the object (above 5 % of the maximum) in all frames. F is scaled as an orthonormal DFT, so
    ``snr`` is that of the object in an image from one frame's complete k-space of these coils.
    A spoke has 2 J samples over the k-space of a J x J image. The object's real and imaginary parts lie on
    even steps, 1024 up to its peak, so that its file is small; it is the ``reference`` of the scan.

    Args:
        frames: complex (T, J, J), any unit.
        coil_maps: complex (coil, J, J); they come with the scan.
        snr: inf for no noise.

    Returns:
        one item; samples, maps and reference complex64, trajectory float32.

    Raises ValueError if an argument does not fit.
    """
    _check(frames, coil_maps, spokes_per_frame, snr)
    n_frames, size = len(frames), frames.shape[-1]
    trajectory = radial_trajectory(n_frames * spokes_per_frame, OVERSAMPLING * size, size, "golden")
    trajectory = trajectory.reshape(n_frames, spokes_per_frame, OVERSAMPLING * size, 2).to(torch.float32)
    step = float(np.abs(frames).max()) / LEVELS
    objects = step * (np.rint(frames.real / step) + 1j * np.rint(frames.imag / step))
    sense = FrameSenseRadial(trajectory, torch.from_numpy(coil_maps.astype(np.complex128)))
    clean = sense.forward(torch.from_numpy(objects)).numpy()
    magnitude = np.abs(objects)
    sigma = float(magnitude[magnitude > OBJECT * magnitude.max()].mean()) / snr
    parts = np.random.default_rng(seed).standard_normal((2, *clean.shape))
    view_mm = None if pixel_size_mm is None else (0.0, size * pixel_size_mm, size * pixel_size_mm)
    return DynamicKSpace(
        samples=(clean + sigma / np.sqrt(2) * (parts[0] + 1j * parts[1])).astype(np.complex64)[None],
        geometry=Geometry((size, size), view_mm),
        labels=("simulated series",),
        trajectory=trajectory.numpy(),
        coil_maps=coil_maps.astype(np.complex64)[None],
        reference=objects.astype(np.complex64)[None],
        source=dict(source or {}),
    )


def _check(frames: NDArray, coil_maps: NDArray, spokes_per_frame: int, snr: float) -> None:
    if frames.ndim != 3 or frames.shape[1] != frames.shape[2] or 0 in frames.shape:
        raise ValueError(f"frames must have axes (frame, y, x) and be square, got shape {frames.shape}")
    if coil_maps.ndim != 3 or coil_maps.shape[1:] != frames.shape[1:]:
        raise ValueError(f"coil_maps must fit frames {frames.shape[1:]}, got shape {coil_maps.shape}")
    if not np.isfinite(frames).all() or not np.any(frames):
        raise ValueError("frames must be finite and not all zero, got others")
    if spokes_per_frame < 1:
        raise ValueError(f"spokes_per_frame must be at least 1, got {spokes_per_frame}")
    if not snr > 0:
        raise ValueError(f"snr must be positive, got {snr}")

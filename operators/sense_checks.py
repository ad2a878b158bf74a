"""Refusals of what operators of MRI are made from."""

from __future__ import annotations

from torch import Tensor


def check_trajectory(trajectory: Tensor, shape: tuple[int, int]) -> None:
    """Raise ValueError unless ``trajectory`` is real (sample, 2), finite and within ±(n/2 + 1)."""
    if not trajectory.is_floating_point():
        raise ValueError(f"trajectory must be float32 or float64, got {trajectory.dtype}")
    if trajectory.ndim != 2 or trajectory.shape[1] != 2 or not len(trajectory):
        raise ValueError(f"trajectory must have shape (sample, 2), got {tuple(trajectory.shape)}")
    if not bool(trajectory.isfinite().all()):
        raise ValueError(f"trajectory must be finite, got {int((~trajectory.isfinite()).sum())} that are not")
    for name, axis, n in (("ky", 0, shape[0]), ("kx", 1, shape[1])):
        largest = float(trajectory[:, axis].abs().max())
        if largest > n / 2 + 1:
            raise ValueError(
                f"trajectory must lie within ±{n / 2:g} cycles per field of view in {name}, got {largest:g}"
            )


def check_weights(weights: Tensor, n_samples: int) -> None:
    """Raise ValueError unless ``weights`` is real (sample,), finite and not negative."""
    if not weights.is_floating_point():
        raise ValueError(f"weights must be float32 or float64, got {weights.dtype}")
    if tuple(weights.shape) != (n_samples,):
        raise ValueError(f"weights must have shape ({n_samples},), got {tuple(weights.shape)}")
    if not bool((weights.isfinite() & (weights >= 0)).all()):
        raise ValueError(f"weights must be finite and at least 0, got {float(weights.min()):g} as the least")


def check_coil_maps(coil_maps: Tensor) -> None:
    """Raise ValueError unless ``coil_maps`` is complex (coil, ny, nx)."""
    if not coil_maps.is_complex():
        raise ValueError(f"coil_maps must be complex, got {coil_maps.dtype}")
    if coil_maps.ndim != 3 or coil_maps.numel() == 0:
        raise ValueError(f"coil_maps must have shape (coil, ny, nx), got {tuple(coil_maps.shape)}")

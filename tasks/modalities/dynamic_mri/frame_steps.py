"""Which samples of each frame a method is given, and spokes cut into frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proxflow.configs.prepare import KeepSpokes, UndersampleFrames
from proxflow.data.masks.acceleration import acceleration
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.cartesian.undersampling import undersampling_mask
from proxflow.tasks.modalities.radial.spokes import chosen_spokes


def undersampled_frames(step: UndersampleFrames, kept: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], str]:
    """Another pattern for each frame of ``kept`` (frame, ky, kx), and a note; RequestError where a pattern
    needs a sample that is not in it."""
    shape = (kept.shape[1], kept.shape[2])
    masks = np.stack(
        [
            undersampling_mask(step.model_copy(update={"seed": step.seed + frame}), shape)
            for frame in range(len(kept))
        ]
    )
    missing = masks & ~kept
    if missing.any():
        raise RequestError(
            f"prepare undersample_frames must keep measured samples only, but {int(missing.sum())} of its "
            f"{int(masks.sum())} positions were not measured"
        )
    pattern, last = step.pattern.replace("_", " "), step.seed + len(kept) - 1
    return masks, (
        f"each frame retrospectively undersampled by a pattern of its own: {pattern}, "
        f"R = {acceleration(masks):.3f}, seeds {step.seed} to {last}"
    )


def kept_spokes(
    step: KeepSpokes, kept: NDArray[np.bool_], trajectory: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], str]:
    """``step.n_spokes`` of those ``kept`` (frame, spoke) in each frame, and a note; RequestError where a
    frame has fewer."""
    chosen = np.zeros_like(kept)
    for frame, spokes in enumerate(kept):
        candidates = np.flatnonzero(spokes)
        if len(candidates) < step.n_spokes:
            raise RequestError(
                f"prepare keep_spokes n_spokes must be at most {len(candidates)}, the spokes of frame "
                f"{frame}, got {step.n_spokes}"
            )
        chosen[frame, chosen_spokes(trajectory[frame], candidates, step.n_spokes, step.which)] = True
    how = "spread over their angles" if step.which == "spread" else "the first"
    return chosen, f"{step.n_spokes} spokes kept of each frame, {how}"


def bin_spokes(array: Tensor, spokes_per_frame: int, axis: int) -> Tensor:
    """``array`` (…, frame, spoke, …), frames along ``axis``, as (…, frame', ``spokes_per_frame``, …) in the
    order measured, without the last few that fill no frame."""
    spokes = array.flatten(axis, axis + 1)
    n_frames = spokes.shape[axis] // spokes_per_frame
    whole = spokes.narrow(axis, 0, n_frames * spokes_per_frame)
    return whole.unflatten(axis, (n_frames, spokes_per_frame))

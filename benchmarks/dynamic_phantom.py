"""The moving phantom on which methods for series are compared: `python -m benchmarks.dynamic_phantom`.

It is made of data that ship: the chest of the sample ``dynamic-ct-lung`` at rest, a real slice of CT. The
authors' walnut does not ship. With an amplitude of 9 the projections need about as many functions of time as
the walnut's: the command prints both.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.open_scan import open_scan
from proxflow.operators.bilinear_radon import BilinearRadon
from proxflow.tasks.simulation.breathing_motion import breathing_motion
from proxflow.tasks.simulation.contrast_passage import contrast_passage
from proxflow.tasks.simulation.dynamic_ct import inside_circle, simulate_dynamic_ct
from proxflow.tasks.simulation.piecewise_affine_motion import piecewise_affine_motion

SAMPLE = "sample://dynamic-ct-lung"
AMPLITUDE = 9.0  # a of the authors' warp at the end of the series, in rows of an image of 64
MOTIONS = ("waves", "breathing", "contrast")
BREATH, BREATHS = 10.0, 2.0  # pixels of 128, cycles
RANKS = (1, 2, 3, 4, 5, 6, 7, 8, 11)
WALNUT = (
    0.158,
    0.088,
    0.052,
    0.034,
    0.024,
    0.017,
    0.0129,
    0.0102,
    0.0061,
)  # measured on the authors' sinogram
INSTANTS = 32  # and views, of the table of ranks


def still_slice(size: int = 128) -> tuple[NDArray[np.float64], float]:
    """The chest at rest, (size, size) in 1/mm with means over pixels of 128 x 128, and the size of its pixels
    in mm."""
    with open_scan(SAMPLE) as opened:
        scan = opened.read([0])
    still = scan.reference[0, 0].astype(np.float64)
    each = len(still) // size
    still = still.reshape(size, each, size, each).mean((1, 3))
    return still, each * float(scan.image_pixel_mm)


def phantom_frames(n_frames: int, motion: str = "waves", size: int = 128) -> NDArray[np.float64]:
    """Frames (T, size, size), 1/mm: "waves", the authors' warp with its squeeze; "breathing"; or "contrast",
    an agent that passes through the chest, where nothing moves.

    Frame q of T is frame k q of k T.
    """
    still, _ = still_slice(size)
    if motion == "breathing":
        return breathing_motion(
            still, n_frames, amplitude=BREATH * size / 128, cycles=BREATHS, irregularity=0.3
        )
    if motion == "contrast":
        return contrast_passage(still, n_frames)
    if motion != "waves":
        raise ValueError(f"motion must be one of {', '.join(MOTIONS)}, got {motion}")
    return piecewise_affine_motion(still, n_frames, amplitude=AMPLITUDE)


def dynamic_phantom(
    seed: int, n_frames: int = 128, motion: str = "waves", noise: float = 5e-3, size: int = 128
) -> DynamicSinogram:
    """One bit-reversed view of each of ``n_frames`` frames (a power of two) with noise of ``seed``.

    The noise and the schedule are the authors', as in ``simulate_dynamic_ct``; the true frames are the
    reference. The bilinear model makes the views: reconstruct with ``FrameProjections(model="bilinear")``.
    """
    _, pixel_mm = still_slice(size)
    source = {
        "title": f"moving chest, {motion}, noise of seed {seed}",
        "changes": f"Simulated, not measured, by benchmarks/dynamic_phantom.py from {SAMPLE}",
    }
    frames = phantom_frames(n_frames, motion, size)
    return simulate_dynamic_ct(frames, pixel_size_mm=pixel_mm, noise=noise, seed=seed, source=source)


def rank_errors(frames: NDArray[np.float64]) -> list[float]:
    """Relative error of the best approximation of each of ``RANKS`` to 32 views of 32 of the frames."""
    size, at = frames.shape[-1], np.arange(0, len(frames), max(1, len(frames) // INSTANTS))[:INSTANTS]
    beam = BilinearRadon((size, size), np.pi * np.arange(INSTANTS) / INSTANTS)
    seen = beam.forward(torch.from_numpy(np.where(inside_circle(size), frames[at], 0.0)))
    values = np.linalg.svd(seen.reshape(len(at), -1).numpy(), compute_uv=False)
    return [float(np.linalg.norm(values[rank:]) / np.linalg.norm(values)) for rank in RANKS]


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("rank        " + "".join(f"{rank:>8}" for rank in RANKS))
    print("walnut      " + "".join(f"{error:8.4f}" for error in WALNUT))
    for motion in MOTIONS:
        errors = rank_errors(phantom_frames(INSTANTS, motion))
        print(f"{motion:12}" + "".join(f"{error:8.4f}" for error in errors))


if __name__ == "__main__":
    main()

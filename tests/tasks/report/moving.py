"""A made-up run of a series: a disc that breathes, and two methods that see it with more or less noise."""

from __future__ import annotations

import dataclasses

import numpy as np

from proxflow.models.metrics.evaluate import evaluate_images
from proxflow.tasks.report.inputs import MethodResult, ReportInputs
from proxflow.tasks.stages.report_series import series_of

N_FRAMES = 12
METHODS = (("framewise_fbp", 0.3, 1), ("red_psm", 0.04, 30))


def breathing_disc(n_frames: int, ny: int, nx: int) -> np.ndarray:
    """float32 (frame, y, x): a disc whose radius changes, a small one that moves down, on zeros."""
    y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
    frames = []
    for t in np.linspace(0, 1, n_frames):
        disc = (np.hypot(y, x) < 0.6 + 0.2 * np.sin(2 * np.pi * t)).astype(float)
        spot = np.hypot(y - 0.5 * t + 0.2, x - 0.1) < 0.15
        frames.append(disc + 0.8 * spot)
    return np.stack(frames).astype(np.float32)


def moving_inputs(
    like: ReportInputs,
    *,
    n_frames: int = N_FRAMES,
    size: tuple[int, int] = (24, 18),
    items: int = 1,
    methods: tuple[tuple[str, float, int], ...] = METHODS,
    reference: bool = True,
    complex_values: bool = False,
) -> ReportInputs:
    """A run of ``items`` series on the page of ``like``."""
    rng = np.random.default_rng(3)
    truth = np.concatenate([breathing_disc(n_frames, *size)] * items)
    if complex_values:
        truth = truth * np.exp(1j * np.linspace(-1, 1, size[1])).astype(np.complex64)
    shown = tuple(range(0, items * n_frames, 3))
    images, results = {}, []
    for name, level, n_iter in methods:
        image = (truth + level * rng.standard_normal(truth.shape)).astype(truth.dtype)
        images[name] = image
        found = evaluate_images(image, truth, names=("psnr", "ssim", "hfen"), planes=n_frames, series=True)
        k = np.arange(1, n_iter + 1)
        trace = {"objective": 5.0 / k + 1, "relative_change": 0.5**k, "data_residual": 0.1 + 1 / k}
        curves: dict[str, list[list[float]]] = {}
        if n_iter > 1:
            trace |= {"held_out_residual": 0.15 + 1 / k + k / 300, "primal_residual": 0.8**k}
            trace["dual_norm"] = 1 - 0.9**k
            phase = np.linspace(0, 1, n_frames)
            curves["temporal_functions"] = [np.cos(np.pi * j * phase).tolist() for j in range(4)]
        metrics = found if reference else {}
        config = {"n_iter": n_iter}
        results.append(MethodResult(name, image[list(shown)], metrics, trace, config, 0.5, n_iter, curves))
    labels = tuple(f"slice {item}" for item in range(items))
    return dataclasses.replace(
        like,
        title="A disc that breathes",
        modality="ct-dynamic",
        methods=tuple(results),
        reference=truth[list(shown)] if reference else None,
        region=None,
        region_text="full image, 100.0% of the pixels",
        coil_maps=None,
        mask=None,
        acceleration=None,
        item_labels=labels,
        shown=tuple(plane // n_frames for plane in shown),
        shown_labels=tuple(f"frame {plane % n_frames + 1} of {n_frames}" for plane in shown),
        shown_frames=tuple(plane % n_frames for plane in shown),
        series=series_of(images, truth if reference else None, n_frames),
        voxel_size_mm=(1.0, 1.0, 1.0),
        unit="1/mm",
    )

"""Memory and time of a run before it is started, from shapes and a short measurement.

Memory of a stage is what the process holds at its peak: ``base_bytes`` (Python, torch and what else is
loaded), freed blocks that the allocator keeps (as large as the arrays of earlier stages, ``HEAP_BYTES`` at
most), and its arrays. With N items, C coils, P = ky kx points, c = 8 bytes (complex64), w = 8 or 16
bytes (the working precision), M methods:

    ingest       3 C P c + N P             one item as stored, sorted and written, and the masks
    prepare      4 C P c + 3 N P           one item through the steps, and the masks before and after
    calibrate    4 C P c + 5 (36 C)^2 2c   one item and its maps; ESPIRiT's kernel matrices
    reconstruct  5 C P w + 30 P w          samples, scaled copy, maps and their products; iterates
    hold_out     the same
    evaluate     N P (2 c + 56) + 7 C P c  image and reference of all items, their magnitudes in float64
    report       N P c (M + 3) + 3 C P c   all images and what is drawn of them

Time is the reading of an item (measured), 1 / ``DISK_RATE`` a byte for what is read and written,
the calibration timed on small images, and for a method n_iter iterations of one ``normal`` plus the
rest of its iteration, both measured. A method that converges sooner takes less: it is an upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.tasks.scan_fit import ScanFit
from proxflow.tasks.stages.solve import DTYPES
from proxflow.tasks.timing_probe import calibration_seconds, iteration_seconds, normal_seconds

COMPLEX_BYTES = 8
DISK_RATE = 300e6  # bytes a second through HDF5, two checksums and fsync
TORCH_SECONDS = 1.5  # loading torch, which `prepare` is the first to need
STAGE_SECONDS = 0.02  # opening, sealing and syncing an artefact
SINGLE_APPLICATIONS = 2.0  # adjoints for scale and start, forward for the misfit, counted in normals
EVALUATE_SECONDS = 0.5, 0.6e-6  # loading scikit-image once, then each pixel of each method
REPORT_SECONDS = 0.5, 1.0e-6
PRESENTATION_BYTES = 40 << 20  # scikit-image, Jinja and Pillow, loaded by the last stages
HEAP_BYTES = 64 << 20  # freed blocks that glibc kept, seen with 13 x 224 x 224 and 16 x 320 x 320 samples


@dataclass(frozen=True)
class StageEstimate:
    """What a stage is expected to take if it is computed. ``seconds`` counts every iteration: a method that
    converges early takes less."""

    label: str
    memory_bytes: int
    seconds: float


def estimate_run(
    recipe: Recipe, methods: Sequence[MethodConfig], fit: ScanFit, device: str, base_bytes: int
) -> list[StageEstimate]:
    """One estimate per stage of the run, in order; see the module's text for the formulas.

    RequestError where a method or the calibration refuses its numbers for this scan.
    """
    n_items, n_coils, ny, nx = fit.shape
    points = ny * nx
    raw = fit.info.shape[1] * fit.info.shape[2] * fit.info.shape[3] * COMPLEX_BYTES
    item = n_coils * points * COMPLEX_BYTES
    work = DTYPES[recipe.runtime.precision].itemsize
    kernel = 5 * (36 * n_coils) ** 2 * 2 * COMPLEX_BYTES if recipe.calibrate.kind == "espirit" else 0
    solving = 5 * n_coils * points * work + 30 * points * work
    judging = n_items * points * (2 * COMPLEX_BYTES + 56) + 7 * item + PRESENTATION_BYTES
    drawing = n_items * points * COMPLEX_BYTES * (len(methods) + 3) + 3 * item + PRESENTATION_BYTES
    pixels = n_items * points * len(methods)
    io = n_items * item / DISK_RATE
    rows = [
        ("ingest", 3 * raw + n_items * points, n_items * (fit.read_seconds + raw / DISK_RATE)),
        (
            "prepare",
            max(3 * raw, 4 * item) + 3 * n_items * points,
            TORCH_SECONDS + fit.steps_seconds + n_items * fit.prepare_seconds + 2 * io,
        ),
        ("calibrate", 4 * item + kernel, n_items * _calibration(recipe, fit, device) + 2 * io),
    ]
    for config, seconds in zip(methods, _solving(recipe, methods, fit, device), strict=True):
        rows.append((f"reconstruct:{config.method}", solving, n_items * seconds + 2 * io))
        if recipe.evaluate.held_out_fraction:
            rows.append((f"hold_out:{config.method}", solving, n_items * seconds + 2 * io))
    rows += [
        ("evaluate", judging, EVALUATE_SECONDS[0] + EVALUATE_SECONDS[1] * pixels),
        ("report", drawing, REPORT_SECONDS[0] + REPORT_SECONDS[1] * pixels),
    ]
    estimates, kept = [], 0
    for label, memory, seconds in rows:
        estimates.append(StageEstimate(label, base_bytes + kept + memory, seconds + STAGE_SECONDS))
        kept = max(kept, min(memory, HEAP_BYTES))
    return estimates


def store_bytes(methods: Sequence[MethodConfig], fit: ScanFit) -> int:
    """What a run adds to the store at most: samples twice, maps, and an image per method."""
    n_items, n_coils, ny, nx = fit.shape
    raw = n_items * fit.info.shape[1] * fit.info.shape[2] * fit.info.shape[3]
    return COMPLEX_BYTES * (raw + 2 * n_items * n_coils * ny * nx + (len(methods) + 1) * n_items * ny * nx)


def resident_bytes() -> int:
    """What this process holds in memory now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status must have a line VmRSS")


def available_bytes() -> int:
    """Memory a new process can have without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo must have a line MemAvailable")


def _calibration(recipe: Recipe, fit: ScanFit, device: str) -> float:
    if recipe.calibrate.kind == "given" or fit.acs is None:
        return 0.0
    return calibration_seconds(recipe.calibrate, fit.samples, fit.acs, device)


def _solving(recipe: Recipe, methods: Sequence[MethodConfig], fit: ScanFit, device: str) -> list[float]:
    """Seconds per item of each method."""
    dtype, shape = DTYPES[recipe.runtime.precision], (fit.shape[2], fit.shape[3])
    normal = normal_seconds(torch.from_numpy(fit.mask), fit.shape[1], dtype, device)
    return [
        SINGLE_APPLICATIONS * normal
        + getattr(config, "n_iter", 0) * (normal + iteration_seconds(config, shape, dtype, device))
        for config in methods
    ]

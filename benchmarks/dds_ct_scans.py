"""Scans of tomography for `dds_ct_table`: simulated of held-out images on a finer grid, and measured."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.dds_contenders import Posed
from proxflow.data.open_scan import open_scan
from proxflow.data.sinogram import Sinogram
from proxflow.data.still_images import read_still_images
from proxflow.models.methods.fbp import fbp_image
from proxflow.models.tomography.noise import detector_noise_std
from proxflow.operators.base import LinearOperator
from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.operator_norm import operator_norm
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.tasks.simulation.attenuation import attenuation_of_hu

PHOTONS = 1e6  # a column and view, without object: 0.1 % of noise beside the body, a few % behind it
FIELD_MM = 75.9  # of the discs, of 70 mm
FINER = 4  # pixels of the reference to one of the image's


class Fine(NamedTuple):
    """attenuation: 1/mm, float32 (z, y, x), square slices.  pixel_mm: in a slice.

    by: how many slices make one of the image that is looked for, and how many pixels along y and along x.
    """

    attenuation: NDArray[np.float32]
    pixel_mm: float
    by: tuple[int, int]


class Slices(LinearOperator):
    """A of each slice: x (*batch, z, y, x) to y (*batch, z, *range of A)."""

    def __init__(self, operator: LinearOperator, n_slices: int) -> None:
        super().__init__()
        self.operator = operator
        self.domain_shape = (n_slices, *operator.domain_shape)
        self.range_shape = (n_slices, *operator.range_shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.operator.forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.operator.adjoint(y)


def body_slice(file: Path, subject: str, number: int, side: int) -> Fine:
    """Slice ``number`` of a subject, from an HDF5 file of Hounsfield units, ``hu`` (slice, y, x).

    SystemExit where its side is no multiple of ``side``.
    """
    with h5py.File(file) as held:
        patients = held["patient"].asstr()[:] if "patient" in held else None
        index = number if patients is None else int(np.flatnonzero(patients == subject)[number])
        hu = held["hu"][index]
        pixels = np.atleast_1d(held["pixel_mm"][()])
    if hu.shape[-1] % side:
        raise SystemExit(f"side must divide {hu.shape[-1]}, got {side}")
    pixel_mm = float(pixels[index if len(pixels) > 1 else 0])
    return Fine(attenuation_of_hu(hu)[None].astype(np.float32), pixel_mm, (1, hu.shape[-1] // side))


def body_volume(source: str, voxel_mm: float, first: int, n_slices: int, side: int) -> Fine:
    """Slices ``first`` to ``first + n_slices`` of a volume in Hounsfield units, each of two of its own, and
    pixels of two by two; air is put around it to make twice ``side`` pixels.
    """
    (slices,) = read_still_images(source).values()
    volume = attenuation_of_hu(np.stack(slices[2 * first : 2 * (first + n_slices)]))
    spare = [2 * side - n for n in volume.shape[1:]]
    if min(spare) < 0 or len(volume) < 2 * n_slices:
        raise SystemExit(
            f"volume must have {2 * (first + n_slices)} slices of at most {2 * side} pixels a side, got "
            f"{len(slices)} of {volume.shape[1:]}"
        )
    around = [(0, 0), *((n // 2, n - n // 2) for n in spare)]
    return Fine(np.pad(volume, around).astype(np.float32), voxel_mm, (2, 2))


def simulated(fine: Fine, angles_rad: NDArray[np.float64], seed: int) -> Posed:
    """Parallel rays through the fine image, y = -log(N / N0), N Poisson with the mean of N0 exp(-integral)
    over the rays that one column of the detector, and one of its rows, takes in.

    The image that is looked for has ``by`` times larger pixels and slices; the reference is the mean over
    each. Noise is known from the counts: Var y = 1 / N.
    """
    n_thin, n_fine = len(fine.attenuation), fine.attenuation.shape[-1]
    thick, by = fine.by
    side, n_slices, pixel_mm = n_fine // by, n_thin // thick, by * fine.pixel_mm
    n_columns = 2 * ceil(side / 2**0.5) + 2  # the diagonal
    rays = ParallelBeam((n_fine, n_fine), angles_rad, by * n_columns, pixel_size_mm=fine.pixel_mm)
    integrals = rays.forward(torch.from_numpy(fine.attenuation)).numpy().astype(np.float64)
    parts = np.exp(-integrals).reshape(n_slices, thick, len(angles_rad), n_columns, by)
    counts = np.random.default_rng(seed).poisson(PHOTONS * parts.mean((1, 4))).clip(1)
    y = torch.from_numpy(-np.log(counts / PHOTONS)).float()
    reference = fine.attenuation.reshape(n_slices, thick, side, by, side, by).mean((1, 3, 5))
    operator = ParallelBeam((side, side), angles_rad, n_columns, pixel_size_mm=pixel_mm)
    level = float(np.sqrt(np.mean(1 / counts)))
    posed = Posed(operator, y[0], norm_of(operator), reference, item=seed, noise_std=level)
    if n_slices == 1:
        return posed
    return Posed(
        Slices(operator, n_slices), y, posed.norm, reference, direct=operator, item=seed, noise_std=level
    )


def measured(file: Path, views: NDArray[np.int64], side: int, item: int) -> Posed:
    """The views of a fan-beam scan of the Helsinki tomography challenge; the reference is the filtered
    back-projection, with a Hann window, of all of them, by pixels of the detector's pitch, and the mean over
    those. It is judged in the circle that every view sees. Noise is told from the views given."""
    scan = _scan(file)
    geometry = scan.geometry
    samples = torch.from_numpy(scan.samples[0]).float()
    n_columns, column_mm, axis_column = samples.shape[-1], geometry.column_size_mm, geometry.axis_column
    source_origin, source_detector = geometry.source_origin_mm, geometry.source_detector_mm
    assert column_mm is not None and axis_column is not None
    assert source_origin is not None and source_detector is not None

    def operator_of(n: int) -> FanBeam:
        return FanBeam(
            (n, n),
            geometry.angles_rad,
            n_columns,
            source_origin_mm=source_origin,
            source_detector_mm=source_detector,
            column_size_mm=column_mm,
            pixel_size_mm=FIELD_MM / n,
            detector_offset_mm=((n_columns - 1) / 2 - axis_column) * column_mm,
        )

    fine = fbp_image(operator_of(FINER * side), samples, "hann").numpy()
    reference = fine.reshape(1, side, FINER, side, FINER).mean((2, 4))
    operator, y = operator_of(side).with_angles(views), samples[views]
    axis = np.arange(side) - (side - 1) / 2
    region = np.hypot(axis[:, None], axis) <= side / 2
    level = detector_noise_std(y.numpy())
    return Posed(operator, y, norm_of(operator), reference, region, item=item, noise_std=level)


@lru_cache(maxsize=2)
def _scan(file: Path) -> Sinogram:
    scan = open_scan(str(file)).read([0])
    assert isinstance(scan, Sinogram)
    return scan


def norm_of(operator: LinearOperator) -> float:
    """||A|| with the margin that a power iteration needs."""
    return 1.02 * operator_norm(operator, n_iter=15, tol=1e-3, dtype=torch.float32)

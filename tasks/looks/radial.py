"""A look at non-Cartesian MRI: spokes against what full sampling takes, noise, the gridded image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proxflow.data.kspace import Geometry
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.scan import Scan
from proxflow.operators.density_compensation import pipe_menon_density, radial_density
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.tasks.looks.base import Facts, Look, shape_text
from proxflow.tasks.looks.cartesian import noise_text, size_text
from proxflow.tasks.looks.panel import Panel, image_panel, magnitude_panel
from proxflow.tasks.looks.whitenable import can_whiten
from proxflow.tasks.modalities.radial.noise import noise_level

DECADES = 4.0
DENSITY_ITERATIONS = 8  # of a picture's density compensation


@dataclass(frozen=True)
class RadialLook(Look):
    """One item of readouts along a trajectory.

    Attributes:
        samples: complex (coil, spoke, readout).
        trajectory: float (spoke, readout, 2), (ky, kx) in cycles per field of view.
        density: float64 (spoke, readout), area of k-space that each sample stands for; None where the
            readouts are not straight spokes through the centre.
    """

    samples: NDArray[np.complexfloating]
    trajectory: NDArray[np.floating]
    density: torch.Tensor | None
    noise_std: float
    noise_source: str
    can_whiten: bool

    @property
    def geometry(self) -> Geometry:
        return self.info.image_geometry

    @property
    def n_spokes(self) -> int:
        return self.trajectory.shape[0]

    @property
    def nyquist_spokes(self) -> int:
        """Spokes whose ends are no further apart than samples of the Cartesian grid: pi/2 n."""
        return int(np.ceil(np.pi / 2 * max(self.geometry.matrix)))

    @property
    def extent(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """((least, greatest) ky, (least, greatest) kx) in cycles per field of view."""
        low, high = self.trajectory.min(axis=(0, 1)), self.trajectory.max(axis=(0, 1))
        return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))

    @property
    def step(self) -> float:
        """Usual distance between neighbouring samples of a readout, cycles per field of view."""
        return float(np.median(np.linalg.norm(np.diff(self.trajectory, axis=1), axis=-1)))

    def own_facts(self) -> Facts:
        matrix = self.geometry.matrix
        return [
            ("k-space", shape_text(self.info)),
            ("image", f"{matrix[0]} x {matrix[1]} (y, x)"),
            ("size", size_text(self.geometry)),
            ("trajectory", self._trajectory()),
            ("spokes", self._spokes()),
            ("noise", noise_text(self.info.has_noise, self.noise_std, self.noise_source)),
        ]

    def own_numbers(self) -> dict[str, Any]:
        return {
            "geometry": asdict(self.geometry) | {"voxel_size_mm": self.geometry.voxel_size_mm},
            "straight_spokes": self.density is not None,
            "trajectory_extent": [list(axis) for axis in self.extent],
            "trajectory_step": self.step,
            "nyquist_spokes": self.nyquist_spokes,
            "acceleration": self.nyquist_spokes / self.n_spokes,
            "has_noise": self.info.has_noise,
            "noise_std": self.noise_std,
            "noise_source": self.noise_source,
        }

    def reference_text(self) -> str:
        return "an image came with the scan" if self.info.has_reference else "none in the file"

    def panels(self) -> tuple[Panel, ...]:
        voxel = self.geometry.voxel_size_mm
        spectrum = np.linalg.norm(self.samples, axis=0)
        return (
            image_panel(
                f"gridded image, item {self.item}",
                gridded(self.samples, self.trajectory, self.density, self.geometry.matrix),
                voxel[1] / voxel[2] if voxel else 1.0,
            ),
            magnitude_panel("|k-space|, spokes down, readout across", spectrum, decades=DECADES),
        )

    def _trajectory(self) -> str:
        (y0, y1), (x0, x1) = self.extent
        ny, nx = self.geometry.matrix
        finer = 1 / self.step if self.step else 1.0
        oversampled = f", readouts oversampled {finer:.3g} times" if finer > 1.01 else ""
        return (
            f"ky {y0:.4g} to {y1:.4g}, kx {x0:.4g} to {x1:.4g} cycles per field of view (the matrix reaches "
            f"±{ny / 2:g} and ±{nx / 2:g}), in steps of {self.step:.3g}{oversampled}"
        )

    def _spokes(self) -> str:
        if self.density is None:
            return "the readouts are not straight spokes through the centre of k-space"
        needed, ratio = self.nyquist_spokes, self.nyquist_spokes / self.n_spokes
        what = f"{ratio:.3g} times undersampled" if ratio > 1 else "sampled in full"
        n = max(self.geometry.matrix)
        return f"{self.n_spokes}; a matrix of {n} takes {needed} (pi/2 n): {what}"


def look_at_radial(scan: Scan, item: int) -> RadialLook:
    """Look at one item; ScanError if it is unsound."""
    kspace = scan.read([item])
    assert isinstance(kspace, RadialKSpace)
    noise = None if kspace.noise is None else torch.from_numpy(kspace.noise)
    level, source = noise_level(torch.from_numpy(kspace.samples[0]), noise, whitened=False)
    try:
        density = radial_density(torch.from_numpy(kspace.trajectory))
    except ValueError:  # spirals, for instance
        density = None
    return RadialLook(
        info=scan.info,
        item=item,
        samples=kspace.samples[0],
        trajectory=kspace.trajectory,
        density=density,
        noise_std=level,
        noise_source=source,
        can_whiten=can_whiten(noise),
    )


def gridded(
    samples: NDArray[np.complexfloating],
    trajectory: NDArray[np.floating],
    density: torch.Tensor | None,
    matrix: tuple[int, int],
) -> NDArray[np.floating]:
    """Root sum of squares over coils of the density-compensated coil images, (y, x)."""
    inside = torch.from_numpy((np.abs(trajectory) <= np.array(matrix) / 2).all(axis=-1))
    points = torch.from_numpy(trajectory)[inside]
    if density is None:
        weights = pipe_menon_density(points, matrix, n_iter=DENSITY_ITERATIONS)
    else:
        weights = density[inside]
    y = torch.from_numpy(samples)[:, inside].to(torch.complex64)
    one_coil = torch.ones((1, *matrix), dtype=torch.complex64)
    images = NonCartesianSense(points, one_coil).adjoint((weights.float() * y)[:, None])
    return torch.linalg.vector_norm(images, dim=0).numpy()

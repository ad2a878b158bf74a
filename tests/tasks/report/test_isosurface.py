"""Surfaces of equal value: their place, size and sides."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.report.isosurface import MOST_VOXELS, Mesh, isosurface

VOXEL = (2.0, 1.0, 0.5)  # z, y, x
CENTRE = (10.0, -3.0, 4.0)


def cone(shape: tuple[int, int, int], radius: float) -> np.ndarray:
    """1 - r / radius around the middle of the box of ``VOXEL``."""
    axes = [(np.arange(n) - (n - 1) / 2) * edge for n, edge in zip(shape, VOXEL, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.maximum(0, 1 - np.sqrt(z**2 + y**2 + x**2) / radius)


def enclosed(mesh: Mesh) -> float:
    """The volume within a closed mesh: the sum of its signed tetrahedra."""
    a, b, c = (mesh.points[mesh.faces[:, corner]].astype(float) for corner in range(3))
    return abs(float(np.einsum("fk,fk->", a, np.cross(b, c)))) / 6


def test_surface_of_a_cone_is_a_sphere_in_mm() -> None:
    mesh = isosurface(cone((21, 41, 83), 16.0), 0.5, VOXEL, CENTRE)
    away = mesh.points - np.array(CENTRE[::-1])
    assert np.linalg.norm(away, axis=1) == pytest.approx(8.0, abs=0.15)
    assert enclosed(mesh) == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.03)
    outwards = (mesh.normals * away).sum(1) / np.linalg.norm(away, axis=1)
    assert outwards.min() > 0.85 and outwards.mean() > 0.98  # away from the larger values, in mm


def test_surface_is_closed_also_where_it_leaves_the_box() -> None:
    rng = np.random.default_rng(0)
    mesh = isosurface(rng.random((5, 6, 7)), 0.6, VOXEL, CENTRE)
    edges = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]))
    assert (np.unique(edges, axis=0, return_counts=True)[1] % 2 == 0).all()
    half = np.array([7 * 0.5, 6 * 1.0, 5 * 2.0]) / 2
    assert (np.abs(mesh.points - np.array(CENTRE[::-1])) <= half + 1e-5).all()


def test_full_box_is_its_own_surface() -> None:
    mesh = isosurface(np.ones((4, 5, 6)), 0.3, VOXEL, CENTRE)
    assert mesh.points.min(0) == pytest.approx([4 - 1.5, -3 - 2.5, 10 - 4])
    assert mesh.points.max(0) == pytest.approx([4 + 1.5, -3 + 2.5, 10 + 4])


def test_one_voxel_lies_where_it_is() -> None:
    volume = np.zeros((4, 5, 6))
    volume[3, 1, 2] = 7.0
    mesh = isosurface(volume, 4.2, VOXEL, (0.0, 0.0, 0.0))
    assert mesh.points.mean(0) == pytest.approx([-0.25, -1.0, 3.0])
    assert np.ptp(mesh.points, axis=0) == pytest.approx(
        2 * 0.4 * np.array(VOXEL[::-1])
    )  # half way, as 0.6 up
    assert np.isfinite(isosurface(np.ones((1, 1, 1)), 0.5, VOXEL, CENTRE).normals).all()


def test_fine_volume_is_made_coarser_by_its_maxima() -> None:
    volume = np.zeros((3, 2 * MOST_VOXELS + 1, 4))
    volume[1, -1, 2] = 1.0
    mesh = isosurface(volume, 0.5, VOXEL, (0.0, 0.0, 0.0))
    last = (2 * MOST_VOXELS + 1) / 2
    assert mesh.points[:, 1].max() == pytest.approx(last) and mesh.points[:, 1].min() > last - 4


def test_nothing_above_the_level_is_no_surface() -> None:
    assert len(isosurface(np.zeros((3, 3, 3)), 0.5, VOXEL, CENTRE).faces) == 0
    with pytest.raises(ValueError, match=r"level must be above 0, got 0"):
        isosurface(np.ones((3, 3, 3)), 0.0, VOXEL, CENTRE)

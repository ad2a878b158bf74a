"""Which triangle a pixel shows, against a plain loop over pixels."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.tasks.report import depth_buffer
from proxflow.tasks.report.depth_buffer import nearest_surface

SIZE = (23, 31)


def brute_force(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth and index of the nearest face at each pixel, one at a time in double precision."""
    depth, which = np.full(SIZE, -np.inf), np.full(SIZE, -1)
    for index, face in enumerate(faces):
        a, b, c = points[face].astype(float)
        sides = np.array([b[:2] - a[:2], c[:2] - a[:2]]).T
        for row in range(SIZE[0]):
            for column in range(SIZE[1]):
                s, t = np.linalg.solve(sides, [column + 0.5 - a[0], row + 0.5 - a[1]])
                z = a[2] + s * (b[2] - a[2]) + t * (c[2] - a[2])
                if min(s, t, 1 - s - t) >= 0 and z > depth[row, column]:
                    depth[row, column], which[row, column] = z, index
    return depth, which


@pytest.mark.parametrize("most", [1 << 19, 100])
def test_nearest_of_random_triangles(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(depth_buffer, "MOST_CANDIDATES", most)  # in parts or at once
    rng = np.random.default_rng(2)
    points = rng.uniform((-8, -8, 0), (40, 30, 9), (36, 3))  # some reach beyond the picture
    faces = np.arange(36).reshape(12, 3)
    normals = np.repeat(rng.standard_normal((12, 3)), 3, axis=0)
    seen = nearest_surface(points, normals, faces, SIZE)
    depth, which = brute_force(points, faces)
    assert 0.3 < np.isfinite(depth).mean() < 1 and len(np.unique(which)) > 5
    same = np.isfinite(depth) == np.isfinite(seen.depth)
    assert same.mean() > 0.995  # centres on an edge may fall to either side
    both = np.isfinite(depth) & np.isfinite(seen.depth)
    close = np.isclose(seen.depth[both], depth[both], atol=1e-3)
    assert close.mean() > 0.995
    np.testing.assert_allclose(seen.normals[both][close], normals[3 * which[both][close]], atol=1e-4)
    assert not seen.normals[~np.isfinite(seen.depth)].any()


def test_neighbours_leave_no_gap_and_normals_are_linear() -> None:
    x, y = np.meshgrid(np.linspace(3.3, 27.9, 6), np.linspace(2.7, 19.2, 5))
    points = np.stack([x.ravel(), y.ravel(), (2 * x - y).ravel()], 1)
    corner = (np.arange(4)[:, None] * 6 + np.arange(5)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + 6], 1), np.stack([corner + 7, corner + 6, corner + 1], 1)]
    )
    seen = nearest_surface(points, points, faces, SIZE)
    rows, columns = (
        np.flatnonzero(np.isfinite(seen.depth).any(1)),
        np.flatnonzero(np.isfinite(seen.depth).any(0)),
    )
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (3, 18, 3, 27)
    inside = np.ix_(rows, columns)
    assert np.isfinite(seen.depth[inside]).all()
    row, column = np.meshgrid(rows + 0.5, columns + 0.5, indexing="ij")
    np.testing.assert_allclose(seen.depth[inside], 2 * column - row, atol=1e-4)
    np.testing.assert_allclose(seen.normals[inside][..., 0], column, atol=1e-4)


def test_edge_on_outside_and_no_triangles_show_nothing() -> None:
    points = np.array([[3, 3, 1], [9, 9, 1], [6, 6, 5], [-9, -9, 0], [-2, -3, 0], [-5, -1, 0]], float)
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    assert not np.isfinite(nearest_surface(points, points, faces, SIZE).depth).any()
    assert not np.isfinite(nearest_surface(points[:0], points[:0], faces[:0], SIZE).depth).any()

import astra
import numpy as np
import pytest
import scipy.sparse
import torch

from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.rays_2d import march, parallel_rays
from proxflow.operators.sparse_projector import SparseProjector, matrix_bytes, ray_matrix

ANGLES = np.array([0.1, 2.9, 1.3, 0.8, 4.0])


@pytest.fixture
def arrays():
    return ray_matrix(march(parallel_rays(ANGLES, 31, column_size=0.8), (17, 22)), 5 * 31)


def as_scipy(arrays):
    return scipy.sparse.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), (5 * 31, 17 * 22))


def astra_matrix():
    volume, rays = astra.create_vol_geom(17, 22), astra.create_proj_geom("parallel", 0.8, 31, ANGLES)
    return astra.matrix.get(astra.projector.matrix(astra.create_projector("linear", rays, volume)))


def test_matrix_equals_astras(arrays):
    expected = astra_matrix()
    assert abs(as_scipy(arrays) - expected).max() < 2e-5
    assert arrays["indptr"].dtype == np.int64
    assert (arrays["indices"].dtype, arrays["data"].dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_slices", [1, 2, 5, 8, 9, 19])
def test_products_equal_scipys(arrays, dtype, n_slices):
    rng = np.random.default_rng(4)
    matrix, projector = as_scipy(arrays).astype(np.float64), SparseProjector(arrays, (17, 22), 155)
    x = rng.standard_normal((n_slices, 17, 22)).astype(dtype)
    y = rng.standard_normal((n_slices, 155)).astype(dtype)
    tolerance = 1e-4 if dtype is np.float32 else 1e-12
    forward, adjoint = projector.forward(x), projector.adjoint(y)
    assert forward.dtype == adjoint.dtype == dtype
    np.testing.assert_allclose(forward, (matrix @ x.reshape(n_slices, -1).T).T, atol=tolerance)
    np.testing.assert_allclose(adjoint.reshape(n_slices, -1), (matrix.T @ y.T).T, atol=tolerance)


def test_memory_is_counted(arrays):
    held = sum(array.nbytes for array in arrays.values())
    assert matrix_bytes(len(arrays["data"]), 155) == held
    with pytest.raises(ValueError, match=r"memory_bytes must be at least \d+ for backend matrix, got 1000"):
        ParallelBeam((17, 22), ANGLES, 31, backend="matrix", memory_bytes=1000)


def test_a_cache_is_asked_by_geometry(rng):
    kept, builds = {}, []

    def cache(key, build):
        if key not in kept:
            builds.append(key)
            kept[key] = build()
        return kept[key]

    x = torch.rand(8, 9, generator=rng)
    number = {"backend": "matrix", "matrix_cache": cache}
    first = ParallelBeam((8, 9), ANGLES, 14, **number)
    again = ParallelBeam((8, 9), ANGLES, 14, **number)
    assert len(builds) == 1
    assert torch.equal(first.forward(x), again.forward(x))
    ParallelBeam((8, 9), ANGLES, 14, detector_offset_mm=1e-6, **number)
    ParallelBeam((8, 9), ANGLES, 14, pixel_size_mm=1.000001, **number)
    ParallelBeam((9, 8), ANGLES, 14, **number)
    first.with_angles([0, 1])
    FanBeam((8, 9), ANGLES, 14, source_origin_mm=50, source_detector_mm=90, column_size_mm=1.8, **number)
    assert len(set(builds)) == 6


def test_arrays_of_another_matrix_are_refused(arrays):
    with pytest.raises(ValueError, match=r"data must have lengths \(141, \d+, \d+\), got \(156, "):
        SparseProjector(arrays, (17, 22), 140)


def test_rays_that_miss_the_image_are_empty_rows():
    A = ParallelBeam((3, 3), [0.0], 9, backend="matrix", detector_offset_mm=100.0)
    assert not A.forward(torch.ones(3, 3)).any()
    assert not A.adjoint(torch.ones(1, 9)).any()

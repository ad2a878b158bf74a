from concurrent.futures import ThreadPoolExecutor

import astra
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import radon

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.parallel_beam import ParallelBeam

ANGLES = np.linspace(0, np.pi, 11, endpoint=False)
BACKENDS = ["rays", "matrix", "torch"]
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]

geometries = st.fixed_dictionaries(
    {
        "shape": st.tuples(st.integers(1, 17), st.integers(1, 17)),
        "angles_rad": st.lists(st.floats(-7, 7), min_size=1, max_size=6),  # any order, repeated too
        "n_columns": st.integers(1, 23),
        "pixel_size_mm": st.floats(0.1, 3),
        "column_size_mm": st.floats(0.1, 3),
        "detector_offset_mm": st.floats(-5, 5),
    }
)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=12, deadline=None)
@given(geometry=geometries, dtype=st.sampled_from(DTYPES), batch=st.sampled_from([(), (1,), (2, 3), (11,)]))
def test_adjoint(backend, geometry, dtype, batch):
    A = ParallelBeam(**geometry, backend=backend)
    assert_adjoint(A, torch.Generator().manual_seed(1), dtype=dtype, batch=batch)


@settings(max_examples=25, deadline=None)
@given(geometry=geometries, n_slices=st.integers(0, 19))
def test_backends_agree(geometry, n_slices):
    rng = torch.Generator().manual_seed(3)
    A = {backend: ParallelBeam(**geometry, backend=backend) for backend in BACKENDS}
    x = torch.randn(n_slices, *A["rays"].domain_shape, generator=rng, dtype=torch.float64)
    y = torch.randn(n_slices, *A["rays"].range_shape, generator=rng, dtype=torch.float64)
    for backend, atol in (("torch", 1e-12), ("matrix", 1e-5)):  # the matrix is float32
        torch.testing.assert_close(A[backend].forward(x), A["rays"].forward(x), rtol=0, atol=atol)
        torch.testing.assert_close(A[backend].adjoint(y), A["rays"].adjoint(y), rtol=0, atol=atol)


@pytest.mark.parametrize("offset", [0.0, 2.25])
def test_equals_astras_projector(offset, rng):
    A = ParallelBeam((24, 30), ANGLES, 41, column_size_mm=0.75, detector_offset_mm=offset)
    x = torch.rand(24, 30, generator=rng)
    volume = astra.create_vol_geom(24, 30)
    rays = astra.create_proj_geom("parallel", 0.75, 41, ANGLES)
    rays = astra.geom_postalignment(rays, (offset / 0.75,))
    projector = astra.create_projector("linear", rays, volume)
    identity, sinogram = astra.create_sino(x.numpy(), projector)
    astra.data2d.delete(identity)
    astra.projector.delete(projector)
    assert np.abs(A.forward(x).numpy() - sinogram).max() < 2e-4  # of 15; ASTRA's positions are float32


def test_agrees_with_skimages_radon():
    n = 65  # odd: skimage turns about pixel n // 2
    row, column = np.mgrid[:n, :n] - n // 2
    circle = np.hypot(row, column) < n // 2  # which skimage asks for
    image = circle * np.exp(-(((row + 9) / 6.0) ** 2) - ((column - 5) / 8.0) ** 2)
    expected = radon(image, np.rad2deg(ANGLES)).T
    sinogram = ParallelBeam((n, n), ANGLES, n).forward(torch.from_numpy(image)).numpy()
    assert np.abs(sinogram - expected).max() < 0.01 * expected.max()


def test_radon_of_a_disc_off_centre():
    n, pixel, radius, centre_y, centre_x = 128, 0.5, 12.0, 6.0, -9.0  # mm; y upwards
    axis = (np.arange(n * 8) + 0.5) / 8 * pixel - n * pixel / 2
    fine = (axis[None, :] - centre_x) ** 2 + (-axis[:, None] - centre_y) ** 2 <= radius**2
    disc = fine.reshape(n, 8, n, 8).mean(axis=(1, 3))  # each pixel's covered fraction
    A = ParallelBeam((n, n), ANGLES, 180, pixel_size_mm=pixel)
    s = (np.arange(180) - 89.5) * pixel
    distance = s[None] - centre_x * np.cos(ANGLES)[:, None] - centre_y * np.sin(ANGLES)[:, None]
    expected = 2 * np.sqrt(np.clip(radius**2 - distance**2, 0, None))
    sinogram = A.forward(torch.from_numpy(disc)).numpy()
    # 24 pixels across the radius: the pixels' finite size leaves 0.3 % on average, 1.5 % at worst inside
    assert np.abs(sinogram - expected).mean() < 0.004 * radius
    inside = np.abs(distance) < radius - 2 * pixel
    assert np.abs(sinogram - expected)[inside].max() < 0.02 * radius
    assert np.allclose(sinogram.sum(axis=1) * pixel, np.pi * radius**2, rtol=5e-3)


@pytest.mark.parametrize("shape", [(6, 6), (7, 5), (4, 9)])
def test_a_pixel_falls_on_its_column(shape):
    ny, nx = shape
    x = torch.zeros(shape, dtype=torch.float64)
    x[1, 3] = 1.0
    along_x = ParallelBeam(shape, [0.0, np.pi], nx).forward(x)
    along_y = ParallelBeam(shape, [np.pi / 2, -np.pi / 2], ny).forward(x)
    for projection, column in zip((*along_x, *along_y), (3, nx - 4, ny - 2, 1), strict=True):
        assert projection[column] == pytest.approx(1.0, abs=1e-7)
        assert projection.sum() == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_detector_offset_shifts_by_columns(backend, rng):
    x = torch.rand(12, 15, generator=rng, dtype=torch.float64)
    geometry = {"column_size_mm": 0.75, "pixel_size_mm": 0.5, "backend": backend}
    centred = ParallelBeam((12, 15), ANGLES, 40, **geometry).forward(x)
    shifted = ParallelBeam((12, 15), ANGLES, 40, detector_offset_mm=3 * 0.75, **geometry).forward(x)
    torch.testing.assert_close(shifted[:, :-3], centred[:, 3:], rtol=0, atol=1e-8)


def test_lengths_are_in_millimetres():
    coarse = ParallelBeam((16, 16), [0.0], 16, pixel_size_mm=2.0)
    assert coarse.forward(torch.ones(16, 16))[0, 8] == pytest.approx(32.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_are_the_adjoints(backend, rng):
    A = ParallelBeam((5, 4), [0.1, 1.2], 7, backend=backend)
    x = torch.randn(2, 5, 4, generator=rng, dtype=torch.complex128, requires_grad=True)
    y = torch.randn(2, 7, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A.forward, x)
    assert torch.autograd.gradcheck(A.adjoint, y)


def test_conjugate_and_transposed_arrays_are_read_right(rng):
    A = ParallelBeam((5, 4), ANGLES, 7)
    x = torch.randn(4, 5, generator=rng, dtype=torch.complex128)
    torch.testing.assert_close(A.forward(x.conj().T), A.forward(x.conj().resolve_conj().T.contiguous()))
    torch.testing.assert_close(A.forward(x.conj().imag.T), -A.forward(x.imag.T.contiguous()))


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_python_threads_at_once(backend, rng):
    A = ParallelBeam((40, 30), ANGLES, 50, backend=backend)
    images = torch.randn(2, 9, 40, 30, generator=rng)
    expected = [A.normal(x) for x in images]
    with ThreadPoolExecutor(2) as pool:
        for x, result in zip([0, 1] * 10, pool.map(A.normal, list(images) * 10), strict=True):
            assert torch.equal(result, expected[x])


def test_results_do_not_depend_on_the_number_of_threads(rng):
    A = ParallelBeam((40, 30), ANGLES, 50)
    x = torch.randn(40, 30, generator=rng)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        single = A.normal(x)
        torch.set_num_threads(3)
        assert torch.equal(A.normal(x), single)
    finally:
        torch.set_num_threads(threads)


def test_with_angles_keeps_the_rest(rng):
    A = ParallelBeam(
        (9, 7), ANGLES, 15, pixel_size_mm=0.6, column_size_mm=0.4, detector_offset_mm=0.3, backend="torch"
    )
    x = torch.rand(9, 7, generator=rng)
    part = A.with_angles([7, 2])
    assert part.backend == "torch"
    torch.testing.assert_close(part.forward(x), A.forward(x)[[7, 2]])
    assert A.with_angles(ANGLES > 1).range_shape == (int((ANGLES > 1).sum()), 15)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", DTYPES)
def test_on_a_gpu(dtype, rng):
    A = ParallelBeam((33, 41), ANGLES, 60, pixel_size_mm=0.7, detector_offset_mm=0.4)
    assert_adjoint(A, rng, dtype=dtype, device="cuda", batch=(3,))
    x = torch.randn(3, 33, 41, generator=rng, dtype=dtype)
    torch.testing.assert_close(A.forward(x.cuda()).cpu(), A.forward(x))
    torch.testing.assert_close(A.normal(x.cuda()).cpu(), A.normal(x), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4, 4), [], 5), "angles_rad must be finite numbers"),
        (((4, 4), [float("nan")], 5), "angles_rad must be finite numbers"),
        (((4, 4), [0.0], 0), "n_columns must be positive, got 0"),
        (((0, 4), [0.0], 5), "ny must be positive, got 0"),
        (((4,), [0.0], 5), r"shape must be \(ny, nx\), got \(4,\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ParallelBeam(*arguments)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"pixel_size_mm": -1.0}, "pixel_size_mm must be positive, got -1.0"),
        ({"column_size_mm": float("inf")}, "column_size_mm must be positive, got inf"),
        ({"detector_offset_mm": float("nan")}, "detector_offset_mm must be finite, got nan"),
        ({"backend": "fast"}, "backend must be one of auto, matrix, rays, torch, got fast"),
    ],
)
def test_bad_numbers_are_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        ParallelBeam((4, 4), [0.0], 5, **numbers)


def test_arrays_that_do_not_fit_are_refused():
    A = ParallelBeam((4, 5), [0.0], 6, backend="rays")
    with pytest.raises(ValueError, match=r"x must end in axes \(4, 5\), got shape \(5, 4\)"):
        A.forward(torch.zeros(5, 4))
    with pytest.raises(ValueError, match=r"y must end in axes \(1, 6\), got shape \(6,\)"):
        A.adjoint(torch.zeros(6))
    with pytest.raises(ValueError, match=r"x must be float32, .*, got torch.int64"):
        A.forward(torch.zeros(4, 5, dtype=torch.int64))
    with pytest.raises(ValueError, match="x must be on the CPU for backend rays, got meta"):
        A.forward(torch.zeros(4, 5, device="meta"))

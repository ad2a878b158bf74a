import astra
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam

ANGLES = np.linspace(0, 2 * np.pi, 13, endpoint=False)
BACKENDS = ["rays", "matrix", "torch"]
DTYPES = [torch.float32, torch.float64, torch.complex64, torch.complex128]
GEOMETRY = {
    "source_origin_mm": 100.0,
    "source_detector_mm": 150.0,
    "column_size_mm": 0.9,
    "pixel_size_mm": 0.5,
}

geometries = st.fixed_dictionaries(
    {
        "shape": st.tuples(st.integers(1, 17), st.integers(1, 17)),
        "angles_rad": st.lists(st.floats(-7, 7), min_size=1, max_size=6),
        "n_columns": st.integers(1, 23),
        "source_origin_mm": st.floats(13, 100),
        "source_detector_mm": st.floats(20, 200),
        "column_size_mm": st.floats(0.1, 2),
        "pixel_size_mm": st.floats(0.1, 1),
        "detector": st.sampled_from(["flat", "curved"]),
        "detector_offset_mm": st.floats(-4, 4),
    }
)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=12, deadline=None)
@given(geometry=geometries, dtype=st.sampled_from(DTYPES), batch=st.sampled_from([(), (1,), (2, 3), (11,)]))
def test_adjoint(backend, geometry, dtype, batch):
    A = FanBeam(**geometry, backend=backend)
    assert_adjoint(A, torch.Generator().manual_seed(1), dtype=dtype, batch=batch)


@settings(max_examples=25, deadline=None)
@given(geometry=geometries, n_slices=st.integers(1, 9))
def test_backends_agree(geometry, n_slices):
    rng = torch.Generator().manual_seed(3)
    A = {backend: FanBeam(**geometry, backend=backend) for backend in BACKENDS}
    x = torch.randn(n_slices, *A["rays"].domain_shape, generator=rng, dtype=torch.float64)
    y = torch.randn(n_slices, *A["rays"].range_shape, generator=rng, dtype=torch.float64)
    for backend, atol in (("torch", 1e-12), ("matrix", 1e-5)):  # the matrix is float32
        torch.testing.assert_close(A[backend].forward(x), A["rays"].forward(x), rtol=0, atol=atol)
        torch.testing.assert_close(A[backend].adjoint(y), A["rays"].adjoint(y), rtol=0, atol=atol)


@pytest.mark.parametrize("detector", ["flat", "curved"])
@pytest.mark.parametrize("offset", [0.0, 3.3])
def test_divergent_beam_of_a_disc_off_centre(detector, offset):
    n, radius, centre_y, centre_x = 128, 12.0, 6.0, -9.0  # mm; y upwards
    pixel, D, to_detector, pitch = 0.5, 100.0, 150.0, 0.9
    axis = (np.arange(n * 8) + 0.5) / 8 * pixel - n * pixel / 2
    fine = (axis[None, :] - centre_x) ** 2 + (-axis[:, None] - centre_y) ** 2 <= radius**2
    disc = fine.reshape(n, 8, n, 8).mean(axis=(1, 3))
    A = FanBeam((n, n), ANGLES, 180, detector=detector, detector_offset_mm=offset, **GEOMETRY)
    u = (np.arange(180) - 89.5) * pitch + offset
    gamma = np.arctan(u / to_detector) if detector == "flat" else u / to_detector
    # the ray of angle t and gamma is the parallel ray of angle t - gamma at s = D sin(gamma)
    theta = ANGLES[:, None] - gamma
    distance = D * np.sin(gamma) - centre_x * np.cos(theta) - centre_y * np.sin(theta)
    expected = 2 * np.sqrt(np.clip(radius**2 - distance**2, 0, None))
    sinogram = A.forward(torch.from_numpy(disc)).numpy()
    # 24 pixels across the radius: the pixels' finite size leaves 0.3 % on average, 2.3 % at worst inside
    assert np.abs(sinogram - expected).mean() < 0.004 * radius
    inside = np.abs(distance) < radius - 2 * pixel
    assert inside.any()
    assert np.abs(sinogram - expected)[inside].max() < 0.03 * radius


def test_agrees_with_astras_fan():
    ny, nx = 96, 120
    row, column = np.mgrid[:ny, :nx]
    image = np.exp(-(((row - 40) / 14.0) ** 2) - ((column - 70) / 18.0) ** 2)
    volume = astra.create_vol_geom(ny, nx)  # lengths in pixels
    rays = astra.create_proj_geom("fanflat", 1.8, 140, ANGLES, 200.0, 100.0)
    projector = astra.create_projector("line_fanflat", rays, volume)
    identity, expected = astra.create_sino(image.astype(np.float32), projector)
    astra.data2d.delete(identity)
    astra.projector.delete(projector)
    A = FanBeam((ny, nx), ANGLES, 140, detector="flat", **GEOMETRY)
    sinogram = A.forward(torch.from_numpy(image)).numpy() / 0.5
    # ASTRA weighs each pixel by its intersection with the line, without interpolation
    assert np.abs(sinogram - expected).max() < 0.02 * expected.max()
    assert np.abs(sinogram - expected).sum() < 0.005 * expected.sum()


@pytest.mark.parametrize("detector", ["flat", "curved"])
def test_a_far_source_gives_parallel_rays(detector, rng):
    x = torch.rand(11, 14, generator=rng, dtype=torch.float64)
    far = {"source_origin_mm": 1e8, "source_detector_mm": 1e8, "column_size_mm": 0.8}
    fan = FanBeam((11, 14), ANGLES, 25, detector=detector, detector_offset_mm=0.3, **far)
    parallel = ParallelBeam((11, 14), ANGLES, 25, column_size_mm=0.8, detector_offset_mm=0.3)
    torch.testing.assert_close(fan.forward(x), parallel.forward(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("detector", ["flat", "curved"])
def test_detector_offset_shifts_by_columns(detector, rng):
    x = torch.rand(40, 50, generator=rng, dtype=torch.float64)
    centred = FanBeam((40, 50), ANGLES, 60, detector=detector, **GEOMETRY)
    shifted = FanBeam((40, 50), ANGLES, 60, detector=detector, detector_offset_mm=-2 * 0.9, **GEOMETRY)
    torch.testing.assert_close(shifted.forward(x)[:, 2:], centred.forward(x)[:, :-2], rtol=0, atol=1e-7)


def test_half_a_turn_sees_the_image_from_the_other_side(rng):
    x = torch.rand(10, 13, generator=rng, dtype=torch.float64)
    here = FanBeam((10, 13), [0.7], 30, **GEOMETRY).forward(x)
    there = FanBeam((10, 13), [0.7 + np.pi], 30, **GEOMETRY).forward(x.flip(0, 1))
    torch.testing.assert_close(here, there, rtol=0, atol=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_are_the_adjoints(backend, rng):
    A = FanBeam((5, 4), [0.1, 1.2], 7, backend=backend, **GEOMETRY)
    x = torch.randn(2, 5, 4, generator=rng, dtype=torch.complex128, requires_grad=True)
    y = torch.randn(2, 7, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A.forward, x)
    assert torch.autograd.gradcheck(A.adjoint, y)


def test_with_angles_keeps_the_rest(rng):
    A = FanBeam((9, 7), ANGLES, 15, detector="curved", detector_offset_mm=0.3, **GEOMETRY)
    x = torch.rand(9, 7, generator=rng)
    torch.testing.assert_close(A.with_angles([7, 2]).forward(x), A.forward(x)[[7, 2]])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("detector", ["flat", "curved"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_on_a_gpu(dtype, detector, rng):
    A = FanBeam((33, 41), ANGLES, 60, detector=detector, detector_offset_mm=0.4, **GEOMETRY)
    assert_adjoint(A, rng, dtype=dtype, device="cuda", batch=(3,))
    x = torch.randn(3, 33, 41, generator=rng, dtype=dtype)
    torch.testing.assert_close(A.forward(x.cuda()).cpu(), A.forward(x))
    torch.testing.assert_close(A.normal(x.cuda()).cpu(), A.normal(x), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            {"source_origin_mm": 2.0},
            r"source_origin_mm must be above 2\.5, half the image's diagonal, got 2\.0",
        ),
        ({"source_detector_mm": 0.0}, "source_detector_mm must be positive, got 0.0"),
        ({"column_size_mm": -0.1}, "column_size_mm must be positive, got -0.1"),
        ({"detector_offset_mm": float("inf")}, "detector_offset_mm must be finite, got inf"),
        ({"detector": "round"}, "detector must be one of flat, curved, got round"),
        (
            {"detector": "curved", "column_size_mm": 99.0},
            "n_columns must span less than a half circle, got 9",
        ),
    ],
)
def test_bad_numbers_are_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        FanBeam((6, 8), [0.0], 9, **{**GEOMETRY, **numbers})

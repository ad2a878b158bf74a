from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proxflow.operators import joseph_3d_torch
from proxflow.operators.adjoint_test import adjoint_error
from proxflow.operators.astra_cuda import project_by_astra
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.fan_beam import FanBeam

BACKENDS = ("rays", "torch")
GEOMETRY: dict[str, Any] = {"source_origin_mm": 30.0, "source_detector_mm": 55.0, "column_size_mm": 2.1}
ODD: dict[str, Any] = {
    **GEOMETRY,
    "row_size_mm": 1.7,
    "voxel_size_mm": 1.3,
    "detector_offset_mm": (0.4, -1.1),
}
ANGLES = [5.9, 0.0, 0.7, 2.4, 3.9, 0.7]

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@st.composite
def geometries(draw: Any) -> dict[str, Any]:
    size, real = st.integers(1, 9), lambda low, high: draw(st.floats(low, high))
    return {
        "shape": (draw(size), draw(size), draw(size)),
        "angles_rad": draw(st.lists(st.floats(-7, 7), min_size=1, max_size=5)),
        "detector_shape": (draw(size), draw(size)),
        "source_origin_mm": real(20, 80),
        "source_detector_mm": real(60, 150),
        "column_size_mm": real(0.5, 6),
        "row_size_mm": real(0.5, 6),
        "voxel_size_mm": real(0.5, 2),
        "detector_offset_mm": (real(-9, 9), real(-9, 9)),
    }


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=25, deadline=None)
@given(geometry=geometries(), seed=st.integers(0, 99))
def test_adjoint_of_any_geometry(backend, geometry, seed):
    A, rng = ConeBeam(**geometry, backend=backend), torch.Generator().manual_seed(seed)
    assert adjoint_error(A, rng, torch.float64) < 1e-10
    assert adjoint_error(A, rng, torch.float32) < 1e-4


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_adjoint_with_batch_axes_and_complex_numbers(backend, dtype, rng):
    A = ConeBeam((5, 12, 9), ANGLES, (6, 11), **ODD, backend=backend)
    assert adjoint_error(A, rng, dtype, batch=(2, 3)) < (1e-4 if dtype == torch.complex64 else 1e-10)


def test_both_backends_agree_also_in_small_blocks(rng, monkeypatch):
    rays = ConeBeam((7, 12, 9), ANGLES, (6, 11), **ODD)
    chunked = ConeBeam((7, 12, 9), ANGLES, (6, 11), **ODD, backend="torch")
    x = torch.randn(7, 12, 9, generator=rng, dtype=torch.float64)
    y = torch.randn(6, 6, 11, generator=rng, dtype=torch.float64)
    monkeypatch.setattr(joseph_3d_torch, "CHUNK_BYTES", 20_000)
    torch.testing.assert_close(rays.forward(x), chunked.forward(x))
    torch.testing.assert_close(rays.adjoint(y), chunked.adjoint(y))


def test_a_batch_is_its_items(rng):
    A = ConeBeam((5, 6, 7), ANGLES, (4, 9), **ODD)
    x = torch.randn(2, 5, 6, 7, generator=rng)
    torch.testing.assert_close(A.forward(x)[1], A.forward(x[1]))
    torch.testing.assert_close(A.adjoint(A.forward(x))[1], A.adjoint(A.forward(x[1])))


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradient_is_the_adjoint(backend, rng):
    A = ConeBeam((2, 4, 3), [0.1, 1.2], (2, 4), **GEOMETRY, backend=backend)
    x = torch.randn(2, 4, 3, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A.forward, x)


def test_middle_row_is_a_fan_beam(rng):
    plane = {**GEOMETRY, "detector_offset_mm": 1.3}
    fan = FanBeam((12, 9), ANGLES, 25, **plane, pixel_size_mm=1.3)
    cone = ConeBeam(
        (3, 12, 9), ANGLES, (1, 25), **{**GEOMETRY, "detector_offset_mm": (0.0, 1.3)}, voxel_size_mm=1.3
    )
    x = torch.randn(3, 12, 9, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(cone.forward(x)[0], fan.forward(x[1]), rtol=1e-6, atol=1e-6)


def ball_chords(A: ConeBeam, centre: tuple[float, float, float], radius: float) -> np.ndarray:
    """Length of each ray inside a ball, by the source's and the detector cell's coordinates alone."""
    cos, sin = np.cos(A.angles_rad), np.sin(A.angles_rad)
    u, d = np.stack([cos, sin, 0 * cos], -1), np.stack([-sin, cos, 0 * cos], -1)
    v, c = A.rows_mm[:, None, None, None], A.columns_mm[:, None]
    ray = A.source_detector_mm * d[:, None] + c * u[:, None] + v * np.array([0.0, 0.0, 1.0])
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    to_centre = np.array(centre) + A.source_origin_mm * d
    along = (to_centre[:, None] * ray).sum(-1)
    distance = np.square(to_centre).sum(-1)[:, None] - along**2
    return 2 * np.sqrt(np.clip(radius**2 - distance, 0, None))


def ball_volume(A: ConeBeam, centre: tuple[float, float, float], radius: float) -> torch.Tensor:
    """Each voxel's covered fraction, from 4 x 4 x 4 points."""
    nz, ny, nx = A.domain_shape
    z, y, x = ((np.arange(4 * n) + 0.5) / 4 * A.voxel_size_mm - n * A.voxel_size_mm / 2 for n in (nz, ny, nx))
    square = (x - centre[0]) ** 2 + (-y[:, None] - centre[1]) ** 2 + (z[:, None, None] - centre[2]) ** 2
    return torch.from_numpy((square <= radius**2).reshape(nz, 4, ny, 4, nx, 4).mean((1, 3, 5)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_ball_off_centre_casts_its_chords(backend):
    A = ConeBeam(
        (30, 44, 40),
        np.linspace(0, 2 * np.pi, 7, endpoint=False),
        (34, 60),
        source_origin_mm=60.0,
        source_detector_mm=100.0,
        column_size_mm=0.9,
        row_size_mm=1.1,
        voxel_size_mm=0.7,
        detector_offset_mm=(1.5, -2.0),
        backend=backend,
    )
    centre, radius = (5.0, -4.0, 2.5), 6.0
    y, chords = A.forward(ball_volume(A, centre, radius)).numpy(), ball_chords(A, centre, radius)
    assert chords.max() > 1.9 * radius
    assert np.abs(y - chords).mean() < 0.01 * radius
    deep = chords > 1.7 * radius  # nearer the rim the chord bends within a voxel
    assert np.abs(y - chords)[deep].mean() < 0.012 * radius
    assert np.abs(y - chords)[deep].max() < 0.04 * radius


def test_views_are_chosen_by_index_and_by_mask():
    A = ConeBeam((2, 4, 3), ANGLES, (2, 4), **ODD, backend="torch")
    few = A.with_angles([4, 0])
    assert few.angles_rad.tolist() == [3.9, 5.9] and few.backend == "torch"
    assert few.range_shape == (2, 2, 4) and few.detector_offset_mm == A.detector_offset_mm
    assert A.with_angles(A.angles_rad > 3).angles_rad.tolist() == [5.9, 3.9]
    x = torch.ones(2, 4, 3)
    torch.testing.assert_close(few.forward(x), A.forward(x)[:, [4, 0]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"angles_rad": []}, "angles_rad must be finite numbers"),
        ({"angles_rad": [float("inf")]}, "angles_rad must be finite numbers"),
        ({"shape": (0, 4, 4)}, "nz must be positive"),
        ({"detector_shape": (2, 0)}, "n_columns must be positive"),
        ({"row_size_mm": -1.0}, "row_size_mm must be positive"),
        ({"voxel_size_mm": float("nan")}, "voxel_size_mm must be positive"),
        ({"voxel_size_mm": 20.0}, "source_origin_mm must exceed the 56.5685 mm"),
        ({"row_size_mm": 120.0}, "source_detector_mm must exceed the 60 mm"),
        ({"detector_offset_mm": (0.0, float("inf"))}, r"detector_offset_mm \(u\) must be finite"),
        ({"backend": "matrix"}, "backend must be auto, rays or torch, got matrix"),
    ],
)
def test_bad_arguments_are_refused(changes, message):
    arguments: dict[str, Any] = {
        "shape": (4, 4, 4),
        "angles_rad": [0.0],
        "detector_shape": (2, 2),
        **GEOMETRY,
    }
    with pytest.raises(ValueError, match=message):
        ConeBeam(**{**arguments, **changes})


def test_wrong_shapes_and_devices_are_refused():
    A = ConeBeam((4, 5, 6), [0.0], (2, 3), **GEOMETRY, backend="rays")
    with pytest.raises(ValueError, match=r"x must end in axes \(4, 5, 6\)"):
        A.forward(torch.ones(4, 6, 5))
    with pytest.raises(ValueError, match="y must be on the CPU for backend rays, got meta"):
        A.adjoint(torch.ones(2, 1, 3, device="meta"))
    with pytest.raises(ValueError, match="x must be float32 on a CUDA device"):
        project_by_astra(A, torch.ones(4, 5, 6))


@pytest.mark.gpu
@needs_cuda
def test_cuda_equals_the_cpu(rng):
    A = ConeBeam((7, 12, 9), ANGLES, (6, 11), **ODD)
    x = torch.randn(2, 7, 12, 9, generator=rng, dtype=torch.float64)
    y = torch.randn(2, 6, 6, 11, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(A.forward(x.cuda()).cpu(), A.forward(x))
    torch.testing.assert_close(A.adjoint(y.cuda()).cpu(), A.adjoint(y))
    assert adjoint_error(A, rng, torch.complex64, device="cuda") < 1e-4


@pytest.mark.gpu
@needs_cuda
def test_astra_agrees_on_cuda():
    A = ConeBeam((14, 20, 17), np.linspace(0, 6, 9), (15, 25), **{**ODD, "source_origin_mm": 60.0})
    ball = ball_volume(A, (4.0, -5.0, 2.0), 5.0).float().cuda()
    ours, theirs = A.forward(ball), project_by_astra(A, ball)
    assert float((ours - theirs).abs().max() / ours.max()) < 0.02
    assert float((ours - theirs).norm() / ours.norm()) < 5e-3

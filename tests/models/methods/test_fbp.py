from typing import Any

import astra
import numpy as np
import pytest
import torch
from skimage.transform import iradon

from proxflow.models.methods.fbp import fbp
from proxflow.models.methods.view_weights import angular_steps
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration
from proxflow.operators.adjoint_test import adjoint_error
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.fan_beam import FanBeam
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.voxel_driven import KINDS, ViewGeometry, back_project_views
from proxflow.operators.voxel_driven_torch import back_project_views_torch

NY, NX, PIXEL = 90, 100, 0.5
# centre x, y (up), semi-axes, turn, attenuation: a head of 1/mm values with a dense dot off-centre
ELLIPSES = [
    (0.0, 0.0, 19.0, 15.0, 0.3, 0.020),
    (6.0, 4.0, 5.0, 3.5, -0.4, 0.030),
    (-7.0, -3.0, 3.0, 5.0, 0.2, -0.010),
    (9.0, -6.0, 0.8, 0.8, 0.0, 0.150),
]
CHECKS = [((-1.0, 8.0), 0.020), ((6.0, 4.0), 0.050), ((-7.0, -3.0), 0.010)]  # inside, and the value there
DOT = (9.0, -6.0)
HALF_TURN = np.linspace(0, np.pi, 180, endpoint=False)
FULL_TURN = np.linspace(0, 2 * np.pi, 360, endpoint=False)
Y_MM = ((NY - 1) / 2 - np.arange(NY))[:, None] * PIXEL
X_MM = (np.arange(NX) - (NX - 1) / 2)[None] * PIXEL


def line_integrals(theta: np.ndarray, s: np.ndarray) -> torch.Tensor:
    """Of the ellipses, along {s u + t d}, u = (cos theta, sin theta); by formula, not by a projector."""
    total = np.zeros(np.broadcast_shapes(theta.shape, s.shape))
    for x, y, a, b, turn, value in ELLIPSES:
        square = (a * np.cos(theta - turn)) ** 2 + (b * np.sin(theta - turn)) ** 2
        distance = s - x * np.cos(theta) - y * np.sin(theta)
        total += value * 2 * a * b * np.sqrt(np.clip(square - distance**2, 0, None)) / square
    return torch.from_numpy(total)


def parallel_scan(
    angles: Any, n_columns: int = 121, offset: float = 0.0
) -> tuple[ParallelBeam, torch.Tensor]:
    A = ParallelBeam(
        (NY, NX), angles, n_columns, pixel_size_mm=PIXEL, column_size_mm=0.4, detector_offset_mm=offset
    )
    columns = (np.arange(n_columns) - (n_columns - 1) / 2) * 0.4 + offset
    return A, line_integrals(A.angles_rad[:, None], columns[None])


def fan_scan(
    angles: Any, detector: Any, n_columns: int = 161, offset: float = 0.0
) -> tuple[FanBeam, torch.Tensor]:
    A = FanBeam(
        (NY, NX),
        angles,
        n_columns,
        source_origin_mm=60.0,
        source_detector_mm=110.0,
        column_size_mm=0.6,
        pixel_size_mm=PIXEL,
        detector=detector,
        detector_offset_mm=offset,
    )
    ratio = ((np.arange(n_columns) - (n_columns - 1) / 2) * 0.6 + offset) / 110.0
    gamma = np.arctan(ratio) if detector == "flat" else ratio
    return A, line_integrals(A.angles_rad[:, None] - gamma, 60.0 * np.sin(gamma)[None])


def assert_right(image: torch.Tensor, tolerance: float = 0.02) -> None:
    """Values in 1/mm where they are flat, to ``tolerance``; the dot at its place to half a pixel."""
    x = image.numpy()
    for (cx, cy), value in CHECKS:
        region = (X_MM - cx) ** 2 + (Y_MM - cy) ** 2 < 1.5**2
        assert x[region].mean() == pytest.approx(value, abs=tolerance * 0.02)
    near = (X_MM - DOT[0]) ** 2 + (Y_MM - DOT[1]) ** 2 < 2.5**2
    mass = np.where(near, x - 0.02, 0)
    assert (mass * X_MM).sum() / mass.sum() == pytest.approx(DOT[0], abs=PIXEL / 2)
    assert (mass * Y_MM).sum() / mass.sum() == pytest.approx(DOT[1], abs=PIXEL / 2)
    assert abs(X_MM[0, x.argmax() % NX] - DOT[0]) < 1 and abs(Y_MM[x.argmax() // NX, 0] - DOT[1]) < 1


@pytest.mark.parametrize(
    "angles",
    [
        HALF_TURN,
        FULL_TURN,
        np.linspace(0, 2 * np.pi, 361),  # the first view twice
        np.linspace(0, 1.5 * np.pi, 270, endpoint=False),
        HALF_TURN[::-1] - 7.0,
        np.arange(180) * np.pi * (np.sqrt(5) - 1) / 2,  # golden angle
        np.random.default_rng(1).uniform(0, 2 * np.pi, 500),
        np.concatenate([np.linspace(0, 1, 30, endpoint=False), np.linspace(1, np.pi, 180, endpoint=False)]),
    ],
    ids=["half", "full", "full+1", "270", "descending", "golden", "random", "two-densities"],
)
def test_parallel_values_and_places(angles):
    A, y = parallel_scan(angles)
    assert_right(fbp(A, y).image)


@pytest.mark.parametrize("window", ["hann", "shepp-logan", "cosine"])
def test_windows_keep_flat_values(window):
    A, y = parallel_scan(HALF_TURN)
    smooth, sharp = fbp(A, y, window=window).image, fbp(A, y).image
    assert_right(smooth)
    assert smooth.max() < sharp.max()


def test_parallel_detector_off_centre():
    A, y = parallel_scan(HALF_TURN, offset=3.7)
    assert_right(fbp(A, y).image)
    A, y = parallel_scan(FULL_TURN, n_columns=60, offset=9.3)  # from -2.5 to 21.1 mm: half the object
    assert_right(fbp(A, y).image)


@pytest.mark.parametrize("detector", ["flat", "curved"])
@pytest.mark.parametrize(
    "angles",
    [
        FULL_TURN,
        np.random.default_rng(2).permutation(np.linspace(0, 2 * np.pi, 361)) + 0.3,
        np.linspace(0.7, 0.7 + np.pi + 0.9, 240),
        np.linspace(0.7, 0.7 + np.pi + 0.9, 240)[::-1],
        np.linspace(-2, 3.2, 300),
    ],
    ids=["full", "full-permuted", "short", "short-descending", "298"],
)
def test_fan_values_and_places(detector, angles):
    A, y = fan_scan(angles, detector)
    assert_right(fbp(A, y).image)


@pytest.mark.parametrize("detector", ["flat", "curved"])
def test_fan_detector_off_centre(detector):
    A, y = fan_scan(FULL_TURN, detector, offset=4.1)
    assert_right(fbp(A, y).image)
    A, y = fan_scan(FULL_TURN, detector, n_columns=84, offset=18.0)  # 7 mm beyond the axis on one side
    assert_right(fbp(A, y).image, tolerance=0.03)


def test_no_worse_than_scikit_image_and_astra():
    n = 129  # odd, so that scikit-image's axis of rotation, column n // 2, is the middle
    x, y = np.arange(n) - (n - 1) / 2, (n - 1) / 2 - np.arange(n)[:, None]
    scale = 2.9  # the ellipses fill the circle
    fine = np.zeros((n, n))
    for cx, cy, a, b, turn, value in ELLIPSES:
        across, up = x / scale - cx, y / scale - cy
        u, v = across * np.cos(turn) + up * np.sin(turn), up * np.cos(turn) - across * np.sin(turn)
        fine += value * ((u / a) ** 2 + (v / b) ** 2 <= 1)
    sinogram = scale * line_integrals(HALF_TURN[:, None], (np.arange(n) - (n - 1) / 2)[None] / scale).numpy()
    ours = fbp(ParallelBeam((n, n), HALF_TURN, n), torch.from_numpy(sinogram).float()).image.numpy()
    volume = astra.create_vol_geom(n, n)
    projector = astra.create_projector(
        "linear", astra.create_proj_geom("parallel", 1.0, n, HALF_TURN), volume
    )
    identity, theirs = astra.create_reconstruction("FBP", projector, sinogram)
    astra.data2d.delete(identity)
    astra.projector.delete(projector)
    others = iradon(sinogram.T, theta=np.rad2deg(HALF_TURN), circle=True)
    inside = x**2 + y**2 < (n / 2 - 2) ** 2
    error = {
        name: np.sqrt(np.square(image - fine)[inside].mean())
        for name, image in (("ours", ours), ("astra", theirs), ("skimage", others))
    }
    assert error["ours"] <= 1.02 * error["astra"] and error["ours"] <= error["skimage"]
    assert np.abs(ours - theirs)[inside].mean() < 0.05 * 0.02


def test_a_limited_arc_is_low_but_not_streaked_by_its_ends():
    A, y = parallel_scan(np.linspace(0, np.pi / 2, 90))
    image = fbp(A, y).image.numpy()
    assert 0.2 * 0.02 < image[(X_MM**2 + Y_MM**2) < 9].mean() < 0.8 * 0.02
    assert angular_steps(A.angles_rad, np.pi).steps.max() < 0.02


def test_batches_dtypes_and_complex_numbers(rng):
    A, y = parallel_scan(HALF_TURN[::6])
    whole = fbp(A, torch.stack([y, -2 * y])[:, None]).image
    single = fbp(A, y.float()).image
    assert whole.shape == (2, 1, NY, NX) and single.dtype == torch.float32
    torch.testing.assert_close(whole[1, 0], -2 * whole[0, 0])
    torch.testing.assert_close(single.double(), whole[0, 0], rtol=0, atol=1e-5)
    torch.testing.assert_close(fbp(A, torch.complex(y, 2 * y)).image, whole[0, 0] * (1 + 2j))


def test_one_report_and_resume():
    seen: list[tuple[Iteration, tuple[torch.Tensor, ...]]] = []
    A, y = parallel_scan(HALF_TURN[::6])
    result = fbp(A, y, monitor=lambda iteration, state: seen.append((iteration, state)))
    residual = float((A.forward(result.image) - y).norm() / y.norm())
    assert len(result.trace) == 1 and result.trace[0].data_residual == pytest.approx(residual)
    resumed = fbp(A, y, resume=Checkpoint(1, seen[0][1], result.trace))
    assert torch.equal(resumed.image, result.image)
    with pytest.raises(DivergenceError):
        fbp(A, torch.full_like(y, torch.nan))


def test_wrong_operators_and_one_sided_detectors_are_refused():
    cone = ConeBeam(
        (2, 2, 2), [0.0], (2, 2), source_origin_mm=9.0, source_detector_mm=9.0, column_size_mm=1.0
    )
    with pytest.raises(TypeError, match="operator must be ParallelBeam or FanBeam, got ConeBeam"):
        fbp(cone, torch.ones(2, 1, 2))
    A, y = parallel_scan(FULL_TURN, n_columns=20, offset=9.0)
    with pytest.raises(ValueError, match="the detector must cover the projected axis of rotation"):
        fbp(A, y)


@pytest.mark.parametrize("detector", KINDS)
def test_back_projection_by_torch_agrees(detector, rng):
    views = ViewGeometry(detector, (17, 23), 1.1, np.linspace(0, 6, 20), 1.3, 22.7, 40.0, 70.0)
    filtered = torch.randn(3, 20, 50, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(back_project_views(filtered, views), back_project_views_torch(filtered, views))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu():
    for A, y in (parallel_scan(HALF_TURN[::6]), fan_scan(FULL_TURN[::6], "curved")):
        assert adjoint_error(A, torch.Generator().manual_seed(1), torch.float64, device="cuda") < 1e-10
        torch.testing.assert_close(fbp(A, y.cuda()).image.cpu(), fbp(A, y).image)

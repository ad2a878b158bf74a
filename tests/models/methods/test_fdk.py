from typing import Any

import numpy as np
import pytest
import torch

from proxflow.models.methods.fdk import fdk, fdk_image
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.cone_beam import ConeBeam
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.voxel_driven import AxialGeometry, ViewGeometry, back_project_cone
from proxflow.operators.voxel_driven_torch import back_project_cone_torch

NZ, NY, NX, VOXEL = 31, 44, 50, 0.8
# centre x, y, z in mm, radius, attenuation in 1/mm: a ball on the source's plane, two inside it off-centre
BALLS = [(0.0, 0.0, 0.0, 11.0, 0.020), (4.0, 3.0, 0.0, 3.5, 0.030), (-5.0, -4.0, 3.5, 1.6, 0.120)]
DOT = np.array(BALLS[2][:3])
FULL_TURN = np.linspace(0, 2 * np.pi, 180, endpoint=False)


def scan(angles: Any, **changes: Any) -> tuple[ConeBeam, torch.Tensor]:
    """The balls' line integrals by formula."""
    geometry: dict[str, Any] = {
        "source_origin_mm": 90.0,
        "source_detector_mm": 150.0,
        "column_size_mm": 0.8,
        "row_size_mm": 1.0,
        "voxel_size_mm": VOXEL,
        "detector_offset_mm": (0.0, 0.0),
    }
    detector_shape = changes.pop("detector_shape", (48, 80))
    A = ConeBeam((NZ, NY, NX), angles, detector_shape, **{**geometry, **changes})
    cos, sin = np.cos(A.angles_rad), np.sin(A.angles_rad)
    u, d = np.stack([cos, sin, 0 * cos], -1), np.stack([-sin, cos, 0 * cos], -1)
    cell = A.columns_mm[:, None] * u[:, None] + A.rows_mm[:, None, None, None] * np.array([0.0, 0.0, 1.0])
    ray = A.source_detector_mm * d[:, None] + cell
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    y = np.zeros(A.range_shape)
    for *centre, radius, value in BALLS:
        to_centre = np.array(centre) + A.source_origin_mm * d
        along = (to_centre[:, None] * ray).sum(-1)
        distance = np.square(to_centre).sum(-1)[:, None] - along**2
        y += value * 2 * np.sqrt(np.clip(radius**2 - distance, 0, None))
    return A, torch.from_numpy(y)


def assert_right(image: torch.Tensor) -> None:
    """Values on the source's plane to 1 %; the dot at its place to half a voxel in all three axes."""
    x = image.numpy()
    z_mm = (np.arange(NZ) - (NZ - 1) / 2)[:, None, None] * VOXEL
    y_mm = ((NY - 1) / 2 - np.arange(NY))[:, None] * VOXEL
    x_mm = (np.arange(NX) - (NX - 1) / 2) * VOXEL
    square = x_mm**2 + y_mm**2 + z_mm**2
    clear = (square < 9.5**2) & (np.abs(z_mm) < VOXEL / 2)
    inner = (x_mm - 4) ** 2 + (y_mm - 3) ** 2 + z_mm**2
    around_dot = (x_mm - DOT[0]) ** 2 + (y_mm - DOT[1]) ** 2 + (z_mm - DOT[2]) ** 2
    assert x[clear & (inner > 5**2) & (around_dot > 5**2)].mean() == pytest.approx(0.020, rel=0.01)
    assert x[clear & (inner < 2.2**2)].mean() == pytest.approx(0.050, rel=0.01)
    weight = np.where(around_dot < 3**2, x - 0.02, 0)
    for axis_mm, position in zip((x_mm, y_mm, z_mm), DOT, strict=True):
        assert (weight * axis_mm).sum() / weight.sum() == pytest.approx(position, abs=VOXEL / 2)


@pytest.mark.parametrize(
    ("angles", "changes"),
    [
        (FULL_TURN, {}),
        (np.random.default_rng(1).permutation(FULL_TURN) + 1, {"detector_offset_mm": (2.3, -3.1)}),
        (np.linspace(0.4, 0.4 + np.pi + 0.6, 130), {}),
        (FULL_TURN, {"detector_shape": (48, 44), "detector_offset_mm": (0.0, 13.0)}),
    ],
    ids=["full", "shifted-detector", "short", "off-centre"],
)
def test_values_and_places(angles, changes):
    A, y = scan(angles, **changes)
    assert_right(fdk_image(A, y))


def test_report_batches_dtypes_and_windows():
    A, y = scan(FULL_TURN[::6], detector_shape=(6, 40))
    result = fdk(A, torch.stack([y, -2 * y]), window="hann")
    assert len(result.trace) == 1 and result.image.shape == (2, NZ, NY, NX)
    torch.testing.assert_close(result.image[1], -2 * result.image[0])
    single = fdk(A, y.float(), window="hann").image
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), result.image[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(fdk(A, torch.complex(y, y), window="hann").image, result.image[0] * (1 + 1j))
    with pytest.raises(DivergenceError):
        fdk(A, torch.full_like(y, torch.nan))


def test_other_operators_are_refused():
    with pytest.raises(TypeError, match="operator must be ConeBeam, got ParallelBeam"):
        fdk(ParallelBeam((4, 4), [0.0], 4), torch.ones(1, 4))


def test_back_projection_by_torch_agrees(rng):
    views = ViewGeometry("flat", (17, 23), 1.1, np.linspace(0, 6, 20), 1.3, 22.7, 40.0, 70.0)
    axial, filtered = AxialGeometry(9, 1.7, 5.2), torch.randn(11, 20, 50, generator=rng, dtype=torch.float64)
    expected = back_project_cone(filtered, views, axial)
    torch.testing.assert_close(back_project_cone_torch(filtered, views, axial), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_equals_the_cpu():
    A, y = scan(FULL_TURN[::6])
    torch.testing.assert_close(fdk_image(A, y.cuda()).cpu(), fdk_image(A, y))

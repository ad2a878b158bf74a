import astra
import numpy as np
import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.parallel_beam import ParallelBeam

ANGLES = np.linspace(0, np.pi, 11, endpoint=False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_adjoint(dtype, batch, rng):
    A = ParallelBeam((13, 18), ANGLES, 25, pixel_size_mm=0.7, column_size_mm=0.9)
    assert_adjoint(A, rng, dtype=dtype, batch=batch)


def test_equals_astras_projector(rng):
    A = ParallelBeam((24, 30), ANGLES, 41)
    x = torch.rand(24, 30, generator=rng)
    volume = astra.create_vol_geom(24, 30)
    rays = astra.create_proj_geom("parallel", 1.0, 41, ANGLES)
    projector = astra.create_projector("linear", rays, volume)
    identity, sinogram = astra.create_sino(x.numpy(), projector)
    astra.data2d.delete(identity)
    astra.projector.delete(projector)
    assert np.allclose(A.forward(x).numpy(), sinogram, rtol=1e-5, atol=1e-5)


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
    assert np.abs(sinogram - expected).mean() < 0.01 * radius
    inside = np.abs(distance) < radius - 2 * pixel
    assert np.abs(sinogram - expected)[inside].max() < 0.04 * radius
    assert np.allclose(sinogram.sum(axis=1) * pixel, np.pi * radius**2, rtol=5e-3)


def test_lengths_are_in_millimetres():
    coarse = ParallelBeam((16, 16), [0.0], 16, pixel_size_mm=2.0)
    assert coarse.forward(torch.ones(16, 16))[0, 8] == pytest.approx(32.0)


def test_gradient_is_the_adjoint(rng):
    A = ParallelBeam((5, 4), [0.1, 1.2], 7)
    x = torch.randn(2, 5, 4, generator=rng, dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(A.forward, x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4, 4), [], 5), "angles_rad must be finite numbers"),
        (((4, 4), [float("nan")], 5), "angles_rad must be finite numbers"),
        (((4, 4), [0.0], 0), "n_columns must be positive, got 0"),
        (((0, 4), [0.0], 5), "ny must be positive, got 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ParallelBeam(*arguments)

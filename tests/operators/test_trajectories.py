import numpy as np
import pytest
import torch

from proxflow.operators.trajectories import radial_trajectory


@pytest.mark.parametrize(("matrix", "oversampling"), [(16, 2), (15, 2), (9, 1), (10, 1.5)])
def test_spokes_run_through_the_centre_in_steps_of_the_oversampling(matrix, oversampling):
    n = round(matrix * oversampling)
    k = radial_trajectory(7, n, matrix, oversampling=oversampling)
    assert k.shape == (7, n, 2) and k.dtype == torch.float64
    assert torch.equal(k[:, n // 2], torch.zeros(7, 2, dtype=torch.float64))
    steps = k.diff(dim=1).norm(dim=-1)
    assert torch.allclose(steps, torch.full_like(steps, 1 / oversampling))
    assert k.norm(dim=-1).max() <= matrix / 2 + 1e-12


def test_angles_turn_from_kx_towards_ky():
    k = radial_trajectory(3, 8, 4, angles=[0.0, np.pi / 2, np.pi / 6])
    ends = k[:, -1] / k[:, -1].norm(dim=-1, keepdim=True)
    expected = torch.tensor([[0, 1], [1, 0], [0.5, 3**0.5 / 2]], dtype=torch.float64)
    assert torch.allclose(ends, expected)


@pytest.mark.parametrize(("angles", "step_degrees"), [("golden", 111.2461), ("uniform", 180 / 7)])
def test_named_angles(angles, step_degrees):
    ends = radial_trajectory(7, 8, 4, angles=angles)[:, -1]
    measured = torch.rad2deg(torch.atan2(ends[:, 0], ends[:, 1]))
    turn = (measured.diff() - step_degrees + 180) % 360 - 180
    assert turn.abs().max() < 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 8, 4), "n_spokes and matrix must be at least 1, got 0 and 4"),
        ((3, 4, 4), r"n_readout must be oversampling \* matrix = 8, got 4"),
        ((3, 8, 4, "silver"), 'angles must be "golden", "uniform" or an array, got "silver"'),
        ((3, 8, 4, [0.0, 1.0]), r"angles must be 3 finite numbers in radians, got an array of shape \(2,\)"),
        ((2, 8, 4, [0.0, np.nan]), "angles must be 2 finite numbers"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        radial_trajectory(*arguments)

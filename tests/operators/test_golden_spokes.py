"""The spokes of ReconResNet: angles, radii, weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.golden_spokes import golden_spoke_density, golden_spokes
from proxflow.operators.non_cartesian_sense import NonCartesianSense


def test_each_spoke_is_turned_by_the_golden_angle() -> None:
    ends = golden_spokes(60, 16)[:, -1]
    degrees = torch.rad2deg(torch.atan2(ends[:, 0], ends[:, 1]))
    turn = (degrees.diff() - 111.246117975 + 180) % 360 - 180
    assert turn.abs().max() < 1e-8
    torch.testing.assert_close(ends[0], torch.tensor([0.0, 8.0], dtype=torch.float64))


def test_the_first_and_the_missing_spokes_are_the_full_set() -> None:
    full = golden_spokes(32, 16)
    assert full.shape == (32, 32, 2)
    assert torch.equal(golden_spokes(5, 16), full[:5])
    assert torch.equal(golden_spokes(27, 16, first=5), full[5:])


def test_samples_lie_beside_the_centre_in_equal_steps_with_both_ends() -> None:
    r = golden_spokes(1, 16)[0, :, 1]
    torch.testing.assert_close(r.diff(), torch.full((31,), 16 / 31, dtype=torch.float64))
    assert r[0] == -8 and r[-1] == 8 and r.abs().min() == pytest.approx(8 / 31)


def test_weights_are_areas_and_the_published_ones_are_off_by_one() -> None:
    w, published = golden_spoke_density(32, 16), golden_spoke_density(32, 16, centred=False)
    assert torch.equal(w, w.flip(0)) and w.min() == w[15] > 0
    assert float(w.sum()) * 32 == pytest.approx(np.pi * 8**2 * 32 / 31 * 32 / 31, rel=1e-12)
    assert int(published.argmin()) == 16 and published[16] == published[17]  # the zero at 16.5, not 15.5
    torch.testing.assert_close(published[1:], w[:-1])


def test_a_full_set_of_spokes_with_weights_is_near_the_identity(rng: torch.Generator) -> None:
    n = 24
    y, x = (torch.arange(n, dtype=torch.float64) - n // 2 for _ in range(2))
    blob = torch.exp(-((y[:, None] - 2) ** 2 + (x + 1) ** 2) / 18).to(torch.complex128)
    weights = golden_spoke_density(2 * n, n).repeat(2 * n)
    maps = torch.ones(1, n, n, dtype=torch.complex128)
    operator = NonCartesianSense(golden_spokes(2 * n, n).flatten(0, 1), maps, weights=weights)
    assert_adjoint(operator, rng)
    assert (operator.normal(blob) - blob).norm() < 0.05 * blob.norm()


@pytest.mark.parametrize("arguments", [(0, 8, 0), (3, 0, 0), (3, 8, -1)])
def test_impossible_spokes_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="n_spokes and matrix must be at least 1, first at least 0, got"):
        golden_spokes(*arguments)

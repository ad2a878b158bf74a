"""The sampler on one item of a scan: what it takes from the measurements, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.methods import dds_of_item as module
from proxflow.models.methods.dds import dds
from proxflow.models.methods.dds_of_item import dds_of_item
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.iteration import Checkpoint, Iteration
from proxflow.operators.base import LinearOperator
from proxflow.operators.dense import MatrixOperator

WIENER = ImagePrior(None)


@pytest.fixture
def scan(rng: torch.Generator) -> tuple[LinearOperator, Tensor]:
    """Fifteen measurements of six complex pixels by five."""
    matrix = torch.randn(15, 30, dtype=torch.complex128, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (6, 5), (15,))
    return operator, operator.forward(torch.randn(6, 5, dtype=torch.complex128, generator=rng).cumsum(-1))


def sampled(scan: tuple[LinearOperator, Tensor], **numbers: Any) -> Tensor:
    return dds_of_item(*scan, **{"prior": WIENER, "n_iter": 6, **numbers}).image


def test_items_do_not_share_noise_and_batches_change_nothing(scan: Any) -> None:
    """An item alone, told its number, is what it is in a batch."""
    operator, y = scan
    prior = lambda x, level: 0.5 * x  # noqa: E731
    both = dds(operator, torch.stack([y, y]), prior=prior, n_iter=6, first_item=3).image
    assert not torch.allclose(both[0], both[1], rtol=1e-3)
    for number in (0, 1):
        alone = sampled(scan, prior=ImagePrior(prior), item=3 + number)
        torch.testing.assert_close(alone, both[number])


def test_several_samples_are_the_mean_of_each_and_tell_their_spread(scan: Any) -> None:
    seen: list[Tensor] = []
    mean = dds_of_item(
        *scan, prior=WIENER, n_iter=6, samples=5, monitor=lambda _, state: seen.append(state[1])
    )
    one = dds_of_item(*scan, prior=WIENER, n_iter=6)
    unit = float((mean.image.abs() / seen[-1].mean(0).abs()).median())
    torch.testing.assert_close(unit * seen[-1][0], one.image)
    torch.testing.assert_close(unit * seen[-1].mean(0), mean.image)
    spread = (unit * seen[-1]).std(0).norm() / mean.image.norm()
    assert mean.trace[-1].figures == (("spread_of_samples", pytest.approx(float(spread), rel=1e-6)),)
    assert one.trace[-1].figures == ()
    misfit = (scan[0].forward(mean.image) - scan[1]).norm() / scan[1].norm()
    assert mean.trace[-1].data_residual == pytest.approx(float(misfit), rel=1e-6)


def test_a_run_that_was_stopped_goes_on_to_the_same_image(scan: Any) -> None:
    kept: list[Checkpoint] = []
    trace: list[Iteration] = []

    def monitor(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
        trace.append(iteration)
        kept.append(Checkpoint(iteration.index, state, list(trace)))

    whole = sampled(scan, samples=2, item=4, monitor=monitor)
    for checkpoint in kept[:-1]:
        assert torch.equal(sampled(scan, samples=2, item=4, resume=checkpoint), whole)


@pytest.mark.parametrize(("complex_", "parts"), [(True, 2), (False, 1)])
def test_noise_reaches_the_sampler_in_the_unit_of_the_prior(
    complex_: bool, parts: int, scan: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the scan's level, or by the ratio of noise to data, the same where both say the same."""
    operator, y = scan
    if not complex_:
        operator, y = MatrixOperator(operator.matrix.real, (6, 5), (15,)), y.real
    told: list[dict[str, Any]] = []
    drawn = module.dds
    monkeypatch.setattr(module, "dds", lambda *a, **numbers: told.append(numbers) or drawn(*a, **numbers))
    level = 0.1 * float(y.norm()) / 15**0.5
    sampled((operator, y), consistency="adaptive", noise_std=level)
    sampled((operator, y), consistency="adaptive", epsilon=0.1, noise_std=99.0)
    sampled((operator, y), consistency="proximal", noise_std=level)
    for numbers in told[:2]:
        assert numbers["noise"] * numbers["unit"] == pytest.approx(level / parts**0.5)
    assert told[2]["noise"] is None


def test_the_gain_of_the_data_passes_through(scan: Any) -> None:
    operator, y = scan
    torch.testing.assert_close(sampled((operator, 1e3 * y)), 1e3 * sampled(scan))


def test_a_volume_is_smoothed_across_its_slices_and_a_slice_is_refused(rng: torch.Generator) -> None:
    matrix = torch.randn(40, 60, dtype=torch.float64, generator=rng)
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (3, 4, 5), (40,))
    y = operator.forward(torch.randn(3, 4, 5, dtype=torch.float64, generator=rng).cumsum(-1))
    plain = sampled((operator, y), axial_lam=0.0)
    smooth = sampled((operator, y), axial_lam=0.02)
    assert smooth.diff(dim=0).abs().sum() < 0.9 * plain.diff(dim=0).abs().sum()
    flat = MatrixOperator(operator.matrix, (12, 5), (40,))
    with pytest.raises(UnsuitableError, match=r"axial_lam must be null where no volume .* got 0.02"):
        sampled((flat, y), axial_lam=0.02)


def test_priors_that_do_not_go_with_the_images_are_refused(scan: Any) -> None:
    operator, y = scan
    with pytest.raises(UnsuitableError, match=r"prior must be given images of at least 8 pixels .* 6 x 5"):
        sampled(scan, prior=ImagePrior(None, least_side=8))
    real = MatrixOperator(operator.matrix.real, (6, 5), (15,))
    with pytest.raises(UnsuitableError, match="prior must be a network of one channel for real images"):
        sampled((real, y.real), prior=ImagePrior(None, channels=2))
    with pytest.raises(UnsuitableError, match=r"epsilon must be above 0 for adaptive .* got null, and"):
        sampled((real, y.real), consistency="adaptive", noise_std=0.0)


def test_voxels_that_nothing_measures_stay_dark(scan: Any) -> None:
    operator, y = scan
    matrix = operator.matrix.clone()
    matrix[:, [0, 7, 29]] = 0
    found = sampled((MatrixOperator(matrix, (6, 5), (15,)), y)).flatten()
    assert bool((found[[0, 7, 29]] == 0).all()) and int((found != 0).sum()) == 27

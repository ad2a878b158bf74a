"""The samplers beside ``dds`` on one item of a scan: what they take from it, what they refuse."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.told_level import LevelTv
from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.item_setting import item_setting
from proxflow.models.diffusion.noise_levels import NoiseLevel
from proxflow.models.diffusion.priors import DenoiserPrior
from proxflow.models.methods.dps import dps
from proxflow.models.methods.samplers_of_item import dps_of_item, score_mri_of_item
from proxflow.models.methods.score_mri import score_mri
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.base import LinearOperator
from proxflow.operators.dense import MatrixOperator

WIENER = ImagePrior(None)
SAMPLERS = pytest.mark.parametrize("sampler", [score_mri_of_item, dps_of_item])


@pytest.fixture
def scan(rng: torch.Generator) -> tuple[LinearOperator, Tensor]:
    """Forty measurements of three real slices of four pixels by five, of which one column is not seen."""
    matrix = torch.randn(40, 60, dtype=torch.float64, generator=rng)
    matrix[:, ::5] = 0
    operator = MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (3, 4, 5), (40,))
    return operator, operator.forward(torch.randn(3, 4, 5, dtype=torch.float64, generator=rng).cumsum(-1))


def test_they_are_told_unit_spectrum_and_item(scan: Any) -> None:
    setting = item_setting(*scan, WIENER)
    assert setting.seen.float().mean() == pytest.approx(0.8)
    common: dict[str, Any] = {"prior": setting.predict, "unit": setting.unit, "seen": setting.seen}
    common |= {"n_iter": 5, "seed": 7, "first_item": 4}
    found = score_mri_of_item(*scan, prior=WIENER, n_iter=5, seed=7, item=4, n_correct=2).image
    torch.testing.assert_close(found, score_mri(*scan, n_correct=2, **common).image)
    found = dps_of_item(*scan, prior=WIENER, n_iter=5, seed=7, item=4, zeta=3.0, eta=0.5).image
    zeta = 3.0 * math.sqrt(60) / 256
    torch.testing.assert_close(found, dps(*scan, zeta=zeta, eta=0.5, **common).image)


@pytest.mark.parametrize(("sampler", "fits"), [(score_mri_of_item, 3), (dps_of_item, 2)])
def test_as_many_slices_as_memory_allows_there_or_there_and_back(scan: Any, sampler: Any, fits: int) -> None:
    seen: list[int] = []

    class Counted:
        def traced(self, x: Tensor, level: NoiseLevel) -> Tensor:
            seen.append(len(x))
            return 0.5 * x

        __call__ = traced

    def taken(image: Tensor, *, gradient: bool = False) -> int:
        return 40 if gradient else 10

    sampler(*scan, prior=ImagePrior(Counted(), image_bytes=taken, memory_bytes=80), n_iter=2)
    assert max(seen) == fits


@SAMPLERS
def test_voxels_that_nothing_measures_stay_dark(scan: Any, sampler: Any) -> None:
    found = sampler(*scan, prior=WIENER, n_iter=5).image
    assert bool((found[..., 0] == 0).all()) and bool((found[..., 1:] != 0).all())


@SAMPLERS
def test_the_gain_of_the_data_passes_through(scan: Any, sampler: Any) -> None:
    operator, y = scan
    plain, loud = (sampler(operator, g * y, prior=WIENER, n_iter=5).image for g in (1, 1e3))
    torch.testing.assert_close(loud, 1e3 * plain)


@SAMPLERS
def test_priors_of_other_images_are_refused(scan: Any, sampler: Any) -> None:
    with pytest.raises(UnsuitableError, match="prior must be a network of one channel for real images"):
        sampler(*scan, prior=ImagePrior(None, channels=2))


def test_a_prior_without_a_gradient_is_refused_by_dps_alone(scan: Any) -> None:
    tv = ImagePrior(DenoiserPrior(LevelTv()))
    with pytest.raises(UnsuitableError, match="prior must be fourier-wiener or a network, whose grad"):
        dps_of_item(*scan, prior=tv)
    assert bool(score_mri_of_item(*scan, prior=tv, n_iter=5).image.isfinite().all())

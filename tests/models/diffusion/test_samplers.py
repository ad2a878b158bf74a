"""What holds of every sampler beside ``dds``: seeds, items, batches, units, reports, resuming."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.dps import dps
from proxflow.models.methods.score_mri import score_mri
from proxflow.models.solvers.iteration import Checkpoint, Iteration

SAMPLERS = {"dps": partial(dps, zeta=0.1), "score_mri": score_mri}
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)


def sampled(sampler: Any, scan: Any, **numbers: Any) -> Tensor:
    operator, y, prior = scan
    image: Tensor = sampler(operator, y, prior=prior, **{"n_iter": 8, "unit": 2.0, **numbers}).image
    return image


@every_sampler
@pytest.mark.parametrize("process", ["vp", "ve"])
def test_seed_and_item_decide_a_sample(sampler: Any, scan: Any, process: Any) -> None:
    first, again, other = (sampled(sampler, scan, seed=seed, process=process) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.allclose(first, other, rtol=0.01)
    operator, y, prior = scan
    for item in (0, 1):
        alone = sampled(sampler, (operator, y[item], prior), process=process, first_item=item)
        torch.testing.assert_close(alone, first[item])
    torch.testing.assert_close(sampled(sampler, scan, process=process, images_at_once=1), first)


@every_sampler
def test_the_unit_of_the_data_passes_through(sampler: Any, scan: Any) -> None:
    operator, y, prior = scan
    torch.testing.assert_close(
        sampled(sampler, (operator, 1e-6 * y, prior), unit=2e-6), 1e-6 * sampled(sampler, scan)
    )
    own = sampled(sampler, scan, unit=None)
    torch.testing.assert_close(sampled(sampler, (operator, 1e3 * y, prior), unit=None), 1e3 * own)


@every_sampler
def test_a_run_that_was_stopped_goes_on_to_the_same_image(sampler: Any, scan: Any) -> None:
    operator, y, prior = scan
    kept: list[Checkpoint] = []
    trace: list[Iteration] = []

    def monitor(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
        trace.append(iteration)
        kept.append(Checkpoint(iteration.index, state, list(trace)))

    whole = sampler(operator, y, prior=prior, n_iter=6, monitor=monitor)
    misfit = (operator.forward(whole.image) - y).norm() / y.norm()
    assert whole.trace[-1].data_residual == pytest.approx(float(misfit), rel=1e-6)
    for checkpoint in kept[:-1]:
        resumed = sampler(operator, y, prior=prior, n_iter=6, resume=checkpoint)
        assert torch.equal(resumed.image, whole.image) and len(resumed.trace) == 6

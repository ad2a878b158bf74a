import time

import pytest
import torch

from benchmarks.dds_forms import GAMMA, N_CG, WatchedSampler, posed, random_unet, sigpy_consistency
from proxflow.models.diffusion.data_consistency import ProximalConsistency
from proxflow.models.diffusion.network_priors import VpNetworkPrior
from proxflow.models.diffusion.noise_levels import vp_levels
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings

TINY = DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (2,), head_channels=32)


@pytest.mark.parametrize("kind", ["kx lines", "ky lines", "points"])
def test_consistency_of_sigpy_is_ours(kind: str, rng: torch.Generator) -> None:
    problem = posed(3, 41, kind)
    b = problem.operator.adjoint(problem.y)
    denoised = b + 0.1 * torch.randn(41, 41, dtype=torch.complex64, generator=rng)
    ours = ProximalConsistency(problem.operator, b, gamma=GAMMA, n_cg=N_CG)(denoised, vp_levels()[500]).image
    theirs = torch.from_numpy(sigpy_consistency(problem, b.numpy())(denoised.numpy()))
    assert float((ours - theirs).norm() / ours.norm()) < 1e-5
    assert float((ours - denoised).norm() / ours.norm()) > 0.01


def test_parts_of_a_step_are_less_than_the_whole() -> None:
    prior = VpNetworkPrior(random_unet(TINY))
    steps = WatchedSampler(posed(2, 24), prior, time.perf_counter).steps(6)
    assert len(steps) == 3  # neither the first nor the last two
    for step in steps:
        assert 0 < step.consistency < step.whole and 0 < step.network < step.whole and step.rest > 0

import pytest
import torch
from torch import Tensor

from proxflow.models.priors.magnitude_prox import magnitude_prox
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.priors.total_variation import total_variation, tv_prox


@pytest.fixture
def z(rng: torch.Generator) -> Tensor:
    z = torch.randn(3, 5, 4, 6, dtype=torch.complex128, generator=rng)
    z[0, 1, 2, 3] = 0
    return z


def tv_denoise(lam: float, n_iter: int = 3000) -> object:
    return lambda magnitude: tv_prox(magnitude, lam, n_axes=3, n_iter=n_iter, tol=1e-14)[0]


def test_l1_is_the_complex_soft_threshold(z: Tensor) -> None:
    found = magnitude_prox(z, lambda m: (m - 0.4).clamp_min(0))
    torch.testing.assert_close(found, soft_threshold(z, 0.4), rtol=1e-14, atol=1e-15)


def test_no_perturbation_lowers_the_tv_objective(z: Tensor, rng: torch.Generator) -> None:
    z, alpha = z[0], 0.3
    x = magnitude_prox(z, tv_denoise(alpha))  # type: ignore[arg-type]

    def objective(s: Tensor) -> float:
        misfit = (s - z).abs().square().sum()
        return float(alpha * total_variation(s.abs(), n_axes=3) + 0.5 * misfit)

    best = objective(x)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(20):
            change = torch.randn(z.shape, dtype=z.dtype, generator=rng)
            assert objective(x + size * change) > best - 1e-9
            assert objective(x * torch.exp(1j * size * change.real)) > best - 1e-9
    assert best < objective(z) and best < objective(torch.zeros_like(z))


def test_phases_pass_through_voxel_by_voxel(z: Tensor, rng: torch.Generator) -> None:
    phase = torch.exp(6.28j * torch.rand(z.shape, dtype=torch.float64, generator=rng))
    denoise = tv_denoise(0.3, 50)
    turned = magnitude_prox(z * phase, denoise)  # type: ignore[arg-type]
    expected = magnitude_prox(z, denoise)  # type: ignore[arg-type]
    seen = z.abs() > 0  # a zero has no phase to pass on
    torch.testing.assert_close(turned[seen], (expected * phase)[seen])


def test_zero_has_phase_zero_and_negative_values_are_clipped(z: Tensor) -> None:
    raised = magnitude_prox(z, lambda m: m + 1)
    assert raised[0, 1, 2, 3] == 1 and raised.isfinite().all()
    assert not magnitude_prox(z, lambda m: -m).abs().any()
    tiny = torch.full((2,), 1e-42j, dtype=torch.complex64)
    assert magnitude_prox(tiny, lambda m: m).isfinite().all()
    assert magnitude_prox(tiny, lambda m: m).dtype == torch.complex64

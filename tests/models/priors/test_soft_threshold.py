import pytest
import torch

from proxflow.models.priors.soft_threshold import soft_threshold


def test_soft_threshold_shrinks_the_modulus_and_keeps_the_phase() -> None:
    z = torch.tensor([3 + 4j, -0.3 + 0.4j, 0.6 - 0.8j, 0j], dtype=torch.complex128)
    expected = torch.tensor([0.8 * (3 + 4j), 0, 0, 0], dtype=torch.complex128)
    torch.testing.assert_close(soft_threshold(z, 1.0), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.float32, torch.complex128])
def test_soft_threshold_meets_its_optimality_condition(rng: torch.Generator, dtype: torch.dtype) -> None:
    z = torch.randn(5, 7, 3, dtype=dtype, generator=rng)
    x = soft_threshold(z, 0.7)
    zero = x == 0
    assert zero.any() and (~zero).any() and x.dtype == dtype
    torch.testing.assert_close((z - x)[~zero], 0.7 * torch.sgn(x)[~zero])
    assert (z[zero].abs() <= 0.7).all()


def test_soft_threshold_at_zero_and_with_no_threshold(rng: torch.Generator) -> None:
    z = torch.randn(4, 3, dtype=torch.complex64, generator=rng)
    assert torch.equal(soft_threshold(z, 0.0), z)
    assert torch.equal(soft_threshold(torch.zeros_like(z), 0.5), torch.zeros_like(z))
    assert torch.equal(soft_threshold(torch.zeros_like(z), 0.0), torch.zeros_like(z))


@pytest.mark.parametrize("lam", [-1.0, float("nan")])
def test_soft_threshold_refuses(lam: float) -> None:
    with pytest.raises(ValueError, match="lam must be at least 0"):
        soft_threshold(torch.ones(2), lam)

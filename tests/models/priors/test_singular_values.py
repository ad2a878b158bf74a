import pytest
import torch

from proxflow.models.priors.singular_values import gram, largest_singular_value, singular_value_threshold


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(5, 23), (9, 4)])
def test_threshold_lowers_singular_values(
    dtype: torch.dtype, shape: tuple[int, int], rng: torch.Generator
) -> None:
    matrix = torch.randn(shape, dtype=dtype, generator=rng)
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    lam = float(s[2])
    found, norm = singular_value_threshold(matrix, lam)
    lowered = (s - lam).clamp_min(0)
    torch.testing.assert_close(found, (u * lowered) @ vh, rtol=1e-10, atol=1e-10)
    assert norm == pytest.approx(float(lowered.sum()))


def test_no_threshold_changes_nothing_and_a_high_one_leaves_nothing(rng: torch.Generator) -> None:
    matrix = torch.randn(4, 9, dtype=torch.complex64, generator=rng)
    torch.testing.assert_close(singular_value_threshold(matrix, 0.0)[0], matrix)
    found, norm = singular_value_threshold(matrix, 100.0)
    assert not found.any() and norm == 0
    assert found.dtype == torch.complex64
    with pytest.raises(ValueError, match="lam must be at least 0, got -1"):
        singular_value_threshold(matrix, -1)


def test_gram_in_pieces_is_the_whole(rng: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = torch.randn(3, 50, dtype=torch.complex64, generator=rng)
    monkeypatch.setattr("proxflow.models.priors.singular_values.CHUNK_BYTES", 7 * 3 * 16)
    exact = matrix.to(torch.complex128)
    torch.testing.assert_close(gram(matrix), exact @ exact.mH)
    assert largest_singular_value(matrix) == pytest.approx(float(torch.linalg.svdvals(exact)[0]))

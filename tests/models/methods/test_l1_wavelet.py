from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.l1_wavelet import l1_wavelet
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.wavelet import Wavelet


def test_l1_wavelet_of_few_measurements_meets_the_subgradient_conditions(dense: Any, y: Tensor) -> None:
    """Fewer than the pixels, as in compressed sensing: thousands of iterations."""
    check_subgradient(dense, y[2], "haar", 6000)


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_l1_wavelet_meets_the_subgradient_conditions(
    overdetermined: Any, many_y: Tensor, wavelet: str
) -> None:
    check_subgradient(overdetermined, many_y[2], wavelet, 500)


def check_subgradient(dense: Any, y: Tensor, wavelet: str, n_iter: int) -> None:
    """W A^H (A x - y) = -lam sign(W x) where W x is not 0, at most lam where it is, 0 on the coarse block."""
    lam = 0.02
    result = l1_wavelet(dense, y, n_iter=n_iter, lam=lam, tol=0, wavelet=wavelet, levels=2)
    transform = Wavelet((9, 7), wavelet=wavelet, levels=2)
    rows, columns = transform.approximation_shape
    gradient = transform.forward(dense.adjoint(dense.forward(result.image) - y))
    coefficients = transform.forward(result.image)
    detail = torch.ones(9, 7, dtype=torch.bool)
    detail[:rows, :columns] = False
    active = detail & (coefficients.abs() > 1e-9)
    rest = detail & ~active
    assert active.any() and rest.any()
    torch.testing.assert_close(gradient[active], -lam * torch.sgn(coefficients[active]), rtol=0, atol=1e-7)
    assert gradient[rest].abs().max() <= lam + 1e-7
    assert gradient[:rows, :columns].abs().max() < 1e-7
    misfit = (dense.forward(result.image) - y).abs().square().sum()
    objective = 0.5 * misfit + lam * coefficients[detail].abs().sum()
    assert result.trace[-1].objective == pytest.approx(objective.item(), rel=1e-9)


def test_more_levels_than_halvings_are_refused(dense: Any, y: Tensor) -> None:
    with pytest.raises(UnsuitableError, match="levels must be at most 3 for 9 x 7 pixels, got 4"):
        l1_wavelet(dense, y, levels=4)

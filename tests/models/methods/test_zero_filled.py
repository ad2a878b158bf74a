from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.scaling import data_scale
from proxflow.models.methods.zero_filled import zero_filled
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration


def test_zero_filled_is_the_adjoint_in_one_iteration(dense: Any, y: Tensor) -> None:
    seen: list[tuple[Iteration, tuple[Tensor, ...]]] = []
    result = zero_filled(dense, y, monitor=lambda iteration, state: seen.append((iteration, state)))
    residual = (dense.forward(dense.adjoint(y)) - y).norm()
    assert torch.equal(result.image, dense.adjoint(y))
    assert [report for report, _ in seen] == result.trace
    assert result.trace[0][:2] == (1, 1) and result.trace[0].relative_change == 1.0
    assert result.trace[0].data_residual == pytest.approx((residual / y.norm()).item())
    assert result.trace[0].objective == pytest.approx(0.5 * residual.item() ** 2)
    resumed = zero_filled(dense, y, resume=Checkpoint(1, seen[0][1], result.trace))
    assert torch.equal(resumed.image, result.image) and resumed.trace == result.trace


def test_zero_filled_refuses_nan(dense: Any, y: Tensor) -> None:
    with pytest.raises(DivergenceError, match="iteration 1"):
        zero_filled(dense, torch.full_like(y, torch.nan))


def test_data_scale_is_the_largest_modulus_of_the_adjoint(dense: Any, y: Tensor) -> None:
    assert data_scale(dense, 5 * y) == pytest.approx(5.0)
    assert data_scale(dense, torch.zeros_like(y)) == 1.0
    with pytest.raises(ValueError, match="must be finite"):
        data_scale(dense, torch.full_like(y, torch.nan))

from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.cg_sense import cg_sense


@pytest.mark.parametrize("lam", [0.03, 1e-3])
def test_cg_sense_meets_a_dense_solve(dense: Any, y: Tensor, lam: float) -> None:
    M = dense.matrix
    identity = torch.eye(63, dtype=torch.complex128)
    expected = torch.linalg.solve(M.mH @ M + lam * identity, dense.adjoint(y).flatten(-2).mT)
    expected = expected.mT.reshape(3, 9, 7)
    result = cg_sense(dense, y, n_iter=200, lam=lam, tol=1e-14)
    assert (result.image - expected).norm() < 1e-10 * expected.norm()
    misfit = (dense.forward(expected) - y).abs().square().sum()
    objective = 0.5 * misfit + 0.5 * lam * expected.abs().square().sum()
    assert result.trace[-1].objective == pytest.approx(objective.item(), rel=1e-10)


def test_cg_sense_without_penalty_is_the_least_norm_solution(dense: Any, y: Tensor) -> None:
    expected = (y @ torch.linalg.pinv(dense.matrix).T).reshape(3, 9, 7)
    image = cg_sense(dense, y, n_iter=300, lam=0.0, tol=1e-13).image
    assert (image - expected).norm() < 1e-9 * expected.norm()

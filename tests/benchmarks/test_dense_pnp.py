import torch

from benchmarks.pnp_forms import Problem, dense, ours, soft
from benchmarks.pnp_iteration import whole
from proxflow.operators.dense import to_matrix
from proxflow.operators.mills_cross import mills_cross
from proxflow.operators.operator_norm import operator_norm


def test_dense_iteration_is_ours_with_conjugate_gradients(rng: torch.Generator) -> None:
    array = mills_cross(3, (5, 4, 3), n_transmitters=3, n_receivers=2)
    operator = (1 / operator_norm(array)) * array
    y = operator.forward(torch.randn(operator.domain_shape, dtype=torch.complex64, generator=rng))
    start = operator.adjoint(y)
    problem = Problem(operator, y, start / start.abs().max(), 0.1 * float(y.norm()), 3)
    matrix = to_matrix(operator, dtype=torch.complex64).to(torch.complex128)
    image, count = whole(dense(problem, matrix, soft), 8)
    other, other_count = whole(ours(problem, "cg", soft), 8)
    assert count == other_count == 8
    assert float((image - other).norm() / image.norm()) < 1e-4
    exact, _ = whole(ours(problem, "woodbury", soft), 200)
    inexact, _ = whole(dense(problem, matrix, soft), 200)
    assert float((exact - inexact).norm() / exact.norm()) < 0.02

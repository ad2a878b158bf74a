"""Deep2S: one pass of a network over the adjoint image."""

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.deep2s import deep2s
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.mills_cross import mills_cross

SHAPE = (6, 5, 4)


class Squared(torch.nn.Module):
    """Sharpens, and remembers what it saw."""

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        return x**2


def test_it_is_the_network_of_the_adjoint_magnitude_at_the_best_scale() -> None:
    operator, network = mills_cross(3, SHAPE, n_transmitters=3, n_receivers=4), Squared()
    x = torch.zeros(2, *SHAPE, dtype=torch.complex64)
    x[0, 2, 3, 1], x[1, 4, 1, 2] = 3j, 1.0
    y = operator.forward(x)
    found = deep2s(operator, y, network=network)
    adjoint = operator.adjoint(y)
    peaks = adjoint.abs().amax((1, 2, 3), keepdim=True)
    assert network.seen.shape == (2, 1, *SHAPE)
    torch.testing.assert_close(network.seen[:, 0], adjoint.abs() / peaks)  # each by its own maximum
    shape = (adjoint.abs() / peaks) ** 2 * adjoint / adjoint.abs()
    seen = operator.forward(shape)
    scale = (seen.conj() * y).sum((1, 2, 3)) / seen.abs().square().sum((1, 2, 3))
    torch.testing.assert_close(found.image, scale[:, None, None, None] * shape, rtol=1e-4, atol=1e-5)
    assert [int(image.abs().argmax()) for image in found.image] == [int(item.abs().argmax()) for item in x]
    assert 0 < found.trace[0].data_residual < 1


def test_images_no_signal_and_nan() -> None:
    operator = mills_cross(3, SHAPE, n_transmitters=3, n_receivers=4)
    y = torch.zeros(operator.range_shape, dtype=torch.complex64)
    assert not deep2s(operator, y, network=Squared()).image.any()
    with pytest.raises(DivergenceError):
        deep2s(operator, torch.full_like(y, torch.nan), network=Squared())
    plane = MatrixOperator(torch.eye(12, dtype=torch.complex64), (3, 4), (12,))
    with pytest.raises(UnsuitableError, match=r"image must be a volume of 4 voxels or more .* got 3 x 4"):
        deep2s(plane, torch.zeros(12, dtype=torch.complex64), network=Squared())

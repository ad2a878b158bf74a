import pytest
import torch
from torch import Tensor

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.frame_operator import FrameOperator


class DenseFrames(FrameOperator):
    """A matrix per frame; views are pairs of rows."""

    def __init__(self, matrices: Tensor, mask: Tensor) -> None:
        super().__init__(mask, (matrices.shape[-1],), (mask.shape[1], matrices.shape[-2] // mask.shape[1]))
        self.register_buffer("matrices", matrices)

    def spread(self, mask: Tensor) -> Tensor:
        return mask[..., None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames] @ x[..., None])[..., 0].unflatten(-1, self.frame_range)

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames].mH @ y.flatten(1)[..., None])[..., 0]


@pytest.fixture
def dense(rng: torch.Generator) -> DenseFrames:
    matrices = torch.randn(5, 6, 7, dtype=torch.complex128, generator=rng)
    mask = torch.rand(5, 3, generator=rng) > 0.3
    mask[2] = False
    return DenseFrames(matrices, mask)


def test_frame_operator_adjoint(dense: DenseFrames, rng: torch.Generator) -> None:
    assert_adjoint(dense, rng)
    assert_adjoint(-2.5 * dense, rng)


def test_pieces_make_the_whole_and_masked_views_are_zero(dense: DenseFrames, rng: torch.Generator) -> None:
    x = torch.randn(2, 5, 7, dtype=torch.complex128, generator=rng)
    y = dense.forward(x)
    pieces = [dense.forward_of(x[1, start : start + 2], slice(start, start + 2)) for start in (0, 2, 4)]
    torch.testing.assert_close(torch.cat(pieces), y[1])
    assert not y[:, ~dense.mask].any() and not y[:, 2].any()


def test_multiples_and_other_masks_leave_the_first_as_it_was(
    dense: DenseFrames, rng: torch.Generator
) -> None:
    x = torch.randn(5, 7, dtype=torch.complex128, generator=rng)
    before, mask = dense.forward(x), dense.mask.clone()
    doubled, whole = 2 * dense, dense.with_mask(torch.ones_like(mask))
    assert isinstance(doubled, DenseFrames) and isinstance(-doubled, DenseFrames)
    torch.testing.assert_close(doubled.forward(x), 2 * before)
    torch.testing.assert_close(whole.masked(whole.forward(x)) * mask[..., None], before)
    assert torch.equal(dense.mask, mask) and torch.equal(dense.forward(x), before)


def test_a_mask_of_another_shape_is_refused(dense: DenseFrames) -> None:
    with pytest.raises(ValueError, match=r"mask must be bool \(5, 3\), got torch.bool \(4, 3\)"):
        dense.with_mask(torch.ones(4, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="mask must be bool"):
        DenseFrames(torch.ones(2, 4, 3), torch.ones(2, 2))

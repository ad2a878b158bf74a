"""Patches put together: exact counts, and the whole image's result away from seams."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.network import NetworkDenoiser
from proxflow.models.denoisers.patches import PatchDenoiser
from proxflow.models.networks.dncnn import DnCNN


@pytest.mark.parametrize("size", [(7, 9), (8, 8), (20, 13), (3, 30), (1, 1)])
@pytest.mark.parametrize("stride", [1, 3, 8])
def test_patches_of_the_identity_give_the_image_back(
    size: tuple[int, int], stride: int, rng: torch.Generator
) -> None:
    images = torch.rand(2, *size, dtype=torch.float64, generator=rng)
    torch.testing.assert_close(PatchDenoiser(lambda x: x, side=8, stride=stride)(images), images)


def test_overlaps_are_averaged_by_their_true_counts() -> None:
    seen: list[Tensor] = []

    def numbered(images: Tensor) -> Tensor:
        seen.append(images)
        return torch.full_like(images, len(seen))

    found = PatchDenoiser(numbered, side=4, stride=3)(torch.zeros(1, 1, 6))
    assert len(seen) == 2 and all(part.shape == (1, 1, 4) for part in seen)
    assert found.flatten().tolist() == [1, 1, 1.5, 1.5, 2, 2]


def test_a_network_on_patches_is_that_of_the_whole_image_away_from_seams(rng: torch.Generator) -> None:
    images = torch.rand(1, 48, 61, generator=rng)
    whole = NetworkDenoiser(DnCNN())
    patches = PatchDenoiser(whole, side=40, stride=40)
    difference = (patches(images) - whole(images)).abs()[0]
    near = torch.zeros(48, 61, dtype=torch.bool)  # within the 8 pixels a network looks, of an inner edge
    for rows, columns in patches.windows((48, 61)):
        patch = torch.ones(48, 61, dtype=torch.bool)
        inner_rows = slice(rows.start + 8 * (rows.start > 0), rows.stop - 8 * (rows.stop < 48))
        inner_columns = slice(columns.start + 8 * (columns.start > 0), columns.stop - 8 * (columns.stop < 61))
        patch[inner_rows, inner_columns] = False
        patch[: rows.start] = patch[rows.stop :] = False
        patch[:, : columns.start] = patch[:, columns.stop :] = False
        near |= patch
    assert 0 < near.sum() < near.numel()
    assert difference[~near].max() < 1e-6
    assert difference[near].max() > 1e-4


def test_a_stride_that_leaves_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="stride must be at least 1 and at most side 8, got 9"):
        PatchDenoiser(lambda x: x, side=8, stride=9)

"""The calibration region is found and cut about DC."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.calibration.acs import central_block, find_acs


@pytest.mark.parametrize("shape", [(20, 15), (15, 20), (9, 9)])
@pytest.mark.parametrize("block", [(4, 6), (5, 3), (1, 1), (8, 9)])
def test_find_acs_returns_the_block_that_central_block_cuts(
    shape: tuple[int, int], block: tuple[int, int]
) -> None:
    mask = torch.zeros(shape, dtype=torch.bool)
    central_block(mask, block)[:] = True
    assert mask.sum() == block[0] * block[1]
    assert mask[shape[0] // 2, shape[1] // 2]
    assert find_acs(mask) == block


def test_find_acs_of_a_full_grid_and_of_lines() -> None:
    assert find_acs(torch.ones(12, 7, dtype=torch.bool)) == (12, 7)
    lines = torch.zeros(12, 7, dtype=torch.bool)
    lines[4:8] = True
    lines[0] = True
    assert find_acs(lines) == (4, 7)
    assert find_acs(lines.T) == (7, 4)


def test_find_acs_takes_the_largest_area_not_the_first_gap() -> None:
    mask = torch.ones(15, 15, dtype=torch.bool)
    mask[7, 2] = False  # limits whole rows to 9 columns: 15 x 9
    mask[3, 7] = False  # limits the columns to 7 rows
    assert find_acs(mask) == (7, 9)


def test_find_acs_without_dc_is_empty() -> None:
    mask = torch.ones(8, 8, dtype=torch.bool)
    mask[4, 4] = False
    assert find_acs(mask) == (0, 0)


def test_bad_masks_and_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="mask must be bool with axes"):
        find_acs(torch.ones(4, 4))
    with pytest.raises(ValueError, match=r"acs_shape must lie between \(1, 1\) and the k-space's \(8, 6\)"):
        central_block(torch.ones(3, 8, 6), (9, 4))

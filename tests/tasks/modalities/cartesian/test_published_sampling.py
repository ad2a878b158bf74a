"""The sampling of ReconResNet as steps of a recipe: which mask, what is said of it, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from proxflow.configs.prepare import PrepareStep
from proxflow.data.masks.centre_block import centre_mask, cut_lines_mask
from proxflow.data.masks.gaussian_lines import gaussian_line_mask, stepped_line_mask
from proxflow.data.masks.gaussian_points import disc_gaussian_mask, two_gaussian_mask
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.cartesian.published_sampling import published_mask

FULL = (256, 256)
WIDE = (64, 90)


def step(kind: str, **numbers: Any) -> Any:
    return TypeAdapter(PrepareStep).validate_python({"kind": kind, **numbers})


@pytest.mark.parametrize(
    ("asked", "shape", "expected"),
    [
        (step("undersample_gaussian", seed=3), FULL, gaussian_line_mask(FULL, 0.3, seed=3)),
        (
            step("undersample_gaussian", fraction=0.2, peak=0.9),
            WIDE,
            gaussian_line_mask(WIDE, 0.2, seed=0, peak=0.9),
        ),
        (
            step("undersample_gaussian", pattern="two_gaussians", fraction=0.15, seed=1),
            WIDE,
            two_gaussian_mask(WIDE, 0.15, seed=1),
        ),
        (
            step("undersample_gaussian", pattern="disc", fraction=0.05, centre=0.02, peak=0.4, seed=2),
            WIDE,
            disc_gaussian_mask(WIDE, 0.05, seed=2, centre=0.02, peak=0.4),
        ),
        (step("undersample_steps"), FULL, stepped_line_mask(FULL, 4)),
        (step("undersample_steps", step=6), WIDE, stepped_line_mask(WIDE, 6)),
        (step("keep_centre"), WIDE, centre_mask(WIDE, 0.25)),
        (step("keep_centre", fraction=0.1, keeps="square"), WIDE, centre_mask(WIDE, 0.1, keeps="square")),
        (step("keep_centre", cut_lines=9), WIDE, cut_lines_mask(WIDE, 9)),
    ],
)
def test_a_step_is_its_generator_and_says_the_exact_acceleration(
    asked: Any, shape: tuple[int, int], expected: np.ndarray
) -> None:
    mask, done = published_mask(asked, shape)
    np.testing.assert_array_equal(mask, expected)
    assert f"R = {mask.size / mask.sum():.3f} ({mask.mean():.2%}" in done
    seed = getattr(asked, "seed", None)
    assert seed is None or f"seed {seed}" in done


def test_a_centre_is_kept_beside_the_pattern_of_lines_its_whole_lines() -> None:
    lines, _ = published_mask(step("undersample_steps", acs=[20, 4]), WIDE)
    assert (lines == lines[:, :1]).all() and lines[22:42].all()
    points, done = published_mask(step("undersample_gaussian", pattern="disc", acs=[20, 12]), WIDE)
    assert points[22:42, 39:51].all() and not points[22:42].all()
    assert "the centre 20 x 12" in done


def test_a_centre_is_kept_by_one_number() -> None:
    with pytest.raises(ValidationError, match="must be left out where fraction is given, got 9"):
        step("keep_centre", fraction=0.25, cut_lines=9)


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (step("undersample_steps"), True),
        (step("undersample_gaussian"), True),
        (step("undersample_gaussian", pattern="two_gaussians"), False),
        (step("undersample_gaussian", pattern="disc"), False),
    ],
)
def test_a_step_knows_whether_it_keeps_whole_lines(asked: Any, lines: bool) -> None:
    assert asked.whole_lines == lines
    mask, _ = published_mask(asked, FULL)
    assert (mask == mask[:, :1]).all() == lines


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            step("undersample_gaussian", pattern="two_gaussians", fraction=0.05),
            "prepare undersample_gaussian: fraction must be above 0, at most 1 and leave room for the G",
        ),
        (step("undersample_steps", acs=[70, 4]), r"prepare undersample_steps: acs_shape must lie between"),
        (step("keep_centre", cut_lines=32), "prepare keep_centre: n_lines must be from 0 to 31, got 32"),
    ],
)
def test_what_does_not_fit_the_matrix_is_refused_in_one_sentence(asked: Any, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        published_mask(asked, WIDE)


@pytest.mark.parametrize(
    "numbers",
    [
        {"kind": "undersample_gaussian", "fraction": 0},
        {"kind": "undersample_gaussian", "fraction": 1.1},
        {"kind": "undersample_gaussian", "pattern": "poisson_disc"},
        {"kind": "undersample_gaussian", "acceleration": 4},
        {"kind": "undersample_steps", "step": 0},
        {"kind": "keep_centre", "keeps": "round"},
    ],
)
def test_numbers_out_of_range_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PrepareStep).validate_python(numbers)

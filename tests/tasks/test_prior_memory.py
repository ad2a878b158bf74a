"""What diffusion models add to the memory of a run, before it is started."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.told_level import LevelTv
from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.prior_denoiser import PriorDenoiser
from proxflow.operators.dense import MatrixOperator
from proxflow.tasks.prior_memory import prior_bytes


def taken(image: Tensor, *, gradient: bool = False) -> int:
    return image.numel() * image.element_size() * (100 if gradient else 10)


def eps(x: Tensor, level: Any) -> Tensor:
    return x


@pytest.mark.parametrize(
    ("samples", "gradient", "memory", "at_once"),
    [(1, False, None, 3), (2, False, None, 6), (4, False, None, 8), (1, True, None, 3), (1, True, 17_000, 2)],
)
def test_weights_and_images_that_are_in_it_at_once_count(
    samples: int, gradient: bool, memory: int | None, at_once: int
) -> None:
    """Three slices of 4 x 5 pixels of 4 bytes."""
    operator = MatrixOperator(torch.zeros(7, 60), (3, 4, 5), (7,))
    prior = ImagePrior(eps, image_bytes=taken, weight_bytes=1000, memory_bytes=memory)
    numbers = {"prior": prior, "samples": samples}
    found = prior_bytes(numbers, operator, torch.float32, gradient=gradient)
    assert found == 1000 + at_once * (8000 if gradient else 800)


def test_weights_count_twice_where_reading_them_takes_more_than_images() -> None:
    operator = MatrixOperator(torch.zeros(7, 20), (4, 5), (7,))
    prior = ImagePrior(eps, image_bytes=taken, weight_bytes=5000)
    assert prior_bytes({"prior": prior}, operator, torch.float32, gradient=False) == 2 * 5000


def test_denoisers_count_where_they_are_diffusion_models() -> None:
    operator = MatrixOperator(torch.zeros(7, 20), (4, 5), (7,))
    denoiser = PriorDenoiser(ImagePrior(eps, image_bytes=taken, weight_bytes=1000))
    assert prior_bytes({"denoiser": denoiser}, operator, torch.complex64, gradient=False) == 1000 + 1600
    assert prior_bytes({"denoiser": LevelTv()}, operator, torch.complex64, gradient=False) == 0
    assert prior_bytes({}, operator, torch.complex64, gradient=False) == 0

"""The unit in which priors see images, found in images and in measurements."""

from __future__ import annotations

import torch

from proxflow.models.calibration.image_unit import bright, image_unit
from proxflow.operators.dense import MatrixOperator


def test_unit_is_the_bright_part_of_the_image(rng: torch.Generator) -> None:
    x = torch.rand(2, 40, 25, dtype=torch.float64, generator=rng) * torch.tensor([1.0, 6.0])[:, None, None]
    torch.testing.assert_close(
        bright(x, 2), torch.tensor([0.995, 5.97], dtype=torch.float64), rtol=0.01, atol=0
    )
    assert bright(torch.zeros(4, 4), 2) == 1
    unitary = torch.linalg.qr(torch.randn(1000, 1000, dtype=torch.float64, generator=rng))[0]
    operator = MatrixOperator(unitary, (40, 25), (1000,))
    torch.testing.assert_close(image_unit(operator, x), bright(x, 2), rtol=2e-3, atol=0)

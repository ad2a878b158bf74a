"""A synthetic multi-coil scan with known sensitivities."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from proxflow.operators.fourier import fft2c


class Scene(NamedTuple):
    kspace: Tensor  # complex128 (coil, ky, kx)
    coil_images: Tensor  # complex128 (coil, y, x)
    maps: Tensor  # complex128 (coil, y, x), sum_c |S_c|^2 = 1, S_0 real
    object: Tensor  # bool (y, x)


@pytest.fixture(scope="session")
def scene() -> Scene:
    """Five smooth coils around a textured ellipse of 72 x 60 pixels, no noise."""
    ny, nx, n_coils = 72, 60, 5
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, ny, dtype=torch.float64),
        torch.linspace(-1, 1, nx, dtype=torch.float64),
        indexing="ij",
    )
    angle = 2 * torch.pi * torch.arange(n_coils, dtype=torch.float64)[:, None, None] / n_coils
    centre_y, centre_x = 1.2 * torch.sin(angle), 1.2 * torch.cos(angle)
    strength = torch.exp(-((y - centre_y) ** 2 + (x - centre_x) ** 2) / 2.5)
    maps = torch.polar(strength, 0.8 * x * torch.cos(angle) - 0.6 * y * torch.sin(angle) + angle)
    maps = maps * torch.polar(torch.ones_like(strength[0]), -maps[0].angle())
    maps = maps / torch.linalg.vector_norm(maps, dim=0)
    inside = (y / 0.75) ** 2 + (x / 0.7) ** 2 < 1
    image = inside * (1 + 0.4 * torch.cos(9 * y + 4 * x) + 0.3 * torch.sin(13 * x) * y)
    coil_images = maps * torch.polar(image, 0.7 * y)
    return Scene(fft2c(coil_images), coil_images, maps, inside)

"""Methods for images whose smooth phase is taken off: what priors meet, what comes out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.noise_levels import NoiseLevel
from proxflow.models.methods.cgls import cgls
from proxflow.models.methods.dds_of_item import dds_of_item
from proxflow.models.methods.pnp_admm import pnp_admm
from proxflow.models.methods.red import red
from proxflow.models.methods.samplers_of_item import dps_of_item, score_mri_of_item
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.methods.without_phase import without_phase
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.dense import MatrixOperator

N = 24


class RealImages:
    """A prior, and a denoiser, of real images: it takes off what is imaginary, and half of all noise."""

    def __init__(self) -> None:
        self.met: list[Tensor] = []

    def denoised(self, images: Tensor, sigma: float) -> Tensor:
        self.met.append(images.detach())
        return torch.complex(images.real, torch.zeros_like(images.real)) / (1 + 0.5 * sigma**2)

    def traced(self, x: Tensor, level: NoiseLevel) -> Tensor:
        clean = self.denoised(x / level.signal, level.noise / level.signal)
        return (x - level.signal * clean) / level.noise

    __call__ = traced


def samplers(prior: RealImages) -> dict[str, Any]:
    image_prior = ImagePrior(prior)
    return {
        "dds": (dds_of_item, {"prior": image_prior}),
        "score_mri": (score_mri_of_item, {"prior": image_prior}),
        "dps": (dps_of_item, {"prior": image_prior}),
        "red": (red, {"denoiser": prior.denoised}),
        "pnp_admm": (pnp_admm, {"denoiser": prior.denoised}),
    }


@pytest.fixture
def disc() -> tuple[CartesianSense, Tensor, Tensor]:
    """All of k-space; a magnitude, and a phase of several turns."""
    axis = torch.linspace(-1, 1, N, dtype=torch.float64)
    noise = torch.rand(N, N, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    magnitude = (axis[:, None] ** 2 + axis**2 < 0.7) * (1 + 0.1 * noise)
    phase = torch.exp(1j * (2.5 + 3 * axis[:, None] - 2 * axis + axis[:, None] * axis))
    maps = torch.ones(1, N, N, dtype=torch.complex128)
    return CartesianSense(torch.ones(N, N, dtype=torch.bool), maps), magnitude, phase


@pytest.mark.parametrize("name", list(samplers(RealImages())))
def test_a_prior_of_real_images_serves_images_of_any_phase(name: str, disc: Any) -> None:
    """It meets hardly any phase; a constant passes through, which noise drawn beside it would not let it."""
    operator, magnitude, turn = disc
    prior = RealImages()
    method, numbers = samplers(prior)[name]

    def found(turn: Tensor, phase: str) -> Tensor:
        y = operator.forward(magnitude * turn)
        image: Tensor = without_phase(method, operator, y, phase=phase, n_iter=6, **numbers).image  # type: ignore[arg-type]
        return image

    plain, seen = found(turn, "smooth"), prior.met[-1][0]
    torch.testing.assert_close(found(1j * turn, "smooth"), 1j * plain)
    kept = found(turn, "kept")
    assert float((found(1j * turn, "kept") - 1j * kept).norm() / kept.norm()) > 0.02
    if name in ("dds", "red", "pnp_admm"):  # which are near the data from the first iterations on
        assert float(seen[magnitude > 0].angle().square().mean().sqrt()) < 0.3
        error, otherwise = (float((one - magnitude * turn).norm()) for one in (plain, kept))
        assert error < 0.5 * otherwise


def test_a_method_that_diverges_leaves_its_last_image_with_the_phase(disc: Any) -> None:
    operator, magnitude, turn = disc
    y = operator.forward(magnitude * turn)

    def broken(images: Tensor, sigma: float) -> Tensor:
        return images * torch.nan

    with pytest.raises(DivergenceError) as caught:
        without_phase(red, operator, y, phase="smooth", denoiser=broken)
    torch.testing.assert_close(caught.value.last_good, magnitude * turn, rtol=0, atol=0.01)


def test_phases_of_real_images_are_refused(rng: torch.Generator) -> None:
    operator = MatrixOperator(torch.randn(15, 30, dtype=torch.float64, generator=rng), (6, 5), (15,))
    y = torch.randn(15, dtype=torch.float64, generator=rng)
    with pytest.raises(UnsuitableError, match="phase must be kept where images are real, got smooth"):
        without_phase(cgls, operator, y, phase="smooth", n_iter=2)
    assert torch.equal(without_phase(cgls, operator, y, n_iter=2).image, cgls(operator, y, n_iter=2).image)

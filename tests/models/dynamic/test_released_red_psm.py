"""The released code's semantics, against a small program that does literally what section 5.2 says."""

import math

import pytest
import torch
from torch import Tensor

from proxflow.models.dynamic.released_scale import PEAK, disc, released_scale
from proxflow.models.dynamic.series_denoiser import object_peak
from proxflow.models.dynamic.start_factors import start_factors
from proxflow.models.dynamic.temporal_bases import temporal_basis
from proxflow.models.methods.red_psm import red_psm
from proxflow.models.solvers.iteration import Iteration
from proxflow.operators.frame_projections import FrameProjections

T, J, RANK, KNOTS = 8, 12, 3, 5
N_IN, LR = 6, 5e-3
LAM = BETA = 2e-4
XI = CHI = 1e-6


def soften(images: Tensor) -> Tensor:
    """A denoiser that is not linear and not the identity at 0."""
    return 0.9 * images + 0.02 * torch.tanh(images.roll(1, -1)) + 0.001


def pixel_projections() -> FrameProjections:
    angles = math.pi * torch.tensor([0, 4, 2, 6, 1, 5, 3, 7])[:, None] / 8
    return FrameProjections((J, J), angles.numpy(), J)


def literal(
    operator: FrameProjections, g: Tensor, spatial: Tensor, knots: Tensor, n_out: int
) -> list[Tensor]:
    """f after each outer iteration, in the code's units: g of rays in pixels, of an object of peak 0.0718."""
    basis, mask = temporal_basis("spline", T, KNOTS), disc((J, J))
    lam, z = spatial.clone().requires_grad_(), knots.clone().requires_grad_()
    optimiser = torch.optim.Adam([lam, z], lr=LR)
    f, gamma, found = torch.zeros(T, J, J, dtype=torch.float64), 0.0, []
    for _ in range(n_out):
        for _ in range(N_IN):
            psi = basis @ z
            f_psm = torch.einsum("tk,kyx->tyx", psi, lam) * mask
            f_psm = f_psm.clamp_min(0)
            loss = (operator.forward(f_psm) - g).square().mean()
            loss = loss + BETA / 2 * torch.linalg.vector_norm(f_psm - f + gamma)
            loss = loss + XI * psi.square().mean() + CHI * lam.square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        x = f_psm.detach()  # of before the last step
        denoised = soften(f / PEAK) * PEAK
        f = (LAM * denoised + BETA * (x + gamma)) / (LAM + BETA) * mask
        gamma = gamma + x - f
        found.append(f)
    return found


def test_released_semantics_are_literally_those_of_the_code() -> None:
    operator = pixel_projections()
    rows, columns = torch.meshgrid(*2 * [torch.linspace(-1, 1, J, dtype=torch.float64)], indexing="ij")
    time = torch.linspace(0, 1, T, dtype=torch.float64)[:, None, None]
    y = operator.forward((0.7 - rows**2 - (columns - 0.3 * time) ** 2).clamp_min(0))

    seen: list[Tensor] = []

    def keep(report: Iteration, state: tuple[Tensor, ...]) -> None:
        seen.append(state[2])

    result = red_psm(
        operator, y, denoiser=soften, semantics="released", lam=LAM, beta=BETA, xi=XI, chi=CHI, n_inner=N_IN,
        n_functions=RANK, n_knots=KNOTS, field_of_view="disc", held_out_fraction=0.0, n_iter=5, tol=0.0,
        start="polynomial", monitor=keep,
    )  # fmt: skip
    basis, mask = temporal_basis("spline", T, KNOTS), disc((J, J))
    start = start_factors(operator, y, basis=basis, n_functions=RANK, kind="polynomial", seed=0)
    first = torch.einsum("tk,kyx->tyx", basis @ start.knots, start.spatial * mask)
    scale = released_scale(operator, object_peak(first))
    # the literal program gets data of rays in pixels, which the operator's are, to 3 % for so few
    assert scale.gain == pytest.approx(1, rel=0.03)
    pixels = scale.gain * operator
    assert isinstance(pixels, FrameProjections)
    g = scale.gain * scale.unit * y
    expected = literal(pixels, g, start.spatial * mask * scale.unit, start.knots, 5)
    for found, wanted in zip(seen, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(result.image, expected[-1] / scale.unit)
    assert float(seen[0].max()) > 0.2 * PEAK


def test_the_scale_is_found_for_an_operator_known_up_to_a_factor() -> None:
    operator = pixel_projections()
    scaled = 0.037 * operator
    assert isinstance(scaled, FrameProjections)
    held = scaled.with_mask(torch.zeros_like(operator.mask))
    for one in (scaled, held):
        scale = released_scale(one, 3.0)
        assert scale.gain * 0.037 == pytest.approx(1, rel=0.03)
        assert scale.unit * 3.0 == pytest.approx(PEAK)

"""The partially separable model of a series, without a learned prior: alone, or with total variation."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from proxflow.models.denoisers.tv import TvDenoiser
from proxflow.models.methods.red_psm import red_psm
from proxflow.models.methods.result import Reconstruction
from proxflow.operators.frame_operator import FrameOperator

BETA = 2e-4  # with a weaker prior or none slower steps predict better where they stop


def psm(operator: FrameOperator, y: Tensor, *, beta: float = BETA, **numbers: Any) -> Reconstruction:
    """min ||A L Psi^T - y||^2 / T + xi ||Psi||^2 + chi ||L||^2 over L and Psi = U Z.

    This is ``red_psm`` with lam = 0. Then f is L Psi^T + gamma, or its part >= 0, and the coupling pulls both
    factors to those of the iteration before: a proximal-point method, with longer steps for a smaller beta.

    Args:
        beta, numbers: of ``red_psm``, but for denoiser, lam and n_red.
    """
    return red_psm(operator, y, denoiser=_identity, lam=0.0, beta=beta, **numbers)


def psm_tv(
    operator: FrameOperator,
    y: Tensor,
    *,
    sigma: float = 0.02,
    lam: float = 2e-4,
    beta: float = BETA,
    **numbers: Any,
) -> Reconstruction:
    """``red_psm`` with total variation as D, of every frame on its own.

    Args:
        sigma: of the noise that ``TvDenoiser`` is made for, as a part of the object's peak.
        lam, beta, numbers: of ``red_psm``, but for denoiser.
    """
    return red_psm(operator, y, denoiser=TvDenoiser(sigma), lam=lam, beta=beta, **numbers)


def _identity(images: Tensor) -> Tensor:
    return images

"""The samplers that stand beside ``dds``, of one item of a scan: what its measurements must tell them."""

from __future__ import annotations

import math

from torch import Tensor

from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.item_setting import item_setting
from proxflow.models.diffusion.priors import DifferentiablePrior
from proxflow.models.methods.dps import dps
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.score_mri import Predictor, score_mri
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator

USUAL_PIXELS = 256**2  # of the images for which zeta is stated


def score_mri_of_item(
    operator: LinearOperator,
    y: Tensor,
    *,
    prior: ImagePrior,
    n_iter: int = 200,
    predictor: Predictor = "ancestral",
    snr: float = 0.16,
    n_correct: int = 1,
    data_weight: float = 1.0,
    last_data_weight: float = 0.2,
    seed: int = 0,
    item: int = 0,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """``score_mri``, with the unit and, if ``prior`` brings none, a spectrum from the measurements alone.

    Args:
        operator: A of norm 1, of one image (y, x) or one volume (z, y, x).
        y: its measurements, of shape ``range``; zeros were not measured.
        item: number of the item in its scan, which with ``seed`` decides its noise.

    Raises UnsuitableError where the prior does not go with the measurements.
    """
    setting = item_setting(operator, y, prior)
    return score_mri(
        operator,
        y,
        prior=setting.predict,
        n_iter=n_iter,
        process=prior.process,
        predictor=predictor,
        snr=snr,
        n_correct=n_correct,
        data_weight=data_weight,
        last_data_weight=last_data_weight,
        unit=setting.unit,
        seen=setting.seen,
        seed=seed,
        first_item=item,
        images_at_once=setting.images_at_once,
        monitor=monitor,
        resume=resume,
    )


def dps_of_item(
    operator: LinearOperator,
    y: Tensor,
    *,
    prior: ImagePrior,
    n_iter: int = 200,
    eta: float = 1.0,
    zeta: float = 5.0,
    seed: int = 0,
    item: int = 0,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """``dps``, with what ``score_mri_of_item`` takes from the measurements, and zeta sqrt(pixels) / 256.

    zeta: for images of 256 x 256 pixels; see ``dps``.

    Raises UnsuitableError where the prior has no gradient, or does not go with the measurements.
    """
    setting = item_setting(operator, y, prior, gradient=True)
    if not isinstance(setting.predict, DifferentiablePrior):
        raise UnsuitableError(
            "prior must be fourier-wiener or a network, whose gradient is known, got a denoiser"
        )
    return dps(
        operator,
        y,
        prior=setting.predict,
        n_iter=n_iter,
        process=prior.process,
        eta=eta,
        zeta=zeta * math.sqrt(math.prod(operator.domain_shape) / USUAL_PIXELS),
        unit=setting.unit,
        seen=setting.seen,
        seed=seed,
        first_item=item,
        images_at_once=setting.images_at_once,
        monitor=monitor,
        resume=resume,
    )

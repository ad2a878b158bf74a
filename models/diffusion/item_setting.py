"""What the measurements of one item tell a sampler beside themselves."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from proxflow.models.calibration.image_unit import bright, first_image
from proxflow.models.calibration.seen_voxels import seen_voxels
from proxflow.models.diffusion.fourier_wiener import FourierWiener
from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.own_spectrum import own_spectrum
from proxflow.models.diffusion.priors import DiffusionPrior
from proxflow.operators.base import LinearOperator


class ItemSetting(NamedTuple):
    """predict: the prior, with a spectrum from the measurements if it brought none.  unit: what is 1 to it.
    images_at_once: handed to it.

    seen: bool (*domain), see ``seen_voxels``.
    """

    predict: DiffusionPrior
    unit: float
    images_at_once: int
    seen: Tensor


def item_setting(
    operator: LinearOperator, y: Tensor, prior: ImagePrior, *, gradient: bool = False
) -> ItemSetting:
    """For A of norm 1, of one image (y, x) or volume (z, y, x), and its measurements y, of shape ``range``.

    gradient: whether one is taken through the prior, which takes more memory for every image.

    Raises UnsuitableError where the prior is not for such images.
    """
    b = operator.adjoint(y)
    prior.check(b)
    first = first_image(operator, b)
    unit = float(bright(first, len(operator.domain_shape)))
    predict = prior.predict
    if predict is None:
        slices = (first / unit).reshape(-1, *first.shape[-2:])
        predict = FourierWiener(own_spectrum(list(slices), (slices.shape[-2], slices.shape[-1])).to(b.device))
    at_once = prior.images_at_once(b, gradient=gradient)
    return ItemSetting(predict, unit, at_once, seen_voxels(operator, b))

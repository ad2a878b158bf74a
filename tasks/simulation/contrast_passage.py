"""A slice of the chest through which a contrast agent passes: attenuation that changes, and nothing moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, distance_transform_edt, label

from proxflow.tasks.simulation.attenuation import BODY_PER_MM, WATER_PER_MM, body_alone

BONE_PER_MM = 1.2 * WATER_PER_MM  # 200 HU
AIR_PER_MM = 0.1 * WATER_PER_MM  # -900 HU: below it no blood
THICKNESS = 1 / 3  # of the heart's: thinner tissue is cut off from it
VESSELS = 1 / 32  # of the image: soft tissue in the lungs that is less than twice as thick


class Passage(NamedTuple):
    """How the agent passes through a tissue: c(t) of ``gamma_variate``, and the part of it that is blood."""

    arrival: float
    shape: float
    width: float
    blood: float


LUNGS = Passage(0.05, 2.0, 0.08, 0.5)
VESSELS_OF_LUNGS = LUNGS._replace(blood=0.9)
HEART = Passage(0.15, 3.0, 0.08, 0.9)
OTHER = Passage(0.30, 2.0, 0.25, 0.1)


def contrast_passage(
    attenuation: NDArray[np.floating], n_frames: int, *, enhancement: float = 0.4
) -> NDArray[np.float64]:
    """Frames t = 0 .. T-1 of mu_t = mu (1 + e sum_k b_k m_k c_k(t/T)), with a peak of each c_k of 1.

    Four kinds of tissue k, told apart by attenuation: the lungs' tissue; thin soft tissue in it, their
    vessels; the thickest piece of soft tissue, which in the chest is the heart; and the rest. The agent comes
    to the lungs, then to the heart, then to the rest; b_k is the part that is blood, about 0.5, 0.9, 0.9 and
    0.1. Bone, air and what is outside the body stay as they are. So the series has four temporal functions or
    fewer, and frame q of one of T is frame k q of one of k T.

    Args:
        attenuation: mu, not negative, (y, x) in 1/mm, that of water being 0.02/mm.
        enhancement: e, what pure blood gains at most, as a part of its attenuation: 0.4 is 400 HU, as in an
            aorta after a bolus of iodine. 0 for no agent.

    Returns:
        (T, y, x).

    Raises ValueError if an argument does not fit, RequestError if the image shows no body.
    """
    if attenuation.ndim != 2 or n_frames < 1:
        raise ValueError(f"attenuation must be (y, x) and n_frames 1 at least, got {attenuation.shape}")
    if not 0 <= enhancement <= 2:
        raise ValueError(f"contrast must lie between 0 and 2, got {enhancement:g}")
    time = np.arange(n_frames) / n_frames
    frames = np.broadcast_to(attenuation.astype(np.float64), (n_frames, *attenuation.shape)).copy()
    for mask, passage in zip(tissues(attenuation), (LUNGS, VESSELS_OF_LUNGS, HEART, OTHER), strict=True):
        curve = gamma_variate(time, passage.arrival, passage.shape, passage.width)
        frames += enhancement * passage.blood * curve[:, None, None] * (mask * attenuation)
    return frames


def gamma_variate(
    time: NDArray[np.float64], arrival: float, shape: float, width: float
) -> NDArray[np.float64]:
    """c(t) = (s / (a w))^a exp(a - s / w), s = max(t - arrival, 0): 1 at its peak, t = arrival + a w.

    Source: Thompson et al., Circulation Research 14, 502 (1964), scaled to its peak.
    """
    since = np.maximum(time - arrival, 0.0)
    return np.asarray((since / (shape * width)) ** shape * np.exp(shape - since / width))


def tissues(attenuation: NDArray[np.floating]) -> tuple[NDArray[np.bool_], ...]:
    """Lungs, their vessels, heart, other soft tissue: (y, x) each, no pixel in two of them."""
    body = body_alone(attenuation)
    lungs = body & (attenuation > AIR_PER_MM) & (attenuation <= BODY_PER_MM)
    soft = body & (attenuation > BODY_PER_MM) & (attenuation < BONE_PER_MM)
    depth = distance_transform_edt(soft)
    least = THICKNESS * depth.max()
    pieces, _ = label(depth > least)
    core = pieces == pieces.ravel()[depth.argmax()]
    heart = soft & (distance_transform_edt(~core) <= least)
    within = binary_closing(lungs, iterations=max(1, round(VESSELS * min(attenuation.shape))))
    vessels = soft & within & ~heart
    return lungs, vessels, heart, soft & ~heart & ~vessels

"""The registry that joins a method's schema (configs) with its implementation (models): one line each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from proxflow.models.methods.result import Reconstruction


class Method(NamedTuple):
    """Where a method is; ``direct``: it is given unscaled operator and data, as a formula in
    physical units, or one that finds its own unit.

    ``opens``: its argument ``denoiser``, ``network`` or ``prior``, named in its schema, is opened: a denoiser
    of single images, one of magnitudes or of images that is told the noise's level, Deep2S, a diffusion
    prior, a learned proximal network, or a network that takes artefacts out of images.
    ``phase``: its schema's ``phase`` is seen to around it, by ``without_phase``.
    ``told``: it is also told ``item``, the item's number in the scan, ``noise_std``, a number or None, or
    ``certified``, whether its image is delivered, so that a certificate is wanted, or ``image_scale``, what 1
    of its image is in the unit of the object.
    """

    function: str
    direct: bool = False
    opens: Literal["", "denoiser", "level", "image", "deep2s", "prior", "prox", "reconresnet"] = ""
    told: tuple[Literal["item", "noise_std", "certified", "image_scale"], ...] = ()
    phase: bool = False


METHODS = {
    "zero_filled": Method("zero_filled:zero_filled"),
    "cg_sense": Method("cg_sense:cg_sense"),
    "tv": Method("tv:tv"),
    "l1_wavelet": Method("l1_wavelet:l1_wavelet"),
    "gridding": Method("gridding:gridding", direct=True),
    "fbp": Method("fbp:fbp", direct=True),
    "fdk": Method("fdk:fdk", direct=True),
    "sirt": Method("sirt:sirt"),
    "cgls": Method("cgls:cgls"),
    "back_projection": Method("back_projection:back_projection", direct=True),
    "kirchhoff": Method("kirchhoff:kirchhoff", direct=True),
    "l1": Method("l1:l1"),
    "tv_magnitude": Method("tv_magnitude:tv_magnitude"),
    "pnp_magnitude": Method("pnp_magnitude:pnp_magnitude", opens="level"),
    "deep2s": Method("deep2s:deep2s", direct=True, opens="deep2s"),
    "red": Method("red:red", opens="image", phase=True),
    "pnp_admm": Method("pnp_admm:pnp_admm", opens="image", phase=True),
    "reconresnet": Method("reconresnet:reconresnet", direct=True, opens="reconresnet"),
    "dds": Method("dds_of_item:dds_of_item", opens="prior", told=("item", "noise_std"), phase=True),
    "score_mri": Method("samplers_of_item:score_mri_of_item", opens="prior", told=("item",), phase=True),
    "dps": Method("samplers_of_item:dps_of_item", opens="prior", told=("item",), phase=True),
    "lpn": Method("lpn_of_item:lpn_of_item", opens="prox", told=("certified", "image_scale")),
    "red_psm": Method("red_psm:red_psm", opens="denoiser"),
    "psm": Method("psm:psm"),
    "psm_tv": Method("psm:psm_tv"),
    "static": Method("static:static"),
    "framewise_fbp": Method("framewise_fbp:framewise_fbp"),
    "framewise_tv": Method("framewise_tv:framewise_tv"),
    "framewise_cg_sense": Method("framewise_cg_sense:framewise_cg_sense"),
    "low_rank_sparse": Method("low_rank_sparse:low_rank_sparse"),
    "td_dip": Method("td_dip:td_dip"),
}


def method_function(name: str) -> Callable[..., Reconstruction]:
    """The function behind a method's name; its keyword arguments are the fields of its schema."""
    if METHODS[name].phase:
        return partial(_function("without_phase:without_phase"), _function(METHODS[name].function))
    return _function(METHODS[name].function)


def _function(place: str) -> Callable[..., Reconstruction]:
    module, _, function = place.partition(":")
    found: Callable[..., Reconstruction] = getattr(
        import_module(f"proxflow.models.methods.{module}"), function
    )
    return found

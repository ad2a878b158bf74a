"""Diffusion priors by the names recipes use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.tasks.denoisers import file_of, is_mixed
from proxflow.tasks.diffusion_networks import open_diffusion_unet, open_ncsnpp
from proxflow.tasks.errors import RequestError
from proxflow.tasks.weights_refused import weights_refused

if TYPE_CHECKING:
    from torch import nn

    from proxflow.models.diffusion.image_prior import ImagePrior


def open_diffusion_prior(
    name: str,
    *,
    file: Path | None = None,
    device: str = "cpu",
    memory_bytes: int | None = None,
    what: str = "prior",
) -> ImagePrior:
    """The prior called ``name``, a ``PriorName``, on ``device``; weights are read from ``file``, or from
    where the name says. What a file holds tells whether it is variance preserving or exploding. As many
    images are given to it at once as ``memory_bytes`` allow. ``what`` names it in sentences.

    Raises RequestError, in one sentence, where the file is missing, damaged or of another network.
    """
    from proxflow.data.weights.diffusion_kind import diffusion_kind
    from proxflow.models.denoisers.damped import Damped
    from proxflow.models.denoisers.told_level import LevelTv
    from proxflow.models.diffusion.image_prior import ImagePrior
    from proxflow.models.diffusion.network_priors import VeNetworkPrior, VpNetworkPrior
    from proxflow.models.diffusion.priors import DenoiserPrior

    if name == "tv":
        return ImagePrior(DenoiserPrior(Damped(LevelTv())), memory_bytes=memory_bytes)
    if name == "fourier-wiener":
        return ImagePrior(None, memory_bytes=memory_bytes)
    path = file or file_of(name)
    assert path is not None, name
    with weights_refused(path):
        kind = diffusion_kind(path, what)
    if kind == "ve":
        score = open_ncsnpp(path, device=device).requires_grad_(False)
        exploding = VeNetworkPrior(score)
        return ImagePrior(
            exploding,
            "ve",
            least_side=score.settings.side_factor,
            image_bytes=exploding.image_bytes,
            weight_bytes=_weight_bytes(score),
            memory_bytes=memory_bytes,
        )
    unet = open_diffusion_unet(path, device=device)
    unet.requires_grad_(False)  # of gradients only those by images are asked, which takes half the memory
    channels = unet.settings.in_channels
    if channels > 2:
        raise RequestError(f"{path.name}: {what} must see one channel or two, got {channels}")
    preserving = VpNetworkPrior(unet, mixed=is_mixed(name, device))
    return ImagePrior(
        preserving,
        "vp",
        channels,
        image_bytes=preserving.image_bytes,
        weight_bytes=_weight_bytes(unet),
        memory_bytes=memory_bytes,
    )


def _weight_bytes(network: nn.Module) -> int:
    return sum(weights.nbytes for weights in network.parameters())

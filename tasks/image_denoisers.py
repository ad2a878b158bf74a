"""Denoisers of images, real or complex, that are told the noise, by the names recipes use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.tasks.denoisers import file_of, open_denoiser
from proxflow.tasks.diffusion_priors import open_diffusion_prior
from proxflow.tasks.weights_refused import weights_refused

if TYPE_CHECKING:
    from proxflow.models.denoisers.denoiser import ImageDenoiser


def open_image_denoiser(
    name: str, *, file: Path | None = None, device: str = "cpu", memory_bytes: int | None = None
) -> ImageDenoiser:
    """The denoiser called ``name``, an ``ImageDenoiserName``; weights are read from ``file``, or from where
    the name says. .pt and .pth are of diffusion models; of .safetensors the content tells.

    Raises RequestError, in one sentence, where the file is missing, damaged or of another network.
    """
    from proxflow.data.weights.diffusion_weights import FORMAT, MOST_BYTES
    from proxflow.data.weights.weights_file import format_of
    from proxflow.models.denoisers.in_batches import InBatches
    from proxflow.models.denoisers.of_magnitude import OfMagnitude
    from proxflow.models.denoisers.told_level import LevelTv
    from proxflow.models.diffusion.prior_denoiser import PriorDenoiser

    if name == "tv":
        return InBatches(LevelTv(), open_diffusion_prior(name, memory_bytes=memory_bytes).images_at_once)
    path = file or file_of(name)
    assert path is not None, name
    with weights_refused(path):
        diffusion = path.suffix != ".safetensors" or format_of(path, "denoiser", MOST_BYTES) == FORMAT
    if diffusion:
        prior = open_diffusion_prior(
            name, file=path, device=device, memory_bytes=memory_bytes, what="denoiser"
        )
        return PriorDenoiser(prior)
    return OfMagnitude(open_denoiser(name, file=path, device=device, memory_bytes=memory_bytes))

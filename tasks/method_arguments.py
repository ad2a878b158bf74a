"""What a method's function is called with, besides operator, data and monitor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proxflow.configs.methods import MethodConfig
from proxflow.tasks.artefact_networks import open_reconresnet
from proxflow.tasks.denoisers import open_denoiser
from proxflow.tasks.diffusion_priors import open_diffusion_prior
from proxflow.tasks.image_denoisers import open_image_denoiser
from proxflow.tasks.learned_priors import open_learned_prior
from proxflow.tasks.methods import METHODS
from proxflow.tasks.volume_networks import open_deep2s, open_level_denoiser


def method_arguments(
    config: MethodConfig, *, file: Path | None = None, device: str = "cpu", memory_bytes: int | None = None
) -> dict[str, Any]:
    """The numbers of ``config``, and its denoiser, network or prior opened, weights from ``file`` if given.

    Raises RequestError, in one sentence, where the weights are missing, damaged or of another network.
    """
    arguments = config.model_dump(exclude={"method"})
    opens = METHODS[config.method].opens
    if opens == "denoiser":
        name = arguments["denoiser"]
        arguments["denoiser"] = open_denoiser(name, file=file, device=device, memory_bytes=memory_bytes)
    elif opens == "level":
        name = arguments["denoiser"]
        arguments["denoiser"] = open_level_denoiser(name, file=file, device=device, memory_bytes=memory_bytes)
    elif opens == "image":
        name = arguments["denoiser"]
        arguments["denoiser"] = open_image_denoiser(name, file=file, device=device, memory_bytes=memory_bytes)
    elif opens == "deep2s":
        arguments["network"] = open_deep2s(arguments["network"], file=file, device=device)
    elif opens == "reconresnet":
        arguments["network"] = open_reconresnet(arguments["network"], file=file, device=device)
        arguments["memory_bytes"] = memory_bytes
    elif opens == "prior":
        name = arguments["prior"]
        arguments["prior"] = open_diffusion_prior(name, file=file, device=device, memory_bytes=memory_bytes)
    elif opens == "prox":
        name = arguments["prior"]
        arguments["prior"] = open_learned_prior(name, file=file, device=device, memory_bytes=memory_bytes)
    return arguments

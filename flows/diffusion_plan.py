"""The training of a diffusion prior: its names, and what loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxflow.configs.diffusion_training import DiffusionTraining
from proxflow.flows.network_numbers import precision_for
from proxflow.flows.network_plan import Headings, Names, NetworkTraining

if TYPE_CHECKING:
    from proxflow.tasks.diffusion_training.training import PriorTraining

HEADINGS = Headings(
    "t",
    "Wiener",
    "network",
    "subjects kept apart",
    "samples, and below them images kept apart",
    figure="errors below the noise",
)


def _names(config: DiffusionTraining) -> Names:
    name = f"diffusion-{config.kind}"
    return Names(name, config.kind, "diffusion-unet", "diffusion.safetensors", HEADINGS)


def _load(sources: Sequence[str], asked: DiffusionTraining, device: str) -> PriorTraining:
    from proxflow.tasks.diffusion_training.load import load_prior_images
    from proxflow.tasks.diffusion_training.training import PriorTraining

    config = asked.model_copy(update={"precision": precision_for(device, asked=asked.precision)})
    return PriorTraining(load_prior_images(sources, config), config)


DIFFUSION = NetworkTraining(
    "train-diffusion", DiffusionTraining, {"kind": "ct"}, {"validate_on": "validate"}, _names, _load
)

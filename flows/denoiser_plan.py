"""The training of a denoiser of single images: its names, and what loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.flows.network_numbers import precision_for
from proxflow.flows.network_plan import Headings, Names, NetworkTraining

if TYPE_CHECKING:
    from proxflow.tasks.denoiser_training.training import DncnnTraining

HEADINGS = Headings(
    "noise, of the peak",
    "noisy",
    "denoised",
    "subjects kept apart",
    "images kept apart: clean, then noisy and denoised by turns",
)


def _names(config: DenoiserTraining) -> Names:
    return Names(f"denoiser-{config.kind}", config.kind, "dncnn", "denoiser.safetensors", HEADINGS)


def _load(sources: Sequence[str], asked: DenoiserTraining, device: str) -> DncnnTraining:
    from proxflow.tasks.denoiser_training.load import load_images
    from proxflow.tasks.denoiser_training.training import DncnnTraining

    config = asked.model_copy(update={"precision": precision_for(device, asked=asked.precision)})
    return DncnnTraining(load_images(sources, config), config)


DENOISER = NetworkTraining(
    "train-denoiser", DenoiserTraining, {"kind": "ct"}, {"validate_on": "validate"}, _names, _load
)

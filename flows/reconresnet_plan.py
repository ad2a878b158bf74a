"""The training of a network against artefacts: its names, and what loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxflow.configs.reconresnet_training import ReconResNetTraining
from proxflow.flows.network_numbers import precision_for
from proxflow.flows.network_plan import Headings, Names, NetworkTraining

if TYPE_CHECKING:
    from proxflow.tasks.reconresnet_training.training import ArtefactTraining

HEADINGS = Headings(
    "pattern",
    "zero-filled",
    "consistent",
    "subjects kept apart",
    "images kept apart, by rows: truth, zero-filled, network, consistent",
)


def _names(config: ReconResNetTraining) -> Names:
    name = f"{config.architecture}-mri"
    return Names(name, "mri", config.architecture, "reconresnet.safetensors", HEADINGS)


def _load(sources: Sequence[str], asked: ReconResNetTraining, device: str) -> ArtefactTraining:
    from proxflow.tasks.denoiser_training.load import load_enough_images
    from proxflow.tasks.reconresnet_training.training import ArtefactTraining

    config = asked.model_copy(update={"precision": precision_for(device, asked=asked.precision)})
    return ArtefactTraining(load_enough_images(sources, config), config)


RECONRESNET = NetworkTraining(
    "train-reconresnet",
    ReconResNetTraining,
    {"architecture": "reconresnet"},
    {"validate_on": "validate"},
    _names,
    _load,
)

"""A training of a network for volumes as it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proxflow.configs.volume_training import VolumeTraining
from proxflow.flows.network_plan import (
    Headings,
    asked_numbers,
    command_line,
    form_numbers,
    form_placing,
    precision_for,
)

if TYPE_CHECKING:
    from proxflow.tasks.network_training.training import Training

OPTIONS = {"snr_db": "snr"}  # where the command line calls it otherwise
USUAL = {"network": "unet3d"}  # what a form starts with
HEADINGS = {
    "unet3d": Headings("noise, of the peak", "noisy", "denoised", "held-out scenes"),
    "deep2s": Headings("measurements", "adjoint", "reconstructed", "held-out scenes"),
}


@dataclass(frozen=True)
class VolumePlan:
    """How and where to train, and the command that asks for it; a ``NetworkPlan``."""

    config: VolumeTraining
    device: str
    checkpoint_seconds: float
    command: str
    kind: str = "volumes"
    sources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"volumes-{self.config.network}"

    @property
    def network(self) -> str:
        return self.config.network

    @property
    def weights(self) -> str:
        return f"{self.config.network}.safetensors"

    @property
    def headings(self) -> Headings:
        return HEADINGS[self.config.network]

    def prepare(self, device: str) -> Training:
        from proxflow.tasks.volume_training.deep2s import Deep2sTraining
        from proxflow.tasks.volume_training.volume_denoiser import VolumeDenoiserTraining

        asked, possible = self.config.precision, self.config.deep_enough
        precision = precision_for(device, asked=asked, possible=possible)
        config = self.config.model_copy(update={"precision": precision})
        return Deep2sTraining(config) if config.network == "deep2s" else VolumeDenoiserTraining(config)


def plan_volumes(numbers: Mapping[str, object], device: str, checkpoint_seconds: float) -> VolumePlan:
    """From the command line; RequestError, in one sentence, where a number of ``numbers`` is wrong."""
    config = asked_numbers(VolumeTraining, numbers, OPTIONS)
    return VolumePlan(config, device, checkpoint_seconds, _command(config, device))


def plan_train_volumes(form: Mapping[str, Any]) -> VolumePlan:
    """From a form of the Prefect UI or a deployment's parameters; RecipeError lists what is wrong there."""
    device, seconds = form_placing(form)
    config = form_numbers(VolumeTraining, form.get("training") or USUAL)
    return VolumePlan(config, device, seconds, form.get("command") or _command(config, device))


def _command(config: VolumeTraining, device: str) -> str:
    start, usual = ("proxflow", "train-volumes"), VolumeTraining(network=config.network)
    return command_line(start, config, usual, device, always="network", options=OPTIONS)

"""A training of a denoiser of single images as it was asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.flows.forms import texts
from proxflow.flows.network_plan import (
    Headings,
    asked_numbers,
    command_line,
    form_numbers,
    form_placing,
    precision_for,
)

if TYPE_CHECKING:
    from proxflow.tasks.denoiser_training.training import DncnnTraining

OPTIONS = {"validate_on": "validate"}  # where the command line calls it otherwise
USUAL = {"kind": "ct"}  # what a form starts with


@dataclass(frozen=True)
class DenoiserPlan:
    """What to read, how and where to train, and the command that asks for it; a ``NetworkPlan``."""

    sources: tuple[str, ...]
    config: DenoiserTraining
    device: str
    checkpoint_seconds: float
    command: str
    network: str = "dncnn"
    weights: str = "denoiser.safetensors"

    @property
    def name(self) -> str:
        return f"denoiser-{self.config.kind}"

    @property
    def headings(self) -> Headings:
        return Headings("noise, of the peak", "noisy", "denoised", "subjects kept apart")

    @property
    def kind(self) -> str:
        return self.config.kind

    def prepare(self, device: str) -> DncnnTraining:
        from proxflow.tasks.denoiser_training.load import load_images
        from proxflow.tasks.denoiser_training.training import DncnnTraining

        precision = precision_for(device, asked=self.config.precision)
        config = self.config.model_copy(update={"precision": precision})
        return DncnnTraining(load_images(self.sources, config), config)


def plan_denoiser(
    sources: Sequence[str], numbers: Mapping[str, object], device: str, checkpoint_seconds: float
) -> DenoiserPlan:
    """From the command line; RequestError, in one sentence, where a number of ``numbers`` is wrong."""
    config = asked_numbers(DenoiserTraining, numbers, OPTIONS)
    command = _command(sources, config, device)
    return DenoiserPlan(tuple(sources), config, device, checkpoint_seconds, command)


def plan_train_denoiser(form: Mapping[str, Any]) -> DenoiserPlan:
    """From a form of the Prefect UI or a deployment's parameters; RecipeError lists what is wrong there.

    Which images there are is looked up when the flow runs: a deployment may be registered before they arrive.
    """
    sources, (device, seconds) = texts(form, "images"), form_placing(form)
    config = form_numbers(DenoiserTraining, form.get("training") or USUAL)
    command = form.get("command") or _command(sources, config, device)
    return DenoiserPlan(tuple(sources), config, device, seconds, command)


def _command(sources: Sequence[str], config: DenoiserTraining, device: str) -> str:
    start = ("proxflow", "train-denoiser", *sources)
    usual = DenoiserTraining(kind=config.kind)
    return command_line(start, config, usual, device, always="kind", options=OPTIONS)

"""A training of a diffusion prior as it was asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proxflow.configs.diffusion_training import DiffusionTraining
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
    from proxflow.tasks.diffusion_training.training import PriorTraining

OPTIONS = {"validate_on": "validate"}  # where the command line calls it otherwise
USUAL = {"kind": "ct"}  # what a form starts with


@dataclass(frozen=True)
class DiffusionPlan:
    """What to read, how and where to train, and the command that asks for it; a ``NetworkPlan``."""

    sources: tuple[str, ...]
    config: DiffusionTraining
    device: str
    checkpoint_seconds: float
    command: str
    network: str = "diffusion-unet"
    weights: str = "diffusion.safetensors"

    @property
    def name(self) -> str:
        return f"diffusion-{self.config.kind}"

    @property
    def headings(self) -> Headings:
        return Headings("t", "Wiener", "network", "subjects kept apart", "errors below the noise")

    @property
    def kind(self) -> str:
        return self.config.kind

    def prepare(self, device: str) -> PriorTraining:
        from proxflow.tasks.diffusion_training.load import load_prior_images
        from proxflow.tasks.diffusion_training.training import PriorTraining

        precision = precision_for(device, asked=self.config.precision)
        config = self.config.model_copy(update={"precision": precision})
        return PriorTraining(load_prior_images(self.sources, config), config)


def plan_diffusion(
    sources: Sequence[str], numbers: Mapping[str, object], device: str, checkpoint_seconds: float
) -> DiffusionPlan:
    """From the command line; RequestError, in one sentence, where a number of ``numbers`` is wrong."""
    config = asked_numbers(DiffusionTraining, numbers, OPTIONS)
    command = _command(sources, config, device)
    return DiffusionPlan(tuple(sources), config, device, checkpoint_seconds, command)


def plan_train_diffusion(form: Mapping[str, Any]) -> DiffusionPlan:
    """From a form of the Prefect UI or a deployment's parameters; RecipeError lists what is wrong there.

    Which images there are is looked up when the flow runs: a deployment may be registered before they arrive.
    """
    sources, (device, seconds) = texts(form, "images"), form_placing(form)
    config = form_numbers(DiffusionTraining, form.get("training") or USUAL)
    command = form.get("command") or _command(sources, config, device)
    return DiffusionPlan(tuple(sources), config, device, seconds, command)


def _command(sources: Sequence[str], config: DiffusionTraining, device: str) -> str:
    start = ("proxflow", "train-diffusion", *sources)
    usual = DiffusionTraining(kind=config.kind)
    return command_line(start, config, usual, device, always="kind", options=OPTIONS)

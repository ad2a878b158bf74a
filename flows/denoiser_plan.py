"""A training of a denoiser as it was asked for, checked before anything is read."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.sentences import validated
from proxflow.flows.forms import texts
from proxflow.tasks.errors import RequestError

OPTIONS = {"validate_on": "validate"}  # where the command line calls it otherwise
USUAL = {"kind": "ct"}  # what a form starts with
DEVICE, CHECKPOINT_SECONDS = "cpu", 60.0


@dataclass(frozen=True)
class DenoiserPlan:
    """What to read, how and where to train, and the command that asks for it."""

    sources: tuple[str, ...]
    config: DenoiserTraining
    device: str
    checkpoint_seconds: float
    command: str

    @property
    def name(self) -> str:
        """Of the run, and of its folder after the time."""
        return f"denoiser-{self.config.kind}"


def plan_denoiser(
    sources: Sequence[str], numbers: Mapping[str, object], device: str, checkpoint_seconds: float
) -> DenoiserPlan:
    """From the command line; RequestError, in one sentence, where a number of ``numbers`` is wrong."""
    try:
        config = validated(DenoiserTraining, numbers, {}, None)
    except RecipeError as error:
        first = error.problems[0]
        key = first.where.partition("[")[0]
        raise RequestError(f"{_option(key)} {first.what}") from None
    command = _command(sources, config, device)
    return DenoiserPlan(tuple(sources), config, device, checkpoint_seconds, command)


def plan_train_denoiser(form: Mapping[str, Any]) -> DenoiserPlan:
    """From a form of the Prefect UI or a deployment's parameters; RecipeError lists what is wrong there.

    Which images there are is looked up when the flow runs: a deployment may be registered before they arrive.
    """
    sources, numbers = texts(form, "images"), form.get("training") or USUAL
    device, seconds = form.get("device") or DEVICE, form.get("checkpoint_seconds", CHECKPOINT_SECONDS)
    if not isinstance(numbers, Mapping):
        raise RecipeError([Problem("training", f"must be a mapping of keys to values, got {numbers!r:.80}")])
    if not isinstance(device, str):
        raise RecipeError([Problem("device", f"must be text, got {device!r:.80}")])
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        what = f"must be a number of seconds, got {seconds!r:.80}"
        raise RecipeError([Problem("checkpoint_seconds", what)])
    try:
        config = validated(DenoiserTraining, numbers, {}, None)
    except RecipeError as error:
        inside = [Problem(f"training.{problem.where}", problem.what) for problem in error.problems]
        raise RecipeError(inside) from None
    command = form.get("command") or _command(sources, config, device)
    return DenoiserPlan(tuple(sources), config, device, seconds, command)


def _option(key: str) -> str:
    return f"--{OPTIONS.get(key, key).replace('_', '-')}"


def _command(sources: Sequence[str], config: DenoiserTraining, device: str) -> str:
    """The command line that does the same; only what is not as usual is named."""
    parts = ["proxflow", "train-denoiser", *sources]
    usual = DenoiserTraining(kind=config.kind).model_dump()
    for name, value in config.model_dump().items():
        if name == "kind" or value != usual[name]:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            parts += [_option(name), text]
    return shlex.join([*parts, *(["--device", device] if device != DEVICE else [])])

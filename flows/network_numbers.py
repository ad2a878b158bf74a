"""The numbers that every training of a network is asked for by, whether by a command or by a form."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from proxflow.configs.base import Part
from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.sentences import validated
from proxflow.tasks.errors import RequestError

DEVICE, CHECKPOINT_SECONDS = "cpu", 60.0
Schema = TypeVar("Schema", bound=Part)


class Placing(NamedTuple):
    """Where and how safely a form asks for a training."""

    device: str
    checkpoint_seconds: float


def asked_numbers(schema: type[Schema], numbers: Mapping[str, object], options: Mapping[str, str]) -> Schema:
    """From the command line; RequestError, in one sentence, where a number is wrong.

    options: what the command line calls a key, where it is another name.
    """
    try:
        return validated(schema, numbers, {}, None)
    except RecipeError as error:
        first = error.problems[0]
        key = first.where.partition("[")[0]
        if key not in schema.model_fields:
            raise RequestError(f"the training {first.what}") from None
        raise RequestError(f"{_option(key, options)} {first.what}") from None


def form_numbers(schema: type[Schema], numbers: object) -> Schema:
    """From a form's ``training``; RecipeError lists what is wrong there."""
    if not isinstance(numbers, Mapping):
        raise RecipeError([Problem("training", f"must be a mapping of keys to values, got {numbers!r:.80}")])
    try:
        return validated(schema, numbers, {}, None)
    except RecipeError as error:
        inside = []
        for where, what in ((problem.where, problem.what) for problem in error.problems):
            key = where.partition(".")[0].partition("[")[0]
            known = key in schema.model_fields or key in numbers  # else it is of the numbers together
            inside.append(Problem(f"training.{where}" if known else "training", what))
        raise RecipeError(inside) from None


def form_placing(form: Mapping[str, Any]) -> Placing:
    """From a form's ``device`` and ``checkpoint_seconds``; RecipeError where they are wrong."""
    device, seconds = form.get("device") or DEVICE, form.get("checkpoint_seconds", CHECKPOINT_SECONDS)
    if not isinstance(device, str):
        raise RecipeError([Problem("device", f"must be text, got {device!r:.80}")])
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        what = f"must be a number of seconds, got {seconds!r:.80}"
        raise RecipeError([Problem("checkpoint_seconds", what)])
    return Placing(device, seconds)


def precision_for(
    device: str, *, asked: Literal["auto", "bfloat16", "float32"] = "auto", possible: bool = True
) -> Literal["bfloat16", "float32"]:
    """What is ``asked`` for; auto stands for bfloat16 where the device has it and it is ``possible``."""
    from proxflow.models.networks.bfloat16 import has_bfloat16

    if asked != "auto":
        return asked
    return "bfloat16" if possible and has_bfloat16(device) else "float32"


def command_line(
    start: Sequence[str],
    config: Part,
    usual: Part,
    device: str,
    *,
    always: str,
    options: Mapping[str, str],
) -> str:
    """The command line that asks for ``config``: the key ``always``, and what is not as ``usual``."""
    parts, usually = list(start), usual.model_dump()
    for name, value in config.model_dump().items():
        if name == always or value != usually[name]:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            parts += [_option(name, options), text]
    return shlex.join([*parts, *(["--device", device] if device != DEVICE else [])])


def _option(key: str, options: Mapping[str, str]) -> str:
    return f"--{options.get(key, key).replace('_', '-')}"

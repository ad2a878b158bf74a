"""A training of a network as it was asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from proxflow.configs.base import Part
from proxflow.flows.forms import texts
from proxflow.flows.network_numbers import Schema, asked_numbers, command_line, form_numbers, form_placing

if TYPE_CHECKING:
    from proxflow.tasks.network_training.training import Training


class Headings(NamedTuple):
    """How people are told what was judged: the level's name, what goes in and what comes out, and on what;
    ``pictures``: what is shown of it; ``figure``: what is given in dB of both.
    """

    level: str
    before: str
    after: str
    judged_on: str
    pictures: str
    figure: str = "PSNR"


class Names(NamedTuple):
    """What a training is called: its data's ``kind``, its ``network`` in the ledger, its file of weights, and
    what was judged. ``name``: of the run, and of its folder after the time.
    """

    name: str
    kind: str
    network: str
    weights: str
    headings: Headings


@dataclass(frozen=True)
class NetworkPlan:
    """Which network to train, on what, where, and the command that asks for it.

    flow: the served flow that does it, and the command.
    sources: files and patterns the data are read from; none where they are drawn.
    config: the numbers of the training.
    prepare: reads or draws what the network is trained and judged on, told the device it will be trained on;
        raises RequestError and ScanError.
    """

    flow: str
    names: Names
    sources: tuple[str, ...]
    config: Part
    device: str
    checkpoint_seconds: float
    command: str
    prepare: Callable[[str], Training]


@dataclass(frozen=True)
class NetworkTraining(Generic[Schema]):
    """A kind of training: what asks for it, its numbers, and what loads it.

    command: of the command line, and the name of the served flow.
    schema: of the numbers.
    usual: what a form starts with: a value of the one key that has no default, which a command always gives.
    options: what the command line calls a key, where it is another name.
    names: of a training with these numbers.
    load: what it is trained on, from sources, numbers and the device it will be trained on.
    reads: whether it is given images; else it draws what it is trained on.
    """

    command: str
    schema: type[Schema]
    usual: Mapping[str, str]
    options: Mapping[str, str]
    names: Callable[[Schema], Names]
    load: Callable[[Sequence[str], Schema, str], Training]
    reads: bool = True

    def asked(
        self, sources: Sequence[str], numbers: Mapping[str, object], device: str, checkpoint_seconds: float
    ) -> NetworkPlan:
        """From the command line; RequestError, in one sentence, where a number of ``numbers`` is wrong."""
        config = asked_numbers(self.schema, numbers, self.options)
        return self._plan(tuple(sources), config, device, checkpoint_seconds, "")

    def by_form(self, form: Mapping[str, Any]) -> NetworkPlan:
        """From a form of the Prefect UI or a deployment's parameters; RecipeError lists what is wrong there.

        Which images there are is looked up when the flow runs: a deployment may be registered before they
        arrive.
        """
        sources = tuple(texts(form, "images")) if self.reads else ()
        device, seconds = form_placing(form)
        config = form_numbers(self.schema, form.get("training") or self.usual)
        return self._plan(sources, config, device, seconds, form.get("command") or "")

    def _plan(
        self, sources: tuple[str, ...], config: Schema, device: str, seconds: float, command: str
    ) -> NetworkPlan:
        if not command:
            (always,) = self.usual
            usual = self.schema.model_validate({always: getattr(config, always)})
            start = ("proxflow", self.command, *sources)
            command = command_line(start, config, usual, device, always=always, options=self.options)
        prepare = partial(self.load, sources, config)
        return NetworkPlan(
            self.command, self.names(config), sources, config, device, seconds, command, prepare
        )

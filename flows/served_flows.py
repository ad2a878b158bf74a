"""The flows that can be deployed, and how the parameters of each are checked before they are registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from proxflow.configs.errors import Problem, RecipeError
from proxflow.data.errors import ScanError
from proxflow.flows.parameter_origin import Origin, anchored, check_keys
from proxflow.tasks.errors import RequestError

Check = Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True)
class ServedFlow:
    """A flow by module and name; ``check`` raises what its run would, given all of its parameters.

    paths: parameters with a path, or a list of paths, which may be relative to the file they stand in.
    """

    module: str
    name: str
    check: Check
    paths: tuple[str, ...] = ()

    def load(self) -> Any:
        """Prefect's flow."""
        return getattr(import_module(f"proxflow.flows.{self.module}"), self.name)

    def checked(self, flow: Any, given: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
        """Parameters with absolute paths; RecipeError for what a run would refuse, with file and line."""
        properties = flow.parameters.properties
        check_keys(given, list(properties), origin)
        parameters = anchored(given, origin.folder, self.paths)
        try:
            self.check({key: schema.get("default") for key, schema in properties.items()} | parameters)
        except RecipeError as error:
            raise RecipeError([_placed(problem, origin) for problem in error.problems]) from None
        except (RequestError, ScanError, TypeError, ValueError) as error:
            where, _, what = str(error).partition(" ")
            if where not in properties:
                where, what = "parameters", f"must be those of the flow: {error}"
            raise RecipeError([origin.placed(where, what)]) from None
        return parameters


def _placed(problem: Problem, origin: Origin) -> Problem:
    return problem if problem.line else origin.placed(problem.where, problem.what)


def _reconstruct(form: Mapping[str, Any]) -> object:
    from proxflow.flows.reconstruct import plan_reconstruct

    return plan_reconstruct(form)


def _compare(form: Mapping[str, Any]) -> object:
    from proxflow.flows.reconstruct import plan_compare

    return plan_compare(form)


def _many(form: Mapping[str, Any]) -> object:
    from proxflow.flows.batch_forms import plan_many

    return plan_many(form)


def _watch(form: Mapping[str, Any]) -> object:
    from proxflow.flows.batch_forms import plan_watch

    return plan_watch(form)


def _train(form: Mapping[str, Any]) -> object:
    from proxflow.flows.training_plan import plan_train

    return plan_train(form)


def _train_denoiser(form: Mapping[str, Any]) -> object:
    from proxflow.flows.denoiser_plan import DENOISER

    return DENOISER.by_form(form)


def _train_volumes(form: Mapping[str, Any]) -> object:
    from proxflow.flows.volume_plan import VOLUMES

    return VOLUMES.by_form(form)


def _train_diffusion(form: Mapping[str, Any]) -> object:
    from proxflow.flows.diffusion_plan import DIFFUSION

    return DIFFUSION.by_form(form)


def _train_reconresnet(form: Mapping[str, Any]) -> object:
    from proxflow.flows.reconresnet_plan import RECONRESNET

    return RECONRESNET.by_form(form)


SERVED = {
    "reconstruct": ServedFlow("reconstruct", "reconstruct", _reconstruct),
    "compare": ServedFlow("reconstruct", "compare", _compare),
    "reconstruct-many": ServedFlow("many", "reconstruct_many", _many, ("scans", "out")),
    "watch": ServedFlow("watch", "watch", _watch, ("folder", "out")),
    "train": ServedFlow("train", "train", _train, ("scans", "out")),
    "train-denoiser": ServedFlow("train_denoiser", "train_denoiser", _train_denoiser, ("images", "out")),
    "train-volumes": ServedFlow("train_volumes", "train_volumes", _train_volumes, ("out",)),
    "train-diffusion": ServedFlow("train_diffusion", "train_diffusion", _train_diffusion, ("images", "out")),
    "train-reconresnet": ServedFlow(
        "train_reconresnet", "train_reconresnet", _train_reconresnet, ("images", "out")
    ),
}

"""The Prefect flow that trains a network for volumes: the plain command's weights, progress in the UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from prefect import flow
from pydantic import WithJsonSchema

from proxflow.flows.form_schema import NUMBER, volume_numbers
from proxflow.flows.network_flow import trained_in_flow
from proxflow.flows.network_numbers import CHECKPOINT_SECONDS, DEVICE
from proxflow.flows.recorded_run import refused
from proxflow.flows.told import told
from proxflow.flows.volume_plan import VOLUMES

NUMBERS, SECONDS = map(WithJsonSchema, (volume_numbers(), NUMBER))
SHOWN = {
    "unet3d": "held-out scenes: clean, then noisy and denoised by turns",
    "deep2s": "held-out scenes: truth, then adjoint and reconstructed by turns",
}


@flow(name="train-volumes", persist_result=False, validate_parameters=False)
def train_volumes(
    training: Annotated[Any, NUMBERS] = VOLUMES.usual,
    device: str = DEVICE,
    checkpoint_seconds: Annotated[Any, SECONDS] = CHECKPOINT_SECONDS,
    out: str = "",
    command: str = "",
) -> Any:
    """Train a network for the magnitude of volumes, on scenes that are drawn: it needs no images.

    The result is a file of weights, a card with what was measured on held-out scenes, and pictures. With a
    folder, a training that was stopped goes on where it was.

    Args:
        training: Which network, and how it is trained.
        device: auto, cpu, cuda or cuda:N.
        checkpoint_seconds: A training that is killed loses as much at most.
        out: Folder for the result; runs/TIME-volumes-NETWORK if empty.
        command: What does the same on the command line; made up if empty.
    """
    form = dict(locals())
    return told(lambda: _trained(form))


def _trained(form: Mapping[str, Any]) -> Any:
    with refused():
        plan = VOLUMES.by_form(form)
    return trained_in_flow(plan, "train-volumes", form["out"], SHOWN[plan.names.network])

"""The Prefect flow that trains a network for volumes: the plain command's weights, progress in the UI."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from pydantic import WithJsonSchema

from proxflow.flows.form_schema import NUMBER, volume_numbers
from proxflow.flows.network_flow import trained_by_form
from proxflow.flows.network_numbers import CHECKPOINT_SECONDS, DEVICE
from proxflow.flows.volume_plan import VOLUMES

NUMBERS, SECONDS = map(WithJsonSchema, (volume_numbers(), NUMBER))


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
    return trained_by_form(VOLUMES, locals())

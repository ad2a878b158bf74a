"""The Prefect flow that trains a denoiser: the plain command's weights, with its progress in the UI."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from pydantic import WithJsonSchema

from proxflow.flows.denoiser_plan import DENOISER
from proxflow.flows.form_schema import NUMBER, TEXTS, denoiser_numbers
from proxflow.flows.network_flow import trained_by_form
from proxflow.flows.network_numbers import CHECKPOINT_SECONDS, DEVICE

LINES, NUMBERS, SECONDS = map(WithJsonSchema, (TEXTS, denoiser_numbers(), NUMBER))


@flow(name="train-denoiser", persist_result=False, validate_parameters=False)
def train_denoiser(
    images: Annotated[Any, LINES] = None,
    training: Annotated[Any, NUMBERS] = DENOISER.usual,
    device: str = DEVICE,
    checkpoint_seconds: Annotated[Any, SECONDS] = CHECKPOINT_SECONDS,
    out: str = "",
    command: str = "",
) -> Any:
    """Train a network that removes noise from single images, for methods with a denoiser.

    The result is a file of weights that a recipe's reconstruct.denoiser names, a card with what was measured
    on subjects kept apart, and pictures. With a folder, a training that was stopped goes on where it was.

    Args:
        images: NIfTI, .npy, .npz, HDF5 (FILE::DATASET where it holds several), folders of one DICOM series,
            or patterns such as /data/chest/*.nii.gz, on the machine that serves; SUBJECT=FILE says whose
            images they are.
        training: What kind of images they are, and how the network is trained.
        device: auto, cpu, cuda or cuda:N.
        checkpoint_seconds: A training that is killed loses as much at most.
        out: Folder for the result; runs/TIME-denoiser-KIND if empty.
        command: What does the same on the command line; made up if empty.
    """
    return trained_by_form(DENOISER, locals())

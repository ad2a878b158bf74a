"""The Prefect flow that trains a learned proximal network: the plain command's weights, progress shown."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from pydantic import WithJsonSchema

from proxflow.flows.form_schema import NUMBER, TEXTS, lpn_numbers
from proxflow.flows.lpn_plan import LPN
from proxflow.flows.network_flow import trained_by_form
from proxflow.flows.network_numbers import CHECKPOINT_SECONDS, DEVICE

LINES, NUMBERS, SECONDS = map(WithJsonSchema, (TEXTS, lpn_numbers(), NUMBER))


@flow(name="train-lpn", persist_result=False, validate_parameters=False)
def train_lpn(
    images: Annotated[Any, LINES] = None,
    training: Annotated[Any, NUMBERS] = LPN.usual,
    device: str = DEVICE,
    checkpoint_seconds: Annotated[Any, SECONDS] = CHECKPOINT_SECONDS,
    out: str = "",
    command: str = "",
) -> Any:
    """Train a learned proximal network, a denoiser that is the proximal operator of a prior one can evaluate.

    The result is a file of weights, a card with what was measured on subjects kept apart, and pictures. With
    a folder, a training that was stopped goes on where it was.

    Args:
        images: NIfTI, .npy, .npz, HDF5 (FILE::DATASET where it holds several), folders of one DICOM series,
            or patterns such as /data/chest/*.nii.gz, on the machine that serves; SUBJECT=FILE says whose
            images they are.
        training: What kind of images they are, and how the network is trained.
        device: auto, cpu, cuda or cuda:N.
        checkpoint_seconds: A training that is killed loses as much at most.
        out: Folder for the result; runs/TIME-lpn-KIND if empty.
        command: What does the same on the command line; made up if empty.
    """
    return trained_by_form(LPN, locals())

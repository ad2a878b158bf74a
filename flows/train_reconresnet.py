"""The Prefect flow that trains a network against artefacts: the plain command's weights."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from pydantic import WithJsonSchema

from proxflow.flows.form_schema import NUMBER, TEXTS, reconresnet_numbers
from proxflow.flows.network_flow import trained_by_form
from proxflow.flows.network_numbers import CHECKPOINT_SECONDS, DEVICE
from proxflow.flows.reconresnet_plan import RECONRESNET

LINES, NUMBERS, SECONDS = map(WithJsonSchema, (TEXTS, reconresnet_numbers(), NUMBER))


@flow(name="train-reconresnet", persist_result=False, validate_parameters=False)
def train_reconresnet(
    images: Annotated[Any, LINES] = None,
    training: Annotated[Any, NUMBERS] = RECONRESNET.usual,
    device: str = DEVICE,
    checkpoint_seconds: Annotated[Any, SECONDS] = CHECKPOINT_SECONDS,
    out: str = "",
    command: str = "",
) -> Any:
    """Train ReconResNet, a network that takes the artefacts of undersampling out of MR images, or the U-Net
    it is compared with.

    The result is a file of weights, a card with what was measured on subjects kept apart, and pictures of
    them. With a folder, a training that was stopped goes on where it was.

    Args:
        images: NIfTI, .npy, .npz, HDF5 (FILE::DATASET where it holds several), folders of one DICOM series,
            or patterns such as /data/heads/*.nii.gz, on the machine that serves; SUBJECT=FILE says whose
            images they are.
        training: Which network, of which patterns of sampling, and how it is trained.
        device: auto, cpu, cuda or cuda:N.
        checkpoint_seconds: A training that is killed loses as much at most.
        out: Folder for the result; runs/TIME-ARCHITECTURE-mri if empty.
        command: What does the same on the command line; made up if empty.
    """
    return trained_by_form(RECONRESNET, locals())

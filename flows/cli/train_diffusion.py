"""``proxflow train-diffusion``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Out, Prefect
from proxflow.flows.cli.training_options import (
    Average,
    CheckpointSeconds,
    Decay,
    Images,
    Precision,
    ScanKind,
    SideOfEighths,
    Sizes,
    Start,
    TrainingDevice,
    Validate,
)

if TYPE_CHECKING:
    from proxflow.flows.network_training_run import FinishedTraining


def command(
    images: Images,
    /,
    *,
    kind: ScanKind,
    validate: Validate = None,
    steps: Annotated[int, Parameter(help="Of as many images as --batch says.")] = 10_000,
    side: SideOfEighths = 64,
    sizes: Sizes = "",
    batch: Annotated[int, Parameter(help="Images in a step.")] = 16,
    channels: Annotated[
        int, Parameter(help="Of the network's finest level, a multiple of 32; 32: 3.7 million weights.")
    ] = 32,
    predicts: Annotated[
        Literal["velocity", "noise"],
        Parameter(
            help="What the network tells of noisy images: v, signal x noise - noise level x image, whose "
            "error weighs the same at all levels, or the noise, as published networks do."
        ),
    ] = "velocity",
    learning_rate: Annotated[float, Parameter(help="Of AdamW, reached after 50 steps.")] = 2e-4,
    decay: Decay = 0.5,
    average: Average = 0.9995,
    start: Start = "",
    precision: Precision = "auto",
    seed: Annotated[int, Parameter(help="Of weights, images, phases and noise.")] = 0,
    out: Out = None,
    device: TrainingDevice = "cpu",
    checkpoint_seconds: CheckpointSeconds = 60.0,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Train a diffusion prior: a network that tells the noise in images, for decomposed diffusion sampling.

    Images of drawn noise levels against the noise, by the squared error. The folder holds
    diffusion.safetensors, card.md with what was measured on subjects kept apart beside a Wiener denoiser,
    training.json, loss.svg and examples.png, samples above images kept apart. A training that was stopped
    goes on with the same command and the same --out.

    Examples:
        proxflow train-diffusion chest/*.nii.gz --kind ct --out my-prior

        proxflow train-diffusion brains.h5::images heart.npz --kind mri --validate heart --side 96

        proxflow train-diffusion chest/*.nii.gz --kind ct --sizes 64,96 --start my-prior/diffusion.safetensors
    """
    from proxflow.flows.cli.lists import subject_names, whole_numbers
    from proxflow.flows.cli.network_training import train_at_terminal
    from proxflow.flows.cli.training_outcome import tell_training
    from proxflow.flows.diffusion_plan import DIFFUSION

    numbers: dict[str, object] = {
        "kind": kind,
        "validate_on": subject_names(validate),
        "steps": steps,
        "side": side,
        "sizes": whole_numbers("--sizes", sizes),
        "batch": batch,
        "channels": channels,
        "predicts": predicts,
        "learning_rate": learning_rate,
        "decay": decay,
        "average": average,
        "start": start,
        "precision": precision,
        "seed": seed,
    }
    plan = DIFFUSION.asked(images, numbers, device, checkpoint_seconds)
    finished = train_at_terminal(plan, out=out, prefect=prefect, quiet=json)
    tell_training(finished, plan.names.headings, _errors(finished), figure="eps_mse", as_json=json)
    return 0


def _errors(finished: FinishedTraining) -> list[dict[str, float]]:
    return [
        {"t": int(row.level), "wiener": 10 ** (-row.before / 10), "network": row.mse} for row in finished.rows
    ]

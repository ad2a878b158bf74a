"""``proxflow train-denoiser``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Out, Prefect
from proxflow.flows.cli.training_options import (
    CheckpointSeconds,
    Decay,
    Images,
    Precision,
    TrainingDevice,
    Validate,
)

if TYPE_CHECKING:
    from proxflow.flows.network_training_run import FinishedTraining


def command(
    images: Images,
    /,
    *,
    kind: Annotated[Literal["ct", "magnitude"], Parameter(help="Hounsfield units, or magnitudes as of MR.")],
    validate: Validate = None,
    steps: Annotated[int, Parameter(help="Of 8 crops each.")] = 3000,
    sigma_high: Annotated[float, Parameter(help="Strongest noise, as a part of the peak.")] = 0.1,
    sizes: Annotated[
        str, Parameter(help="Pixels along the longer side to which images are brought.")
    ] = "128,160,192,256",
    side: Annotated[int, Parameter(help="Pixels along the side of a crop.")] = 64,
    batch: Annotated[int, Parameter(help="Crops in a step.")] = 8,
    circle: Annotated[
        float | None, Parameter(help="Share of crops within a circular field of view; 0.5 for ct, else 0.")
    ] = None,
    predicts: Annotated[
        Literal["noise", "image"], Parameter(help="What the network gives: D(x) = x - net(x), or net(x).")
    ] = "noise",
    start: Annotated[str, Parameter(help="Weights to begin with: dncnn-ct, dncnn-mri or a file.")] = "",
    decay: Decay = 0.5,
    precision: Precision = "auto",
    weighting: Annotated[
        Literal["relative", "plain"],
        Parameter(help="Whether errors count by how much noise there was, or all alike."),
    ] = "relative",
    seed: Annotated[int, Parameter(help="Of weights, crops and noise.")] = 0,
    out: Out = None,
    device: TrainingDevice = "cpu",
    checkpoint_seconds: CheckpointSeconds = 60.0,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Train a network that removes noise from single images, for methods with a ``denoiser``.

    Noisy crops of the images against the clean ones, by the squared error. The folder holds
    denoiser.safetensors, which a recipe's `denoiser` names, card.md with what was measured on subjects kept
    apart, training.json, loss.svg and examples.png. A training that was stopped goes on with the same
    command and the same --out.

    Examples:
        proxflow train-denoiser chest/*.nii.gz --kind ct --out my-denoiser

        proxflow train-denoiser brains.h5::images heart.npz --kind magnitude --validate heart --steps 10000

        proxflow run recipe.yaml --set reconstruct.denoiser=$PWD/my-denoiser/denoiser.safetensors
    """
    from proxflow.flows.cli.lists import subject_names, whole_numbers
    from proxflow.flows.cli.network_training import train_at_terminal
    from proxflow.flows.cli.training_outcome import tell_training
    from proxflow.flows.denoiser_plan import DENOISER

    numbers: dict[str, object] = {
        "kind": kind,
        "validate_on": subject_names(validate),
        "steps": steps,
        "sigma_high": sigma_high,
        "sizes": whole_numbers("--sizes", sizes),
        "side": side,
        "batch": batch,
        "circle": circle,
        "predicts": predicts,
        "start": start,
        "decay": decay,
        "precision": precision,
        "weighting": weighting,
        "seed": seed,
    }
    plan = DENOISER.asked(images, numbers, device, checkpoint_seconds)
    finished = train_at_terminal(plan, out=out, prefect=prefect, quiet=json)
    tell_training(finished, plan.names.headings, _psnr_db(finished), as_json=json)
    return 0


def _psnr_db(finished: FinishedTraining) -> list[dict[str, float]]:
    return [
        {"noise": float(row.level), "noisy": row.before, "denoised": row.after, "mse": row.mse}
        for row in finished.rows
    ]

"""``proxflow train-diffusion``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import CheckpointSeconds, Json, Out, Precision, Prefect, TrainingDevice

if TYPE_CHECKING:
    from proxflow.flows.network_training_run import FinishedTraining


def command(
    images: Annotated[
        tuple[str, ...],
        Parameter(
            help="NIfTI, .npy, .npz, HDF5 (FILE::DATASET where it holds several), folders of one DICOM "
            "series; SUBJECT=FILE says whose it is."
        ),
    ],
    /,
    *,
    kind: Annotated[
        Literal["ct", "mri"],
        Parameter(help="Hounsfield units, for real images; magnitudes, for complex images with a phase."),
    ],
    validate: Annotated[
        str | None,
        Parameter(help="Subjects not trained on, separated by commas; one in eight, drawn, if not given."),
    ] = None,
    steps: Annotated[int, Parameter(help="Of as many images as --batch says.")] = 10_000,
    side: Annotated[
        int, Parameter(help="Pixels along the side of what the network sees, a multiple of 8.")
    ] = 64,
    sizes: Annotated[
        str,
        Parameter(
            help="Pixels along the longer side to which images are brought, and then cut to --side; --side "
            "alone, which leaves images whole, if not given."
        ),
    ] = "",
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
    decay: Annotated[
        float, Parameter(help="Share of the steps, the last, over which the learning rate falls to 0.")
    ] = 0.5,
    average: Annotated[
        float, Parameter(help="Of the weights over the steps, whose moving average is what is kept.")
    ] = 0.9995,
    start: Annotated[str, Parameter(help="File of weights of the same network to begin with.")] = "",
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
    from proxflow.flows.cli.network_training import train_at_terminal
    from proxflow.flows.cli.number_lists import whole_numbers
    from proxflow.flows.cli.training_outcome import print_training, show_training
    from proxflow.flows.diffusion_plan import DIFFUSION

    numbers: dict[str, object] = {
        "kind": kind,
        "validate_on": tuple(name for name in (validate or "").split(",") if name),
        "steps": steps,
        "side": side,
        "sizes": whole_numbers("--sizes", sizes) if sizes else (),
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
    finished = train_at_terminal("train-diffusion", plan, out=out, prefect=prefect, quiet=json)
    if json:
        print_training(finished, _errors(finished), "eps_mse")
    else:
        show_training(finished, plan.names.headings)
    return 0


def _errors(finished: FinishedTraining) -> list[dict[str, float]]:
    return [
        {"t": int(row.level), "wiener": 10 ** (-row.before / 10), "network": row.mse} for row in finished.rows
    ]

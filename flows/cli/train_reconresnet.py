"""``proxflow train-reconresnet``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Out, Prefect
from proxflow.flows.cli.training_options import (
    Average,
    CheckpointSeconds,
    Decay,
    Precision,
    Start,
    TrainingDevice,
    Validate,
)

if TYPE_CHECKING:
    from proxflow.models.networks.judged import Judged


def command(
    images: Annotated[
        tuple[str, ...],
        Parameter(
            help="Magnitudes: NIfTI, .npy, .npz, HDF5 (FILE::DATASET where it holds several), folders of one "
            "DICOM series; SUBJECT=FILE says whose it is."
        ),
    ],
    /,
    *,
    architecture: Annotated[
        Literal["reconresnet", "unet"],
        Parameter(help="The residual network, or a plain U-Net, the baseline, trained the same way."),
    ] = "reconresnet",
    patterns: Annotated[
        str,
        Parameter(
            help="Separated by commas, of step4 (every fourth line), lines30, lines15, lines10, lines05 "
            "(lines of a Gaussian density, at most as many per cent), points30, points15, points10, points05 "
            "(points), spokes60, spokes30 (golden-angle spokes, of 512 for 256 pixels); all, mixed, if not "
            "given. One alone makes a network for it."
        ),
    ] = "",
    masks: Annotated[
        Literal["drawn", "fixed"],
        Parameter(help="Anew for each image, or one of each pattern for all, as published."),
    ] = "drawn",
    phase: Annotated[
        Literal["smooth", "none"],
        Parameter(help="Of the objects: smooth and drawn, as in a scanner, or none, as published."),
    ] = "smooth",
    validate: Validate = None,
    steps: Annotated[int, Parameter(help="Of as many images as --batch says.")] = 6000,
    side: Annotated[
        int, Parameter(help="Pixels along the side of the images that are measured, a multiple of 16.")
    ] = 192,
    sizes: Annotated[
        str,
        Parameter(
            help="Pixels along the longer side to which slices are brought, and then cut to --side or laid "
            "amid zeros; --side alone if not given."
        ),
    ] = "",
    batch: Annotated[int, Parameter(help="Images in a step; 1 as published.")] = 1,
    width: Annotated[
        int | None,
        Parameter(help="Channels at full resolution; 24 of reconresnet, 12 of unet, if not given."),
    ] = None,
    blocks: Annotated[
        int | None,
        Parameter(
            help="Residual blocks of reconresnet, 6 if not given; 14, with --width 64, is the published "
            "network."
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        Parameter(
            help="Share of channels within blocks of reconresnet that are 0 in a step; 0.2 if not given."
        ),
    ] = None,
    skips: Annotated[
        int | None,
        Parameter(
            help="Of reconresnet: 0 none, as published and if not given; 1 adds the input to the output; "
            "2 to 4 more; 5 also each level on the way down to that on the way up. From 1 on nothing becomes "
            "darker than in the input."
        ),
    ] = None,
    learning_rate: Annotated[
        float, Parameter(help="Of Adam, reached after 50 steps; 1e-4 as published.")
    ] = 5e-4,
    decay: Decay = 0.5,
    average: Average = 0.999,
    start: Start = "",
    storage: Annotated[
        Literal["float32", "float16"],
        Parameter(help="Of the weights in the file; what float16 changes is measured, and on the card."),
    ] = "float32",
    licence: Annotated[str, Parameter(help="Of weights and images, for the file and its card.")] = "",
    precision: Precision = "auto",
    seed: Annotated[int, Parameter(help="Of weights, images, phases, patterns and dropout.")] = 0,
    out: Out = None,
    device: TrainingDevice = "cpu",
    checkpoint_seconds: CheckpointSeconds = 60.0,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Train ReconResNet: a network that takes the artefacts of undersampling out of MR images.

    Slices get a drawn phase and are measured by one coil with a drawn pattern; from the zero-filled image the
    network learns the object, by SSIM. The folder holds reconresnet.safetensors, card.md with what was
    measured on subjects kept apart, pattern by pattern, training.json, loss.svg and examples.png: truth,
    zero-filled, network, and made consistent with the samples. A training that was stopped goes on with the
    same command and the same --out.

    Examples:
        proxflow train-reconresnet heads/*.nii.gz --out mine

        proxflow train-reconresnet heads/*.nii.gz --patterns lines10 --masks fixed --out only-lines10

        proxflow train-reconresnet heads/*.nii.gz --architecture unet --out baseline

        proxflow train-reconresnet heads/*.nii.gz --width 64 --blocks 14 --side 256 --device cuda --out full
    """
    from proxflow.flows.cli.lists import subject_names, whole_numbers
    from proxflow.flows.cli.network_training import train_at_terminal
    from proxflow.flows.cli.training_outcome import tell_training
    from proxflow.flows.reconresnet_plan import RECONRESNET

    numbers: dict[str, object] = {
        "architecture": architecture,
        "masks": masks,
        "phase": phase,
        "validate_on": subject_names(validate),
        "steps": steps,
        "side": side,
        "sizes": whole_numbers("--sizes", sizes),
        "batch": batch,
        "width": width,
        "blocks": blocks,
        "dropout": dropout,
        "skips": skips,
        "learning_rate": learning_rate,
        "decay": decay,
        "average": average,
        "start": start,
        "storage": storage,
        "licence": licence,
        "precision": precision,
        "seed": seed,
    }
    numbers |= {"patterns": tuple(patterns.split(","))} if patterns else {}
    plan = RECONRESNET.asked(images, numbers, device, checkpoint_seconds)
    finished = train_at_terminal(plan, out=out, prefect=prefect, quiet=json)
    tell_training(
        finished, plan.names.headings, [_told(row) for row in finished.rows], figure="ssim", as_json=json
    )
    return 0


def _told(row: Judged) -> dict[str, object]:
    return {
        "pattern": row.level,
        "zero_filled": row.ssim_before,
        "consistent": row.ssim_after,
        "psnr_db": [row.before, row.after],
    }

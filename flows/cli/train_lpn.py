"""``proxflow train-lpn``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Out, Prefect
from proxflow.flows.cli.training_options import (
    CheckpointSeconds,
    Images,
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
    steps: Annotated[int, Parameter(help="Of as many images as --batch says; published: 40 000.")] = 10_000,
    sigma: Annotated[
        float,
        Parameter(
            help="Noise removed, its std where 1 is the 0.995 quantile of an image: the one strength that "
            "the network will have. Published: 0.05 and 0.1; methods with a guaranteed descent want one that "
            "is not above the noise of what is measured."
        ),
    ] = 0.05,
    beyond: Annotated[
        float,
        Parameter(
            help="How far clean values reach below 0 and above 1, for which half of the images are stretched "
            "and shifted; 0, as published: not at all, and iterations may run off there."
        ),
    ] = 0.25,
    nonexpansive: Annotated[
        float,
        Parameter(
            help="Weight of a penalty, relative to the loss, on differences that the network enlarges; 0, as "
            "published: none, and iterations of methods may end in patterns. A step takes 1.6 times as long."
        ),
    ] = 3.0,
    complex_as: Annotated[
        Literal["parts", "magnitude"],
        Parameter(
            help="Complex images of --kind mri: real and imaginary part as two channels, or magnitudes."
        ),
    ] = "parts",
    network: Annotated[
        Literal["image", "small"],
        Parameter(help="Three octaves and the readout, as published for CT, or two."),
    ] = "image",
    side: SideOfEighths = 64,
    hidden: Annotated[
        int,
        Parameter(
            help="Channels of its hidden layers: of 64 pixels 0.5 million weights with 64, which a core "
            "trains in an hour, 1.3 with 128, 4.0 (16 MB) with 256, as published."
        ),
    ] = 64,
    sizes: Sizes = "",
    batch: Annotated[int, Parameter(help="Images in a step; published: 64.")] = 16,
    pretraining: Annotated[
        float, Parameter(help="Share of the steps, the first, on absolute errors; then proximal matching.")
    ] = 0.5,
    gamma: Annotated[
        float,
        Parameter(
            help="Of the last quarter of proximal matching, per pixel: errors well below it count by their "
            "square, those above hardly. 8, 4 and 2 times as much in the quarters before."
        ),
    ] = 0.08,
    learning_rate: Annotated[float, Parameter(help="Of Adam, on absolute errors.")] = 1e-3,
    matching_rate: Annotated[float, Parameter(help="Of Adam, on proximal matching.")] = 1e-4,
    decay: Annotated[
        float,
        Parameter(
            help="Share of the steps, the last, over which the rate falls to 0, all of proximal matching at "
            "most; published: 0."
        ),
    ] = 0.25,
    beta: Annotated[float, Parameter(help="Of the softplus; the larger, the sharper its bend.")] = 100.0,
    alpha: Annotated[
        float,
        Parameter(
            help="Of the square in the potential: more makes the prior of an image quicker and safer to "
            "find, and leaves 2 alpha of the noise."
        ),
    ] = 1e-6,
    start: Start = "",
    licence: Annotated[
        str, Parameter(help="Of the weights, for their file and the card; to be filled in if not given.")
    ] = "",
    seed: Annotated[int, Parameter(help="Of weights, images, phases and noise.")] = 0,
    out: Out = None,
    device: TrainingDevice = "cpu",
    checkpoint_seconds: CheckpointSeconds = 60.0,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Train a learned proximal network: a denoiser that is exactly the proximal operator of a prior.

    Noisy images against clean ones: by absolute errors at first, then by proximal matching, whose gamma falls
    in four stages; weights are clamped after each step, so that the network is a proximal operator at all
    times. The folder holds lpn.safetensors, card.md with what was measured on subjects kept apart,
    training.json, loss.svg and examples.png, slices kept apart, clean, noisy and denoised. A training that
    was stopped goes on with the same command and the same --out.

    Examples:
        proxflow train-lpn chest/*.nii.gz --kind ct --sizes 128,256 --out my-prox

        proxflow train-lpn brains.h5::images heart.npz --kind mri --validate heart --sizes 192,256

        proxflow train-lpn chest/*.nii.gz --kind ct --hidden 256 --steps 40000 --batch 64 --device cuda
    """
    from proxflow.flows.cli.lists import subject_names, whole_numbers
    from proxflow.flows.cli.network_training import train_at_terminal
    from proxflow.flows.cli.training_outcome import tell_training
    from proxflow.flows.lpn_plan import LPN

    numbers: dict[str, object] = {
        "kind": kind,
        "validate_on": subject_names(validate),
        "steps": steps,
        "sigma": sigma,
        "beyond": beyond,
        "nonexpansive": nonexpansive,
        "complex_as": complex_as,
        "network": network,
        "side": side,
        "hidden": hidden,
        "sizes": whole_numbers("--sizes", sizes),
        "batch": batch,
        "pretraining": pretraining,
        "gamma": gamma,
        "learning_rate": learning_rate,
        "matching_rate": matching_rate,
        "decay": decay,
        "beta": beta,
        "alpha": alpha,
        "start": start,
        "licence": licence,
        "seed": seed,
    }
    plan = LPN.asked(images, numbers, device, checkpoint_seconds)
    finished = train_at_terminal(plan, out=out, prefect=prefect, quiet=json)
    tell_training(finished, plan.names.headings, _gains(finished), as_json=json)
    return 0


def _gains(finished: FinishedTraining) -> list[dict[str, float]]:
    """Of the only noise there is; the loss is that of proximal matching."""
    return [
        {"noise": float(row.level), "noisy": row.before, "denoised": row.after, "matching": row.loss or 0.0}
        for row in finished.rows
    ]

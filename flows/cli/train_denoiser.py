"""``proxflow train-denoiser``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Out, Prefect

if TYPE_CHECKING:
    from proxflow.flows.denoiser_training_run import FinishedDenoiser


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
    kind: Annotated[Literal["ct", "magnitude"], Parameter(help="Hounsfield units, or magnitudes as of MR.")],
    validate: Annotated[
        str | None,
        Parameter(help="Subjects not trained on, separated by commas; one in eight, drawn, if not given."),
    ] = None,
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
    decay: Annotated[
        float, Parameter(help="Share of the steps, at the end, over which the learning rate falls to 0.")
    ] = 0.5,
    precision: Annotated[
        Literal["bfloat16", "float32"], Parameter(help="Of the convolutions; weights are float32.")
    ] = "bfloat16",
    weighting: Annotated[
        Literal["relative", "plain"],
        Parameter(help="Whether errors count by how much noise there was, or all alike."),
    ] = "relative",
    seed: Annotated[int, Parameter(help="Of weights, crops and noise.")] = 0,
    out: Out = None,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or cuda:N.")] = "cpu",
    checkpoint_seconds: Annotated[
        float, Parameter(help="A training that is killed loses as much at most.")
    ] = 60.0,
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
    from rich.console import Console

    from proxflow.flows.cli.denoiser_bar import DenoiserBar
    from proxflow.flows.denoiser_plan import plan_denoiser
    from proxflow.flows.denoiser_training_run import launch_denoiser_training
    from proxflow.flows.prefect_environment import server_configured
    from proxflow.tasks.errors import RequestError

    if not sizes.replace(",", "").isdecimal():
        raise RequestError(f"--sizes must be whole numbers separated by commas, got {sizes}")
    numbers: dict[str, object] = {
        "kind": kind,
        "validate_on": tuple(name for name in (validate or "").split(",") if name),
        "steps": steps,
        "sigma_high": sigma_high,
        "sizes": tuple(int(size) for size in sizes.split(",") if size),
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
    plan = plan_denoiser(images, numbers, device, checkpoint_seconds)
    with DenoiserBar(Console(stderr=True, quiet=json)) as watcher:
        if prefect or server_configured():
            from proxflow.flows.denoiser_as_flow import train_denoiser_as_flow

            finished = train_denoiser_as_flow(plan, out=out, watcher=watcher)
        else:
            finished = launch_denoiser_training(plan, out=out, watcher=watcher)
    if json:
        _print_json(finished)
    else:
        _show(finished)
    return 0


def _show(finished: FinishedDenoiser) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("noise, of the peak", "noisy dB", "denoised dB", "gain dB"):
        table.add_column(heading, justify="right")
    for level, before, after in finished.psnr:
        table.add_row(f"{level:g}", f"{before:.2f}", f"{after:.2f}", f"[bold]{after - before:+.2f}[/]")
    console.print(table)
    console.print(f"done after {finished.seconds:.0f} s of training; PSNR on subjects kept apart")
    console.print(f"weights {finished.weights}", soft_wrap=True)
    console.print(f"card    {finished.folder / 'card.md'}", soft_wrap=True)


def _print_json(finished: FinishedDenoiser) -> None:
    import json

    document = {
        "status": "done",
        "run_dir": str(finished.folder.resolve()),
        "weights": str(finished.weights.resolve()),
        "psnr_db": [
            {"noise": level, "noisy": before, "denoised": after} for level, before, after in finished.psnr
        ],
        "seconds": round(finished.seconds, 1),
    }
    print(json.dumps(document))

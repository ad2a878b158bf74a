"""``proxflow train-volumes``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Json, Out, Prefect
from proxflow.flows.cli.training_options import CheckpointSeconds, Decay, Precision, Start, TrainingDevice


def command(
    *,
    network: Annotated[
        Literal["unet3d", "deep2s"],
        Parameter(help="unet3d: removes noise of a level it is told; deep2s: adjoint image to magnitude."),
    ],
    steps: Annotated[int, Parameter(help="Of as many volumes as --batch says.")] = 15_000,
    batch: Annotated[
        int | None, Parameter(help="Volumes in a step; 16 crops for unet3d, 4 whole scenes for deep2s.")
    ] = None,
    side: Annotated[int, Parameter(help="unet3d: voxels along the edge of a crop.")] = 16,
    whole: Annotated[
        float, Parameter(help="unet3d: share of the steps, the last, with whole scenes, batch / 4 of them.")
    ] = 0.1,
    start: Start = "",
    frozen: Annotated[
        float,
        Parameter(help="Share of the steps, the last, in which batch normalisation keeps its statistics."),
    ] = 0.5,
    sigma_high: Annotated[float, Parameter(help="unet3d: strongest noise, as a part of the peak.")] = 0.2,
    noise: Annotated[
        Literal["complex", "real"],
        Parameter(help="unet3d: noise of a complex image whose magnitude is taken, or of the magnitude."),
    ] = "complex",
    understated: Annotated[
        float, Parameter(help="unet3d: share of the volumes with less noise than the network is told.")
    ] = 1.0,
    coloured: Annotated[
        float, Parameter(help="unet3d: share of the volumes whose noise is alike in neighbouring voxels.")
    ] = 0.5,
    frequencies: Annotated[
        str, Parameter(help="deep2s: how many of 4 to 16 GHz, one of these in a step.")
    ] = "5,10,20",
    snr: Annotated[str, Parameter(help="deep2s: least and greatest signal-to-noise ratio, dB.")] = "10,30",
    learning_rate: Annotated[float, Parameter(help="Of AdamW, reached after 50 steps.")] = 1e-3,
    decay: Decay = 0.7,
    weight_decay: Annotated[float, Parameter(help="Of AdamW.")] = 1e-4,
    precision: Precision = "auto",
    seed: Annotated[int, Parameter(help="Of weights, scenes and noise.")] = 0,
    shape: Annotated[str, Parameter(help="Voxels of a scene along z, y and x.")] = "49,25,25",
    out: Out = None,
    device: TrainingDevice = "cpu",
    checkpoint_seconds: CheckpointSeconds = 60.0,
    prefect: Prefect = False,
    json: Json = False,
) -> int:
    """Train a network for the magnitude of volumes, on scenes that are drawn: it needs no images.

    unet3d removes noise, for plug-and-play methods of near-field radar: crops of scenes with noise against
    clean ones, whole scenes in the last steps. deep2s makes the magnitude out of the adjoint image: scenes
    with random phases are measured by an array of 12 transmitters and 13 receivers, with noise.

    The folder holds unet3d.safetensors or deep2s.safetensors, card.md with what was measured on 50 scenes
    held out, training.json, loss.svg and examples.png. A training that was stopped goes on with the same
    command and the same --out. 15000 steps take hours on a CPU.

    Examples:
        proxflow train-volumes --network unet3d --out my-unet3d

        proxflow train-volumes --network unet3d --steps 40000 --device cuda --out my-unet3d

        proxflow train-volumes --network deep2s --frequencies 5,10,20 --snr 10,30 --out my-deep2s

        proxflow train-volumes --network unet3d --steps 20 --batch 2 --shape 16,12,12 --out first-try
    """
    from proxflow.flows.cli.lists import decimal_numbers, whole_numbers
    from proxflow.flows.cli.network_training import train_at_terminal
    from proxflow.flows.cli.training_outcome import tell_training
    from proxflow.flows.volume_plan import VOLUMES

    numbers: dict[str, object] = {
        "network": network,
        "steps": steps,
        "batch": batch,
        "side": side,
        "whole": whole,
        "start": start,
        "frozen": frozen,
        "sigma_high": sigma_high,
        "noise": noise,
        "understated": understated,
        "coloured": coloured,
        "frequencies": whole_numbers("--frequencies", frequencies),
        "snr_db": decimal_numbers("--snr", snr),
        "learning_rate": learning_rate,
        "decay": decay,
        "weight_decay": weight_decay,
        "precision": precision,
        "seed": seed,
        "shape": whole_numbers("--shape", shape),
    }
    plan = VOLUMES.asked((), numbers, device, checkpoint_seconds)
    finished = train_at_terminal(plan, out=out, prefect=prefect, quiet=json)
    tell_training(finished, plan.names.headings, [row._asdict() for row in finished.rows], as_json=json)
    return 0

"""What a user of a network against artefacts must know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxflow.configs.reconresnet_training import PatternName, ReconResNetTraining
from proxflow.models.artefacts.training import N_CG, Scores
from proxflow.models.artefacts.undersampled_images import GAMMA, UNIT
from proxflow.models.diffusion.smooth_phase import MOST
from proxflow.tasks.denoiser_training.folder import slices_text
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.network_training.training import Trained
from proxflow.tasks.provenance import machine_text

TITLES = {"reconresnet": "ReconResNet", "unet": "U-Net, the baseline of ReconResNet"}
PHASES = {"smooth": f"a smooth phase of up to {MOST:g} rad that is drawn", "none": "no phase"}


def card(
    trained: Trained,
    images: TrainingImages,
    config: ReconResNetTraining,
    found: Mapping[PatternName, Scores],
    told: Mapping[str, Any],
) -> str:
    """``found``: by pattern; ``told``: what the file of weights tells of the training."""
    count = f"{sum(parameter.numel() for parameter in trained.network.parameters()):,}".replace(",", " ")
    rows = "\n".join(_row(name, score) for name, score in found.items())
    start = f"Begins with the weights {Path(config.start).name}. " if config.start else ""
    sizes = ", ".join(map(str, config.image_sizes))
    drawn = "anew for each image" if config.masks == "drawn" else "once"
    return f"""# {TITLES[config.architecture]}: the magnitude of a zero-filled MR image without its artefacts

{_sizes(config)}; {count} parameters. What it sees has a peak of 1; what it makes is {UNIT:g} of the
object in that unit, and is brought to the data's by the measured samples.

## Data

Trained on {slices_text(images.trained)}.
Kept apart, for the figures below: {slices_text(images.kept_apart)}.

Licence: {told["licence"]}.

Magnitudes with {PHASES[config.phase]}, measured by one coil without noise. Patterns, drawn {drawn}:
{", ".join(config.patterns)}.

## Recipe

{config.steps} steps of Adam ({config.learning_rate:g}, falling to 0 in the last {config.decay:.0%}) on -SSIM
(window of 11 x 11 pixels, range 1). The weights are their moving average over the steps, {config.average:g}.
A step: {config.batch} images of {config.side} x {config.side} from slices of {sizes} pixels, flipped, turned,
to the power of {GAMMA[0]:g} to {GAMMA[1]:g}.
{start}Convolutions in {config.precision}, seed {config.seed}.

    {trained.command}

took {trained.history.seconds:.0f} s on {machine_text()}.

{_stored(config, told)}

## Figures

Means over slices kept apart, relative to a peak of 1: the zero-filled (spokes: gridded) image, the network
alone, and the image that was made consistent with the samples (spokes: {N_CG} steps of conjugate gradients).
SSIM has the loss's window and range 1.

| pattern | SSIM zero-filled | network | consistent | PSNR zero-filled | network | consistent |
|---|---|---|---|---|---|---|
{rows}

## Not for

Diagnosis; other anatomy, scales of pixels or patterns; noise. A network draws what it expects where samples
say little, and what is rare it may leave out.
"""


def _sizes(config: ReconResNetTraining) -> str:
    if config.architecture == "unet":
        return f"{config.channels} channels at full resolution, 4 levels, LeakyReLU"
    blocks, dropout, skips = config.residual
    return (
        f"{config.channels} channels at full resolution, {blocks} residual blocks, PReLU, dropout "
        f"{dropout:g}, skips {skips}"
    )


def _stored(config: ReconResNetTraining, told: Mapping[str, Any]) -> str:
    if config.storage == "float32":
        return "Stored in float32."
    return (
        f"Stored in float16, which moves images by {told['half_error']:.1e} of their peak (root mean "
        "square); figures are those before."
    )


def _row(name: str, score: Scores) -> str:
    similar = " | ".join(f"{value:.4f}" for value in score.ssim)
    return f"| {name} | {similar} | {' | '.join(f'{value:.2f}' for value in score.psnr)} |"

"""What a user of a diffusion prior must know."""

from __future__ import annotations

from pathlib import Path

from proxflow.configs.diffusion_training import DiffusionTraining
from proxflow.models.diffusion.noisy_images import BRIGHTNESS
from proxflow.models.diffusion.prior_training import MIDDLE, mean_errors
from proxflow.models.diffusion.smooth_phase import MOST
from proxflow.tasks.denoiser_training.folder import slices_text
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.diffusion_training.first_network import WEIGHT_DECAY
from proxflow.tasks.network_training.training import Trained
from proxflow.tasks.provenance import machine_text

IMAGES = {
    "ct": "real images, attenuation relative to water",
    "mri": f"complex images, magnitudes with a smooth phase of up to {MOST:g} rad that is drawn",
}

PREDICTED = {
    "noise": "epsilon(x_t, t)",
    "velocity": "v(x_t, t) = signal epsilon - noise x_0 of x_t = signal x_0 + noise epsilon",
}
SHORT = {"noise": "epsilon", "velocity": "v"}


def card(trained: Trained, images: TrainingImages, config: DiffusionTraining, n_judged: int) -> str:
    """Judged on ``n_judged`` slices. The licence of the images is for the user to add."""
    rows = trained.history.validation[-1][1]
    count = f"{sum(parameter.numel() for parameter in trained.network.parameters()):,}".replace(",", " ")
    table = "\n".join(
        f"| {row.level} | {10 ** (-row.before / 10):.3g} | {row.mse:.3g} | {row.after - row.before:+.2f} |"
        for row in rows
    )
    wiener, found = mean_errors(rows)
    verdict = "below" if found < wiener else "NOT below"
    start = f"Begins with the weights {Path(config.start).name}. " if config.start else ""
    sizes = ", ".join(map(str, config.image_sizes))
    return f"""# Diffusion prior of single images

{PREDICTED[config.predicts]}, of a variance-preserving diffusion of 1000 levels,
by the U-Net of guided diffusion with {config.channels} channels; {count} parameters.

Of {IMAGES[config.kind]};
the 0.995 quantile of an image's magnitudes is 1.

## Data

Kind: {config.kind}. Trained on {slices_text(images.trained)}.
Kept apart, for the figures below: {slices_text(images.kept_apart)}.

Licence of the images: to be filled in by who gives these weights away.

## Recipe

{config.steps} steps of AdamW ({config.learning_rate:g}, falling to 0 in the last {config.decay:.0%}; weight
decay {WEIGHT_DECAY:g}) on the mean squared error of {SHORT[config.predicts]}, t uniform over 0 to 999.
The weights are their moving average over the steps, {config.average:g}, after a warm-up.
A step: {config.batch} images of {config.side} x {config.side} from slices of {sizes} pixels, flipped, turned,
brightness {BRIGHTNESS[0]:g} to {BRIGHTNESS[1]:g}, values clipped at 1.
{start}Convolutions in {config.precision}, seed {config.seed}.

    {trained.command}

took {trained.history.seconds:.0f} s on {machine_text()}.

## Figures

Mean squared error of epsilon, whose variance is 1, over {n_judged} slices kept apart, in float32; beside it
that of the Wiener denoiser that knows the radial spectrum of the images trained on:

| t | Wiener | network | gain, dB |
|---|---|---|---|
{table}

Over t in {MIDDLE[0]} to {MIDDLE[1]}: {found:.3g}, {verdict} the {wiener:.3g} of Wiener's.

## Not for

Diagnosis; other anatomy or scales of pixels; images in another unit. A prior draws what it expects where the
measurements say little: its samples look sharp whether they are true or not.
"""

"""What a user of a learned proximal network must know."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from proxflow.configs.lpn_training import LpnTraining
from proxflow.models.diffusion.noisy_images import BRIGHTNESS
from proxflow.models.diffusion.smooth_phase import MOST
from proxflow.models.learned_prox.stages import Loss, Stage, falling_share
from proxflow.models.networks.judged import Judged
from proxflow.tasks.denoiser_training.folder import slices_text
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.lpn_training.whole_slices import WholeSlices
from proxflow.tasks.network_training.training import Trained
from proxflow.tasks.provenance import machine_text

UNIT = {
    "ct": "the 0.995 quantile of an image's attenuation",
    "mri": "the 0.995 quantile of an image's magnitude",
}
LOSSES: dict[Loss, str] = {
    "l2": "mean squared error",
    "l1": "mean absolute error",
    "matching": "proximal matching",
}
UNKNOWN = "to be filled in by who gives these weights away"


def card(
    trained: Trained,
    images: TrainingImages,
    config: LpnTraining,
    stages: Sequence[Stage],
    n_judged: int,
    whole: WholeSlices,
) -> str:
    """Of ``stages``, judged on ``n_judged`` crops and on ``whole`` slices. The licence is for the user to
    add."""
    row, history = trained.history.validation[-1][1][0], trained.history
    count = f"{sum(parameter.numel() for parameter in trained.network.parameters()):,}".replace(",", " ")
    start = f"Begins with the weights {config.start}. " if config.start else ""
    low, high = config.clean_range
    crop, sizes = f"{config.side} x {config.side}", ", ".join(map(str, config.image_sizes))
    return f"""# Learned proximal network of single images

f = grad psi, psi an input-convex network ({config.network}, {config.hidden} channels) of {crop} pixels,
beta {config.beta:g}, alpha {config.alpha:g}; {count} parameters. It is the proximal operator of a prior R,
whatever its weights; R is known up to a constant.

Of {_images(config)};
1 is {UNIT[config.kind]}.
It removes white noise of std {config.sigma:g} in that unit, in every channel, and no other: eta and rho of a
method weigh the data against R.

## Data

Kind: {config.kind}. Trained on {slices_text(images.trained)}.
Kept apart, for the figures below: {slices_text(images.kept_apart)}.

Licence: {licence_text(config)}.

## Recipe

{config.steps} steps of Adam, weights clamped at 0 after each where psi's convexity asks for it:
{stages_text(stages, config.decay)}.
{start}A step: {config.batch} images of {crop} from slices of {sizes} pixels, flipped, turned,
brightness {BRIGHTNESS[0]:g} to {BRIGHTNESS[1]:g},
{_widened_text(config)}values from {low:g} to {high:g}, clipped there.
{_penalty_text(config)}Float32, seed {config.seed}.

    {trained.command}

took {history.seconds:.0f} s, {history.steps_per_second:.3g} steps a second with what is measured on the way,
on {machine_text()}.

## Figures

PSNR in dB relative to a peak of 1 at noise {config.sigma:g}, of subjects kept apart, clipped at 1:
{n_judged} crops, and {len(whole.clean)} whole slices in patches that see every pixel equally often:

| | noisy | denoised | gain |
|---|---|---|---|
{_row("crops", row)}
{_row("whole slices", whole.judge())}

Proximal matching on the crops, gamma {config.whole_gamma:g}: {row.loss:.4g}.

## Not for

Diagnosis; other anatomy or scales of pixels; images in another unit or beyond its range.
{_prior_text(config, stages[-1])}
"""


def licence_text(config: LpnTraining) -> str:
    """What is known of the weights' licence."""
    return config.licence or UNKNOWN


def _images(config: LpnTraining) -> str:
    if config.kind == "ct":
        return "real images, attenuation relative to water"
    if config.channels == 1:
        return "magnitudes of complex images"
    return (
        "complex images as two channels, real and imaginary part, "
        f"magnitudes with a smooth phase of up to {MOST:g} rad that is drawn"
    )


def _widened_text(config: LpnTraining) -> str:
    if not config.beyond:
        return ""
    how = "stretched" if config.channels == 2 else "stretched and shifted"
    return f"half of them {how} to reach {config.beyond:g} beyond, "


def _penalty_text(config: LpnTraining) -> str:
    if not config.nonexpansive:
        return ""
    return f"Gains above 1 count {config.nonexpansive:g} times the loss (`--nonexpansive`). "


def stages_text(stages: Sequence[Stage], decay: float) -> str:
    """What was minimised for how long, a line for each loss."""
    lines, share = [], falling_share(stages, decay)
    for loss, group in groupby(stages, key=lambda stage: stage.loss):
        same = list(group)
        n_steps = sum(stage.n_steps for stage in same)
        told = f"{n_steps} step{'s' if n_steps > 1 else ''} of {LOSSES[loss]}"
        if loss == "matching":
            told += f" with gamma {', '.join(f'{stage.gamma:.4g}' for stage in same)} in turn"
        ends = f", falling to 0 in the last {share:.0%} of all" if share and same[-1] is stages[-1] else ""
        lines.append(f"{told} (rate {same[0].rate:g}{ends})")
    return ",\nthen ".join(lines)


def loss_text(stages: Sequence[Stage]) -> str:
    """The losses one after the other, in words."""
    return ", then ".join(LOSSES[loss] for loss in dict.fromkeys(stage.loss for stage in stages))


def _prior_text(config: LpnTraining, last: Stage) -> str:
    if last.loss == "matching":
        return f"With a gamma of {config.gamma:g} per pixel R is a learned potential, not a log-density."
    return f"By {LOSSES[last.loss]} alone f estimates no mode: R is a learned potential, not a log-density."


def _row(name: str, row: Judged) -> str:
    return f"| {name} | {row.before:.2f} | {row.after:.2f} | {row.gain:+.2f} |"

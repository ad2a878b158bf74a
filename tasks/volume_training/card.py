"""What a user of a network for volumes must know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proxflow.configs.volume_training import VolumeTraining
from proxflow.models.denoisers.held_out_scenes import FIRST_SEED
from proxflow.models.denoisers.noisy_scenes import WIDTHS
from proxflow.models.networks.judged import Judged, mean_mse
from proxflow.tasks.network_training.training import Trained
from proxflow.tasks.provenance import machine_text


def denoiser_card(trained: Trained, config: VolumeTraining, rows: Sequence[Judged], n_scenes: int) -> str:
    """Of a denoiser; ``rows``: judged on ``n_scenes`` after the last step."""
    return f"""# UNet3d for magnitudes of volumes

Told the noise level: two inputs, a magnitude with a peak of about 1 and the map of its noise's standard
deviation, 0 to {config.sigma_high:g} of the peak; {_count(trained)} parameters. The output is linear: clip
it at 0. For evaluation, with running statistics.

{_data(config)}

## Recipe

{config.steps} steps of AdamW ({config.learning_rate:g}, falling to 0 in the last {config.decay:.0%}; weight
decay {config.weight_decay:g}) on the mean squared error.
A step: {config.batch_size} crops of {config.side} x {config.side} x {config.side}, four in five around a
target; in the last {config.whole:.0%} of the steps whole scenes, {max(config.batch_size // 4, 1)} of them;
each dimmed by a factor of U(0.6, 1).
{_noise(config)}
{_start(config)}Batch normalisation keeps its statistics in the last {config.frozen:.0%} of the steps.
Convolutions in {config.precision}, seed {config.seed}.

{_took(trained)}

## Figures

Mean squared error over sigma in [0, {config.sigma_high:g}]: **{mean_mse(rows):.2e}**,
by the midpoint rule, over {n_scenes} whole scenes held out, relative to a peak of 1, in float32.

| noise, of the peak | noisy, dB | denoised, dB | gain, dB | mean squared error |
|---|---|---|---|---|
{_table(rows)}

## Not for

Scenes that are not sparse, or noise stronger than trained on or of another kind: a denoiser may remove what
is small and faint, and draw what it expects.
"""


def deep2s_card(
    trained: Trained, config: VolumeTraining, rows: Sequence[Judged], n_scenes: int, empty_db: float
) -> str:
    """Of Deep2S; ``rows``: judged on ``n_scenes`` after the last step, ``empty_db``: what no image gets."""
    counts = ", ".join(map(str, config.frequencies))
    low, high = config.snr_db
    return f"""# Deep2S, adjoint image to magnitude

One input, |A^H y| divided by its maximum, of the array it was trained for: `operators/mills_cross.py`, 12
transmitters and 13 receivers on the diagonals of a square of 0.3 m, {counts} frequencies of 4 to 16 GHz.
The output is a magnitude between 0 and 1; {_count(trained)} parameters. For evaluation, with running
statistics.

Differs from Manisali, Oral & Oktem, Digital Signal Process. 144:104274 (2024): two poolings where they have
three; no voxel is cropped; every item is divided by its own maximum, not by that of its batch.

{_data(config)}

## Recipe

{config.steps} steps of AdamW ({config.learning_rate:g}, falling to 0 in the last {config.decay:.0%}; weight
decay {config.weight_decay:g}) on the mean squared error.
A step: {config.batch_size} scenes with random phases, measured at one of the numbers of frequencies, with
circular Gaussian noise at a signal-to-noise ratio of U({low:g}, {high:g}) dB, drawn for each.
{_start(config)}Batch normalisation keeps its statistics in the last {config.frozen:.0%} of the steps.
Convolutions in {config.precision}, seed {config.seed}.

{_took(trained)}

## Figures

Means over {n_scenes} scenes held out, relative to a peak of 1; convolutions in float32. Most voxels are
empty: an image of zeros has **{empty_db:.2f} dB**.

| measurements | adjoint, dB | reconstructed, dB | gain, dB | mean squared error |
|---|---|---|---|---|
{_table(rows)}

## Not for

Other arrays, bands or boxes of voxels; measured data without calibration.
"""


def _data(config: VolumeTraining) -> str:
    shape = " x ".join(map(str, config.shape))
    return f"""## Data

No images: scenes of {shape} voxels (z, y, x) drawn by `models/denoisers/scenes.py`, one to three smooth,
compact targets in an empty volume. Step k draws with generator 1 000 003 seed + k; held-out scenes have
generators from {FIRST_SEED} on, which no seed reaches."""


def _took(trained: Trained) -> str:
    return f"    {trained.command}\n\ntook {trained.history.seconds:.0f} s on {machine_text()}."


def _start(config: VolumeTraining) -> str:
    return f"Begins with the weights {Path(config.start).name}. " if config.start else ""


def _count(trained: Trained) -> str:
    n = sum(parameter.numel() for parameter in trained.network.parameters())
    return f"{n:,}".replace(",", " ")


def _table(rows: Sequence[Judged]) -> str:
    return "\n".join(
        f"| {row.level} | {row.before:.2f} | {row.after:.2f} | {row.gain:+.2f} | {row.mse:.2e} |"
        for row in rows
    )


def _noise(config: VolumeTraining) -> str:
    told = f"The network is told a std of U(0, {config.sigma_high:g}) of the peak, drawn for each volume;"
    share = f"{config.understated:.0%} of the volumes have less, by a factor of U(0, 1)"
    colour = f"{config.coloured:.0%} of it blurred by a Gaussian of U({WIDTHS[0]}, {WIDTHS[1]}) voxels"
    where = (
        "to both parts of a complex image, of which the magnitude is taken"
        if config.noise == "complex"
        else "to the magnitude, not clipped"
    )
    return f"""{told} {share}.
Gaussian noise is added {where}; it is white,
{colour}. What follows is measured with white noise of the std that is told."""

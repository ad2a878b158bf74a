"""What a denoiser's training leaves: weights, a card that tells what they are, figures and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.data.weights.network_weights import NetworkWeights, write_weights
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.network_training.folder import numbers, write_results
from proxflow.tasks.network_training.training import Trained
from proxflow.tasks.provenance import machine_text

WEIGHTS = "denoiser.safetensors"
SHOWN_LEVELS = (0.02, 0.05, 0.1)
MOST_SHOWN = 3


def write_denoiser_folder(
    folder: Path,
    trained: Trained,
    images: TrainingImages,
    config: DenoiserTraining,
    judged: Sequence[Tensor],
) -> Path:
    """Write denoiser.safetensors, card.md, training.json, loss.svg and examples.png; the weights' path.

    judged: images of the subjects kept apart that were judged.
    """
    weights = folder / WEIGHTS
    with atomic_path(weights) as temporary:
        write_weights(temporary, NetworkWeights(trained.network.state_dict(), config.predicts, 1.0))
    data = {
        "trained_on": slice_counts(images.trained),
        "kept_apart": slice_counts(images.kept_apart),
        "images_digest": images.digest,
    }
    text = card(trained, images, config, len(judged))
    write_results(folder, trained, text, numbers(trained, config, data), _examples(trained.network, judged))
    return weights


def card(trained: Trained, images: TrainingImages, config: DenoiserTraining, n_judged: int) -> str:
    """What a user of the weights must know. The licence of the images is for the user to add."""
    history = trained.history
    sizes = ", ".join(map(str, config.sizes))
    start = f", beginning with {config.start}" if config.start else ""
    rows = [
        f"| {row.level} | {row.before:.2f} | {row.after:.2f} | {row.gain:+.2f} |"
        for row in history.validation[-1][1]
    ]
    return f"""# DnCNN for single images

Predicts the {config.predicts}; 222 785 parameters; for objects with a peak of 1.

## Data

Kind: {config.kind}. Trained on {slices_text(images.trained)}.
Kept apart, for the figures below: {slices_text(images.kept_apart)}.

Licence of the images: to be filled in by who gives these weights away.

## Recipe

{config.steps} steps of AdamW (5e-4, falling to 0 in the last {config.decay:.0%}) on the squared error
({config.weighting}){start}.
A step: {config.batch} crops of {config.side} x {config.side} from images of {sizes} pixels, flipped, turned.
White noise of std U(0, {config.sigma_high:g}) of the peak, drawn for each crop;
{config.circle_share:.0%} of the crops within a circular field of view.
Convolutions in {config.precision}, seed {config.seed}.

    {trained.command}

took {history.seconds:.0f} s on {machine_text()}.

## Figures

Mean PSNR in dB over {n_judged} images of the subjects kept apart, {min(config.sizes)} pixels or less,
relative to a peak of 1:

| noise, of the peak | noisy | denoised | gain |
|---|---|---|---|
{chr(10).join(rows)}

## Not for

Other anatomy, other scales of pixels, coloured noise, or diagnosis: a denoiser may remove what is small and
rare, and draw what it expects.
"""


def _examples(network: nn.Module, images: Sequence[Tensor]) -> NDArray[np.uint8]:
    """Rows of images kept apart: clean, then noisy and denoised at each level. 8 bits, black 0, white 1."""
    chosen = images[:: -(-len(images) // MOST_SHOWN)]
    rows = [torch.cat(_strip(network, image), 1) for image in chosen]
    width = max(row.shape[1] for row in rows)
    padded = [torch.nn.functional.pad(row, (0, width - row.shape[1])) for row in rows]
    return np.rint(255 * torch.cat(padded).clamp(0, 1).numpy()).astype(np.uint8)


@torch.no_grad()
def _strip(network: nn.Module, image: Tensor) -> list[Tensor]:
    device = next(network.parameters()).device
    strip = [image]
    for level in SHOWN_LEVELS:
        noisy = image + level * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
        strip += [noisy, network(noisy[None, None].to(device))[0, 0].cpu()]
    return strip


def slice_counts(subjects: Sequence[Subject]) -> dict[str, int]:
    """Of each subject, by name."""
    return {subject.name: len(subject.slices) for subject in subjects}


def slices_text(subjects: Sequence[Subject]) -> str:
    """How many, and whose, for people."""
    slices = sum(len(subject.slices) for subject in subjects)
    return f"{slices} slices of {', '.join(subject.name for subject in subjects)}"

"""What a denoiser's training leaves: weights, a card that tells what they are, figures and pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.data.weights.network_weights import NetworkWeights, write_weights
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.networks.dncnn import DnCNN
from proxflow.tasks.denoiser_training.checkpoint import History
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.denoiser_training.loss_plot import loss_plot
from proxflow.tasks.denoiser_training.train import LEVELS, judged_images
from proxflow.tasks.provenance import machine_text, versions

SHOWN_LEVELS = (0.02, 0.05, 0.1)
MOST_SHOWN = 3


@dataclass(frozen=True)
class Trained:
    """A training that is done."""

    images: TrainingImages
    config: DenoiserTraining
    network: DnCNN
    history: History
    command: str


def write_denoiser_folder(folder: Path, trained: Trained) -> Path:
    """Write denoiser.safetensors, card.md, training.json, loss.svg and examples.png; the weights' path."""
    weights = folder / "denoiser.safetensors"
    with atomic_path(weights) as temporary:
        tensors = trained.network.state_dict()
        write_weights(temporary, NetworkWeights(tensors, trained.network.predicts, 1.0))
    texts = {
        "card.md": card(trained),
        "training.json": json.dumps(document(trained), indent=1) + "\n",
        "loss.svg": loss_plot(trained.history),
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    with atomic_path(folder / "examples.png") as temporary:
        Image.fromarray(_examples(trained)).save(temporary, format="PNG")
    return weights


def document(trained: Trained) -> dict[str, object]:
    """All numbers of the training."""
    config, history = trained.config, trained.history
    return {
        "command": trained.command,
        "config": config.model_dump(mode="json"),
        "trained_on": _counts(trained.images.trained),
        "kept_apart": _counts(trained.images.kept_apart),
        "images_digest": trained.images.digest,
        "noise_levels": list(LEVELS),
        "psnr_db": [{"step": step, "noisy_denoised": rows} for step, rows in history.validation],
        "losses": history.losses,
        "seconds": round(history.seconds, 1),
        "provenance": {"machine": machine_text(), "versions": versions()},
    }


def card(trained: Trained) -> str:
    """What a user of the weights must know. The licence of the images is for the user to add."""
    config, history = trained.config, trained.history
    judged = len(judged_images(trained.images.kept_apart))
    sizes = ", ".join(map(str, config.sizes))
    start = f", beginning with {config.start}" if config.start else ""
    rows = [
        f"| {level:g} | {before:.2f} | {after:.2f} | {after - before:+.2f} |"
        for level, (before, after) in zip(LEVELS, history.validation[-1][1], strict=True)
    ]
    return f"""# DnCNN for single images

Predicts the {config.predicts}; 222 785 parameters; for objects with a peak of 1.

## Data

Kind: {config.kind}. Trained on {_words(trained.images.trained)}.
Kept apart, for the figures below: {_words(trained.images.kept_apart)}.

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

Mean PSNR in dB over {judged} images of the subjects kept apart, {min(config.sizes)} pixels or less, relative
to a peak of 1:

| noise, of the peak | noisy | denoised | gain |
|---|---|---|---|
{chr(10).join(rows)}

## Not for

Other anatomy, other scales of pixels, coloured noise, or diagnosis: a denoiser may remove what is small and
rare, and draw what it expects.
"""


def _examples(trained: Trained) -> NDArray[np.uint8]:
    """Rows of images kept apart: clean, then noisy and denoised at each level. 8 bits, black 0, white 1."""
    images = judged_images(trained.images.kept_apart)
    chosen = images[:: -(-len(images) // MOST_SHOWN)]
    rows = [torch.cat(_strip(trained.network, image), 1) for image in chosen]
    width = max(row.shape[1] for row in rows)
    padded = [torch.nn.functional.pad(row, (0, width - row.shape[1])) for row in rows]
    return np.rint(255 * torch.cat(padded).clamp(0, 1).numpy()).astype(np.uint8)


@torch.no_grad()
def _strip(network: DnCNN, image: Tensor) -> list[Tensor]:
    device = next(network.parameters()).device
    strip = [image]
    for level in SHOWN_LEVELS:
        noisy = image + level * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
        strip += [noisy, network(noisy[None, None].to(device))[0, 0].cpu()]
    return strip


def _counts(subjects: Sequence[Subject]) -> dict[str, int]:
    return {subject.name: len(subject.slices) for subject in subjects}


def _words(subjects: Sequence[Subject]) -> str:
    slices = sum(len(subject.slices) for subject in subjects)
    return f"{slices} slices of {', '.join(subject.name for subject in subjects)}"

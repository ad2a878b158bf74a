"""The training of a diffusion prior of single images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from proxflow.configs.diffusion_training import DiffusionTraining
from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.diffusion.fourier_wiener import FourierWiener, radial_spectrum
from proxflow.models.diffusion.network_priors import VpNetworkPrior
from proxflow.models.diffusion.noisy_images import ImageSettings, draw_images, draw_noisy
from proxflow.models.diffusion.prior_training import (
    MIDDLE,
    find_noise_gradient,
    judged_errors,
    mean_errors,
    noise_errors,
)
from proxflow.models.diffusion.unconditional import unconditional_samples
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee
from proxflow.tasks.denoiser_training.folder import slice_counts
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.diffusion_training.card import card
from proxflow.tasks.diffusion_training.first_network import network_settings, prior_trainee
from proxflow.tasks.diffusion_training.pictures import image_rows
from proxflow.tasks.network_training.folder import numbers, write_results
from proxflow.tasks.network_training.training import Trained, training_digest

WEIGHTS = "diffusion.safetensors"
MOST_JUDGED = 32  # slices kept apart
N_SPECTRUM, SPECTRUM_SEED = 512, 2**62  # images of which Wiener's spectrum is; no step has this generator
N_SHOWN, SAMPLING_STEPS = 8, 50


class PriorTraining:
    """Drawn images with noise of drawn levels against the noise; the average of the weights is kept.

    images: ``in_unit``, as ``load_prior_images`` gives them.
    """

    judge_every = 500

    def __init__(self, images: TrainingImages, config: DiffusionTraining) -> None:
        self.images, self.config = images, config

    @property
    def digest(self) -> str:
        return training_digest(self.config, self.images.digest)

    @cached_property
    def judged(self) -> Tensor:
        """Slices kept apart, evenly chosen, each drawn once as those of the training are."""
        found = [Subject("", (sizes,)) for subject in self.images.kept_apart for sizes in subject.slices]
        chosen = found[:: -(-len(found) // MOST_JUDGED)]
        return torch.cat([self._drawn([slice_], 1, index) for index, slice_ in enumerate(chosen)])

    @cached_property
    def wiener(self) -> list[float]:
        """Errors of the prior that knows the spectrum of the training's images alone."""
        side = self.config.side
        images = self._drawn(self.images.trained, N_SPECTRUM, SPECTRUM_SEED)
        return noise_errors(FourierWiener(radial_spectrum(list(images), (side, side))), self.judged)

    def begin(self, device: str) -> Trainee:
        return prior_trainee(self.config, device)

    def find_gradient(self, trainee: Trainee) -> float:
        config = self.config
        images = draw_noisy(self.images.trained, self._settings(config.batch), config.seed, trainee.step)
        return find_noise_gradient(trainee, images, mixed=config.precision == "bfloat16")

    def judge(self, network: nn.Module) -> list[Judged]:
        found = noise_errors(_prior(network), self.judged, next(network.parameters()).device)
        return judged_errors(found, self.wiener)

    def write(self, folder: Path, trained: Trained) -> Path:
        """diffusion.safetensors, card.md, training.json, loss.svg and examples.png."""
        weights, config = folder / WEIGHTS, self.config
        with atomic_path(weights) as temporary:
            settings = asdict(network_settings(config))
            write_diffusion_weights(temporary, DiffusionWeights(trained.network.state_dict(), settings))
        wiener, found = mean_errors(trained.history.validation[-1][1])
        data = {
            "trained_on": slice_counts(self.images.trained),
            "kept_apart": slice_counts(self.images.kept_apart),
            "images_digest": self.images.digest,
            "middle": {"times": MIDDLE, "wiener": wiener, "network": found, "better": found < wiener},
        }
        text = card(trained, self.images, config, len(self.judged))
        samples = unconditional_samples(
            _prior(trained.network),
            (N_SHOWN, config.side, config.side),
            is_complex=self.judged.is_complex(),
            n_steps=SAMPLING_STEPS,
            device=next(trained.network.parameters()).device,
        )
        shown = self.judged[:: -(-len(self.judged) // N_SHOWN)]
        write_results(folder, trained, text, numbers(trained, config, data), image_rows(samples, shown))
        return weights

    def _settings(self, batch: int) -> ImageSettings:
        return ImageSettings(self.config.side, batch, is_complex=self.config.kind == "mri")

    def _drawn(self, subjects: Sequence[Subject], n: int, seed: int) -> Tensor:
        return draw_images(subjects, self._settings(n), torch.Generator().manual_seed(seed))


def _prior(network: nn.Module) -> VpNetworkPrior:
    assert isinstance(network, DiffusionUnet), type(network)
    return VpNetworkPrior(network)

"""The training of a learned proximal network of single images."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from proxflow.configs.lpn_training import LpnTraining
from proxflow.data.weights.lpn_weights import LpnTrained, LpnWeights, write_lpn_weights
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.diffusion.noisy_images import ImageSettings, channels_of, draw_images
from proxflow.models.learned_prox.expansion import reach_of
from proxflow.models.learned_prox.stages import Stage, image_stages, stage_at
from proxflow.models.learned_prox.training import GainPenalty, draw_pairs, find_lpn_gradient, judge_lpn
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee
from proxflow.tasks.denoiser_training.folder import slice_counts, slices_text
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.diffusion_training.pictures import image_rows
from proxflow.tasks.lpn_training.card import UNIT, card, licence_text, loss_text
from proxflow.tasks.lpn_training.first_network import first_trainee, network_settings
from proxflow.tasks.lpn_training.whole_slices import WholeSlices
from proxflow.tasks.network_training.folder import numbers, write_results
from proxflow.tasks.network_training.training import Trained, training_digest

WEIGHTS = "lpn.safetensors"
MOST_JUDGED = 32  # slices kept apart


class LpnImageTraining:
    """Drawn images with noise of one strength against clean ones: absolute errors, then proximal matching.

    images: ``in_unit``, as ``load_lpn_images`` gives them.
    """

    judge_every = 500

    def __init__(self, images: TrainingImages, config: LpnTraining) -> None:
        self.images, self.config = images, config

    @property
    def digest(self) -> str:
        return training_digest(self.config, self.images.digest)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        config = self.config
        return image_stages(
            config.steps,
            share=config.pretraining,
            rate=config.learning_rate,
            matching_rate=config.matching_rate,
            gamma=config.whole_gamma,
        )

    @cached_property
    def judged(self) -> Tensor:
        """Slices kept apart, evenly chosen, each drawn once, without values ``beyond``: float32
        (n, channels, side, side)."""
        found = [Subject("", (sizes,)) for subject in self.images.kept_apart for sizes in subject.slices]
        chosen = found[:: -(-len(found) // MOST_JUDGED)]
        drawn = [
            draw_images([slice_], self._settings(1), torch.Generator().manual_seed(index))
            for index, slice_ in enumerate(chosen)
        ]
        return channels_of(torch.cat(drawn))

    def begin(self, device: str) -> Trainee:
        return first_trainee(self.config, self.stages, device)

    def find_gradient(self, trainee: Trainee) -> float:
        config = self.config
        pairs = draw_pairs(
            self.images.trained,
            self._settings(config.batch),
            config.sigma,
            config.seed,
            trainee.step,
            beyond=config.beyond,
        )
        stage = stage_at(self.stages, trainee.step)
        weight = config.nonexpansive
        penalty = GainPenalty(weight, reach_of(config.sigma), config.seed) if weight else None
        return find_lpn_gradient(trainee, pairs, stage, penalty)

    def judge(self, network: nn.Module) -> list[Judged]:
        return [judge_lpn(network, self.judged, self.config.sigma, self.config.whole_gamma)]

    def write(self, folder: Path, trained: Trained) -> Path:
        """lpn.safetensors, card.md, training.json, loss.svg and examples.png."""
        weights, config, network = folder / WEIGHTS, self.config, trained.network
        assert isinstance(network, Icnn), type(network)
        with atomic_path(weights) as temporary:
            settings = asdict(network_settings(config))
            write_lpn_weights(temporary, LpnWeights(network.state_dict(), settings, self._told()))
        whole = WholeSlices(network, self.images.kept_apart, config)
        data = {
            "trained_on": slice_counts(self.images.trained),
            "kept_apart": slice_counts(self.images.kept_apart),
            "images_digest": self.images.digest,
            "stages": [asdict(stage) for stage in self.stages],
            "whole_slices": {"n": len(whole.clean), **whole.judge()._asdict()},
        }
        text = card(trained, self.images, config, self.stages, len(self.judged), whole)
        shown = image_rows(*whole.pictures())
        write_results(folder, trained, text, numbers(trained, config, data), shown, loss_text(self.stages))
        return weights

    def _settings(self, batch: int) -> ImageSettings:
        return ImageSettings(self.config.side, batch, is_complex=self.config.channels == 2)

    def _told(self) -> LpnTrained:
        config, last = self.config, self.stages[-1]
        low, high = config.clean_range
        return LpnTrained(
            unit=UNIT[config.kind],
            low=low,
            high=high,
            sigma=config.sigma,
            gamma=last.gamma,
            data=slices_text(self.images.trained),
            licence=licence_text(config),
        )

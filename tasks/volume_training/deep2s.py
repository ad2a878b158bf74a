"""The training of Deep2S: from the adjoint image to the magnitude of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from proxflow.configs.volume_training import VolumeTraining
from proxflow.data.weights.volume_weights import VolumeWeights, write_volume_weights
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.denoisers.adjoint_scenes import (
    MeasuredSettings,
    adjoint_magnitude,
    draw_adjoints,
    measured,
)
from proxflow.models.denoisers.held_out_scenes import held_out_scenes
from proxflow.models.denoisers.scenes import SceneSettings
from proxflow.models.denoisers.volume_training import NOISE_SEED, applied, find_volume_gradient
from proxflow.models.networks.judged import Judged, judged
from proxflow.models.networks.running_statistics import train_mode
from proxflow.models.networks.trainee import Trainee
from proxflow.models.networks.unet3d import UNet3d
from proxflow.operators.base import LinearOperator
from proxflow.operators.mills_cross import mills_cross
from proxflow.tasks.network_training.folder import judged_document, numbers, write_results
from proxflow.tasks.network_training.training import Trained, training_digest
from proxflow.tasks.volume_training.card import deep2s_card
from proxflow.tasks.volume_training.first_network import volume_trainee
from proxflow.tasks.volume_training.volume_pictures import volume_rows

WEIGHTS = "deep2s.safetensors"
N_JUDGED, N_SHOWN = 6, 3  # scenes judged on the way and in pictures
N_REPORTED, FIRST_REPORTED = 50, 12  # for the card, scenes that were not judged before


class Deep2sTraining:
    """Whole scenes against the adjoint images of their measurements, by ``mills_cross``."""

    judge_every = 500

    def __init__(self, config: VolumeTraining) -> None:
        self.config = config
        self.scenes = SceneSettings(shape=config.shape)
        self.operators = {n: mills_cross(n, config.shape) for n in config.frequencies}

    @property
    def digest(self) -> str:
        return training_digest(self.config)

    @cached_property
    def judged(self) -> Tensor:
        return held_out_scenes(self.scenes, N_JUDGED)

    def begin(self, device: str) -> Trainee:
        return volume_trainee(lambda: UNet3d(1, sigmoid=True), self.config, device)

    def find_gradient(self, trainee: Trainee) -> float:
        config = self.config
        train_mode(trainee, config.frozen)
        settings = MeasuredSettings(self.scenes, config.batch_size, config.snr_db)
        device = next(trainee.network.parameters()).device
        pairs = draw_adjoints(self.operators, settings, config.seed, trainee.step, device)
        mixed = config.precision == "bfloat16"
        return find_volume_gradient(trainee, pairs.inputs, pairs.clean, mixed=mixed)

    def judge(self, network: nn.Module) -> list[Judged]:
        return self._judge(network, list(self.judged))

    def write(self, folder: Path, trained: Trained) -> Path:
        """deep2s.safetensors, card.md, training.json, loss.svg and examples.png."""
        weights, config = folder / WEIGHTS, self.config
        tensors, numbers_of = trained.network.state_dict(), (config.frequencies, config.snr_db)
        with atomic_path(weights) as temporary:
            write_volume_weights(temporary, VolumeWeights(tensors, "deep2s", config.shape, 0.0, *numbers_of))
        scenes = held_out_scenes(self.scenes, N_REPORTED, FIRST_REPORTED)
        reported = self._judge(trained.network, list(scenes))
        empty = judged("", [(0 * scene, 0 * scene, scene) for scene in scenes]).after
        text = deep2s_card(trained, config, reported, N_REPORTED, empty)
        found = judged_document(reported) | {"empty_db": empty}
        document = numbers(trained, config, {"reported": found})
        write_results(folder, trained, text, document, volume_rows(self._examples(trained.network)))
        return weights

    def _judge(self, network: nn.Module, scenes: Sequence[Tensor]) -> list[Judged]:
        """At every number of frequencies and the least, the middle and the greatest signal-to-noise ratio."""
        low, high = self.config.snr_db
        rows = []
        for n, operator in self.operators.items():
            for snr_db in sorted({low, (low + high) / 2, high}):
                pairs = []
                for index, scene in enumerate(scenes):
                    given = _given(operator, scene, snr_db, index)
                    pairs.append((given, applied(network, given[None]), scene))
                rows.append(judged(f"{n} frequencies, {snr_db:g} dB", pairs))
        return rows

    def _examples(self, network: nn.Module) -> list[list[Tensor]]:
        rows, snr_db = [], self.config.snr_db[1]
        for index, scene in enumerate(self.judged[:N_SHOWN]):
            row = [scene]
            for operator in self.operators.values():
                given = _given(operator, scene, snr_db, index)
                row += [given, applied(network, given[None])]
            rows.append(row)
        return rows


def _given(operator: LinearOperator, scene: Tensor, snr_db: float, index: int) -> Tensor:
    """What the network is given of a scene that is judged: its phases and noise are those of ``index``."""
    rng = torch.Generator().manual_seed(NOISE_SEED + index)
    return adjoint_magnitude(operator, measured(operator, scene, snr_db, rng))

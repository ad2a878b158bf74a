"""The training of a denoiser of volumes that is told the noise level."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from torch import Tensor, nn

from proxflow.configs.volume_training import VolumeTraining
from proxflow.data.weights.volume_weights import VolumeWeights, write_volume_weights
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.denoisers.held_out_scenes import held_out_scenes
from proxflow.models.denoisers.noisy_scenes import VolumeSettings, draw_volumes
from proxflow.models.denoisers.scenes import SceneSettings
from proxflow.models.denoisers.volume_training import (
    applied,
    find_volume_gradient,
    judge_volumes,
    midpoints,
    noisy_volume,
)
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.running_statistics import train_mode
from proxflow.models.networks.trainee import Trainee
from proxflow.models.networks.unet3d import UNet3d
from proxflow.tasks.network_training.folder import judged_document, numbers, write_results
from proxflow.tasks.network_training.training import Trained, training_digest
from proxflow.tasks.volume_training.card import denoiser_card
from proxflow.tasks.volume_training.first_network import volume_trainee
from proxflow.tasks.volume_training.volume_pictures import volume_rows

WEIGHTS = "unet3d.safetensors"
N_JUDGED, N_LEVELS = 12, 5  # scenes and noise levels judged on the way
N_REPORTED, N_REPORTED_LEVELS = 50, 10  # and for the card, scenes that were not judged before
N_SHOWN, SHOWN = 3, (0.3, 0.5, 0.9)  # scenes in pictures, with noise of these parts of the strongest
A_WHOLE = 4  # crops in a step for one whole scene, which holds as many voxels as seven of them


class VolumeDenoiserTraining:
    """Crops of drawn scenes with noise, and whole ones in the last steps, against clean ones.

    Whole scenes are what is met in use, where most is empty.
    """

    judge_every = 500

    def __init__(self, config: VolumeTraining) -> None:
        self.config = config
        self.scenes = SceneSettings(shape=config.shape)

    @property
    def digest(self) -> str:
        return training_digest(self.config)

    @cached_property
    def judged(self) -> Tensor:
        return held_out_scenes(self.scenes, N_JUDGED)

    def begin(self, device: str) -> Trainee:
        return volume_trainee(lambda: UNet3d(2), self.config, device)

    def find_gradient(self, trainee: Trainee) -> float:
        config = self.config
        n_whole = round(config.whole * trainee.n_steps)
        train_mode(trainee, config.frozen)
        whole = trainee.step >= trainee.n_steps - n_whole
        side, batch = (0, max(config.batch_size // A_WHOLE, 1)) if whole else (config.side, config.batch_size)
        settings = VolumeSettings(
            self.scenes,
            side,
            batch,
            sigma_high=config.sigma_high,
            law=config.noise,
            understated=config.understated,
            coloured=config.coloured,
        )
        pairs = draw_volumes(settings, config.seed, trainee.step)
        mixed = config.precision == "bfloat16"
        return find_volume_gradient(trainee, pairs.inputs, pairs.clean, mixed=mixed)

    def judge(self, network: nn.Module) -> list[Judged]:
        levels = midpoints(self.config.sigma_high, N_LEVELS)
        return judge_volumes(network, list(self.judged), levels, self.config.noise)

    def write(self, folder: Path, trained: Trained) -> Path:
        """unet3d.safetensors, card.md, training.json, loss.svg and examples.png."""
        weights, config = folder / WEIGHTS, self.config
        with atomic_path(weights) as temporary:
            tensors = trained.network.state_dict()
            write_volume_weights(temporary, VolumeWeights(tensors, "unet3d", config.shape, config.sigma_high))
        scenes = held_out_scenes(self.scenes, N_REPORTED, first=N_JUDGED)
        reported = judge_volumes(
            trained.network,
            list(scenes),
            midpoints(config.sigma_high, N_REPORTED_LEVELS),
            config.noise,
        )
        text = denoiser_card(trained, config, reported, N_REPORTED)
        document = numbers(trained, config, {"reported": judged_document(reported)})
        write_results(folder, trained, text, document, volume_rows(self._examples(trained.network)))
        return weights

    def _examples(self, network: nn.Module) -> list[list[Tensor]]:
        rows = []
        for index, scene in enumerate(self.judged[:N_SHOWN]):
            row = [scene]
            for part in SHOWN:
                inputs = noisy_volume(scene, part * self.config.sigma_high, index, self.config.noise)
                row += [inputs[0], applied(network, inputs)]
            rows.append(row)
        return rows

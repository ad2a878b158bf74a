"""The training of a denoiser of single images, DnCNN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.models.denoisers.noisy_crops import CropSettings, Subject, draw_crops
from proxflow.models.denoisers.training import denoiser_trainee, find_gradient, judge_denoiser
from proxflow.models.networks.dncnn import DnCNN
from proxflow.models.networks.drawn_network import drawn_network
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee
from proxflow.tasks.denoiser_training.folder import write_denoiser_folder
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.denoisers import open_network
from proxflow.tasks.errors import RequestError
from proxflow.tasks.network_training.training import Trained, training_digest

LEVELS = (0.005, 0.01, 0.02, 0.05, 0.1)  # noise at which it is judged, as a part of the peak
LOW_NOISE = 0.2  # of the strongest: below it errors count fully
MOST_JUDGED = 16  # images


@dataclass(frozen=True)
class DncnnTraining:
    """Crops of ``images`` with noise against clean ones."""

    images: TrainingImages
    config: DenoiserTraining
    judge_every: int = 250

    @property
    def digest(self) -> str:
        return training_digest(self.config, self.images.digest)

    def begin(self, device: str) -> Trainee:
        network = _first_network(self.config).to(device)
        return denoiser_trainee(network, self.config.steps, self.config.decay)

    def find_gradient(self, trainee: Trainee) -> float:
        config = self.config
        settings = CropSettings(config.side, config.batch, config.sigma_high, circle=config.circle_share)
        crops = draw_crops(self.images.trained, settings, config.seed, trainee.step)
        low_noise = LOW_NOISE * config.sigma_high if config.weighting == "relative" else None
        return find_gradient(trainee, crops, low_noise=low_noise, mixed=config.precision == "bfloat16")

    def judge(self, network: nn.Module) -> list[Judged]:
        return judge_denoiser(network, judged_images(self.images.kept_apart), LEVELS)

    def write(self, folder: Path, trained: Trained) -> Path:
        shown = judged_images(self.images.kept_apart)
        return write_denoiser_folder(folder, trained, self.images, self.config, shown)


def judged_images(subjects: Sequence[Subject]) -> list[Tensor]:
    """Images of the subjects kept apart, in the smallest size, evenly chosen and at most 16."""
    found = [copies[0] for subject in subjects for copies in subject.slices]
    return found[:: -(-len(found) // MOST_JUDGED)]


def _first_network(config: DenoiserTraining) -> DnCNN:
    """With weights drawn by the seed, or those to start from."""
    if config.start:
        network, peak = open_network(config.start)
        if network.predicts != config.predicts or peak != 1:
            raise RequestError(
                f"--start must be weights that predict the {config.predicts} of objects with peak 1, got "
                f"{network.predicts} and peak {peak:g}"
            )
        return network
    return drawn_network(lambda: DnCNN(config.predicts), config.seed)

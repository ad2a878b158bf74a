"""The training of a network against the artefacts of undersampling."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Literal

from torch import nn

from proxflow.configs.reconresnet_training import PatternName, ReconResNetTraining
from proxflow.data.weights.reconresnet_weights import ReconResNetWeights, write_reconresnet_weights
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.artefacts.training import (
    Case,
    Made,
    find_ssim_gradient,
    judged_pattern,
    made_of,
    scores,
)
from proxflow.models.artefacts.undersampled_images import (
    UndersamplingSettings,
    draw_object,
    draw_undersampled,
)
from proxflow.models.denoisers.draws import step_generator
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee
from proxflow.tasks.denoiser_training.folder import slice_counts
from proxflow.tasks.denoiser_training.load import TrainingImages
from proxflow.tasks.network_training.folder import numbers, write_results
from proxflow.tasks.network_training.training import Trained, training_digest
from proxflow.tasks.reconresnet_training.card import card
from proxflow.tasks.reconresnet_training.first_network import artefact_trainee, network_settings
from proxflow.tasks.reconresnet_training.half import half_error, halved
from proxflow.tasks.reconresnet_training.patterns import pattern_of
from proxflow.tasks.reconresnet_training.pictures import made_rows

WEIGHTS = "reconresnet.safetensors"
MOST_JUDGED = 6  # slices kept apart, by each pattern
JUDGED_SEED = 2**31  # of turns, powers and phases; no step has this generator
UNKNOWN_LICENCE = "to be filled in by who gives these weights away"


class ArtefactTraining:
    """Zero-filled images of drawn patterns against the truth, by SSIM; the average of the weights is kept."""

    judge_every = 1000

    def __init__(self, images: TrainingImages, config: ReconResNetTraining) -> None:
        self.images, self.config = images, config
        self.patterns = {name: pattern_of(name, config.side) for name in config.patterns}

    @property
    def digest(self) -> str:
        return training_digest(self.config, self.images.digest)

    @cached_property
    def cases(self) -> dict[PatternName, list[Case]]:
        """By pattern: slices kept apart, evenly chosen, each drawn and measured once; with masks that are
        fixed, by the one it is trained with."""
        found = [Subject("", (sizes,)) for subject in self.images.kept_apart for sizes in subject.slices]
        truths = [
            draw_object(slice_, self._settings, step_generator(JUDGED_SEED, index))
            for index, slice_ in enumerate(found[:: -(-len(found) // MOST_JUDGED)])
        ]
        fixed = self._settings.fixed
        return {
            name: [Case(truth, pattern(0 if fixed else index)) for index, truth in enumerate(truths)]
            for name, pattern in self.patterns.items()
        }

    def begin(self, device: str) -> Trainee:
        return artefact_trainee(self.config, device)

    def find_gradient(self, trainee: Trainee) -> float:
        config = self.config
        patterns = list(self.patterns.values())
        images = draw_undersampled(self.images.trained, patterns, self._settings, config.seed, trainee.step)
        return find_ssim_gradient(trainee, images, seed=config.seed, mixed=config.precision == "bfloat16")

    def judge(self, network: nn.Module) -> list[Judged]:
        return [judged_pattern(name, made) for name, made in self.made(network).items()]

    def made(self, network: nn.Module) -> dict[PatternName, list[Made]]:
        """Of all cases, by pattern; the network stays as it is."""
        training = network.training
        phase: Literal["low", "none"] = "low" if self._settings.is_complex else "none"
        found = {
            name: [made_of(network, case, phase=phase) for case in cases]
            for name, cases in self.cases.items()
        }
        network.train(training)
        return found

    def write(self, folder: Path, trained: Trained) -> Path:
        """reconresnet.safetensors, card.md, training.json, loss.svg and examples.png."""
        weights, config, network = folder / WEIGHTS, self.config, trained.network
        half = config.storage == "float16"
        seen = [case for cases in self.cases.values() for case in cases[:1]]
        moved = half_error(network, seen) if half else 0.0
        told = {
            "patterns": list(config.patterns),
            "subjects": [subject.name for subject in self.images.trained],
            "side": config.side,
            "licence": config.licence or UNKNOWN_LICENCE,
            "half_error": moved,
        }
        tensors = halved(network) if half else network.state_dict()
        settings = asdict(network_settings(config))
        with atomic_path(weights) as temporary:
            kept = ReconResNetWeights(tensors, settings, config.architecture, told)
            write_reconresnet_weights(temporary, kept)
        made = self.made(network)
        found = {name: scores(of_pattern) for name, of_pattern in made.items()}
        data = {
            "trained_on": slice_counts(self.images.trained),
            "kept_apart": slice_counts(self.images.kept_apart),
            "images_digest": self.images.digest,
            "half_error": moved,
            "columns": ["zero-filled", "network", "consistent"],
            "scores": {name: score._asdict() for name, score in found.items()},
        }
        text = card(trained, self.images, config, found, told)
        examples = made_rows([of_pattern[len(of_pattern) // 2] for of_pattern in made.values()])
        document = numbers(trained, config, data)
        write_results(folder, trained, text, document, examples, loss="1 - SSIM")
        return weights

    @property
    def _settings(self) -> UndersamplingSettings:
        config = self.config
        return UndersamplingSettings(
            config.side, config.batch, config.phase == "smooth", config.masks == "fixed"
        )

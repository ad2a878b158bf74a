"""The images of a training: read, brought to peak 1, and split by subject."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proxflow.data.still_images import matching_sources, read_still_images
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.models.denoisers.still_subjects import attenuation, still_subject
from proxflow.tasks.errors import RequestError

LEAST_SLICES = 8  # to train large networks on: of fewer they learn nothing but these
ONE_IN = 8  # subjects kept for validation where none are named


class ImageRequest(Protocol):
    """What a training says of its images; ``kind`` ct: they are Hounsfield units.

    image_sizes: pixels along the longer side to which they are brought. validate_on: subjects kept apart.
    """

    @property
    def kind(self) -> str: ...

    @property
    def image_sizes(self) -> tuple[int, ...]: ...

    @property
    def validate_on(self) -> tuple[str, ...]: ...

    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class TrainingImages:
    """Subjects trained on and subjects kept apart; ``digest`` is of all their pixels."""

    trained: tuple[Subject, ...]
    kept_apart: tuple[Subject, ...]
    digest: str


def load_images(sources: Sequence[str], config: ImageRequest) -> TrainingImages:
    """Read ``sources``, see ``data/still_images.py``. Subjects of one name in several files are one subject.

    Raises ScanError for a file that is not read, RequestError where no subject is left on one side.
    """
    if not sources:
        raise RequestError("images must be named, got none")
    slices: dict[str, list] = {}
    for match in (match for source in sources for match in matching_sources(source)):
        for name, images in read_still_images(match).items():
            slices.setdefault(name, []).extend(images)
    subjects = []
    for name, images in slices.items():
        images = [attenuation(image) for image in images] if config.kind == "ct" else images
        subject = still_subject(name, images, config.image_sizes)
        if subject:
            subjects.append(subject)
    apart = _kept_apart([subject.name for subject in subjects], config)
    trained = tuple(subject for subject in subjects if subject.name not in apart)
    kept = tuple(subject for subject in subjects if subject.name in apart)
    if not trained:
        raise RequestError(
            f"images must show a subject to train on beside {', '.join(apart) or 'none'}, got none"
        )
    return TrainingImages(trained, kept, _digest(subjects))


def load_enough_images(sources: Sequence[str], config: ImageRequest) -> TrainingImages:
    """``load_images``; RequestError, too, on fewer than 8 slices to train on."""
    images = load_images(sources, config)
    n = sum(len(subject.slices) for subject in images.trained)
    if n < LEAST_SLICES:
        raise RequestError(f"images must show at least {LEAST_SLICES} slices to train on, got {n}")
    return images


def _kept_apart(names: Sequence[str], config: ImageRequest) -> list[str]:
    for name in config.validate_on:
        if name not in names:
            held = ", ".join(names[:12]) or "none"
            raise RequestError(f"--validate must name subjects of the images ({held}), got {name}")
    if config.validate_on:
        return list(config.validate_on)
    if len(names) < 2:
        raise RequestError(
            f"images must show at least 2 subjects, so that one is kept apart, got {len(names)}"
        )
    return random.Random(config.seed).sample(sorted(names), max(1, len(names) // ONE_IN))


def _digest(subjects: Sequence[Subject]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for subject in subjects:
        digest.update(subject.name.encode())
        for copies in subject.slices:
            digest.update(copies[0].numpy().tobytes())
    return digest.hexdigest()

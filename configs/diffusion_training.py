"""How a diffusion prior of single images is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxflow.configs.base import Part
from proxflow.configs.network_training import (
    Decay,
    ImageBatch,
    ImageSizes,
    ImageSteps,
    LearningRate,
    Precision,
    Validation,
)

PriorKind = Literal["ct", "mri"]
GROUPS, SIDE_FACTOR = 32, 8  # of the network: group norms, and sides that four levels can halve


class DiffusionTraining(Part):
    """Numbers of a training; the images come beside it. Lengths in pixels."""

    kind: PriorKind = Field(
        description="ct: Hounsfield units, to attenuation; mri: magnitudes, made complex by a phase."
    )
    steps: ImageSteps = Field(default=10_000, description="Of as many images as batch says.")
    validate_on: Validation = ()
    side: Annotated[int, Field(ge=16, le=256, multiple_of=SIDE_FACTOR)] = Field(
        default=64, description="Pixels along the side of what the network sees."
    )
    sizes: ImageSizes = ()
    batch: ImageBatch = Field(default=16, description="Images in a step.")
    channels: Annotated[int, Field(ge=GROUPS, le=256, multiple_of=GROUPS)] = Field(
        default=32, description="Of the network's finest level; with 32 it has 3.7 million weights."
    )
    predicts: Literal["velocity", "noise"] = Field(
        default="velocity",
        description="What the network tells of noisy images: v, signal x noise - noise level x image, whose "
        "error weighs the same at all levels, or the noise, as the published networks.",
    )
    learning_rate: LearningRate = 2e-4
    decay: Decay = 0.5
    average: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.9995, description="Of the weights over the steps, whose moving average is what is kept."
    )
    start: str = Field(
        default="",
        description="File of weights of the same network to begin with, as train-diffusion leaves it.",
    )
    precision: Precision = "auto"
    seed: Annotated[int, Field(ge=0, le=2**31)] = Field(
        default=0, description="Of weights, images, phases and noise."
    )

    @property
    def image_sizes(self) -> tuple[int, ...]:
        """``sizes``, or what leaves images whole."""
        return self.sizes or (self.side,)

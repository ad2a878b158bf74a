"""How a learned proximal network of single images is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxflow.configs.base import Part
from proxflow.configs.diffusion_training import PriorKind
from proxflow.configs.network_training import Decay, ImageBatch, ImageSizes, ImageSteps, Validation

Rate = Annotated[float, Field(gt=0, le=1)]


class LpnTraining(Part):
    """Numbers of a training; the images come beside it. Lengths in pixels."""

    kind: PriorKind = Field(
        description="ct: Hounsfield units, to attenuation; mri: magnitudes, made complex by a phase."
    )
    steps: ImageSteps = Field(default=10_000, description="Of as many images as batch says.")
    validate_on: Validation = ()
    complex_as: Literal["parts", "magnitude"] = Field(
        default="parts",
        description="Complex images of kind mri: real and imaginary part as two channels, or magnitudes.",
    )
    network: Literal["image", "small"] = Field(
        default="image", description="Three octaves and the readout, as published for CT, or two."
    )
    side: Annotated[int, Field(ge=16, le=256, multiple_of=8)] = Field(
        default=64, description="Pixels along the side of what the network sees."
    )
    hidden: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=64,
        description="Channels of its hidden layers: of 64 pixels 0.5 million weights with 64, 1.3 with 128, "
        "and 4.0 (16 MB) with 256, as published.",
    )
    beta: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=100.0, description="Of the softplus; the larger, the more it is a ramp with a kink."
    )
    alpha: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        default=1e-6,
        description="Of the square in the potential: the inverse of the network is 1 / (2 alpha) times "
        "steeper than 1 at most.",
    )
    sizes: ImageSizes = ()
    batch: ImageBatch = Field(default=16, description="Images in a step.")
    sigma: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.05,
        description="Noise removed, its std where 1 is the 0.995 quantile of an image: the one strength that "
        "the network will have.",
    )
    beyond: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.25,
        description="How far clean values reach below 0 and above 1, for which half of the images are "
        "stretched and shifted; 0: not at all.",
    )
    nonexpansive: Annotated[float, Field(ge=0, le=100)] = Field(
        default=3.0,
        description="Weight of a penalty on differences that the network enlarges, relative to the loss; "
        "iterations of a network that enlarges run off. 0: none, as published.",
    )
    pretraining: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="Share of the steps, the first, on absolute errors."
    )
    learning_rate: Rate = Field(default=1e-3, description="Of Adam, on absolute errors.")
    matching_rate: Rate = Field(default=1e-4, description="Of Adam, on proximal matching.")
    decay: Decay = Field(
        default=0.25,
        description="Share of the steps, the last, over which the rate falls to 0, all of proximal matching "
        "at most.",
    )
    gamma: Annotated[float, Field(gt=0, le=10)] = Field(
        default=0.08,
        description="Of the last quarter of proximal matching, per pixel: an error of which the loss starts "
        "to forgive; 8, 4 and 2 times as much before.",
    )
    start: str = Field(
        default="", description="File of weights of the same network to begin with, as train-lpn leaves it."
    )
    licence: str = Field(
        default="", description="Of the weights, for their file and the card; to be filled in if empty."
    )
    seed: Annotated[int, Field(ge=0, le=2**31)] = Field(
        default=0, description="Of weights, images, phases and noise."
    )

    @property
    def image_sizes(self) -> tuple[int, ...]:
        """``sizes``, or what leaves images whole."""
        return self.sizes or (self.side,)

    @property
    def channels(self) -> int:
        """Of the network."""
        return 2 if self.kind == "mri" and self.complex_as == "parts" else 1

    @property
    def whole_gamma(self) -> float:
        """The last gamma for the norm over all pixels and channels of what the network sees."""
        return self.gamma * self.side * self.channels**0.5

    @property
    def clean_range(self) -> tuple[float, float]:
        """Of the clean values, in every channel."""
        high = 1 + self.beyond
        return (-high if self.channels == 2 else -self.beyond, high)

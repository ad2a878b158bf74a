"""How a network against the artefacts of undersampling is trained."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_validator

from proxflow.configs.base import Part
from proxflow.configs.network_training import (
    Decay,
    ImageBatch,
    ImageSteps,
    LearningRate,
    Precision,
    Validation,
)

SIDE_FACTOR = 16  # four levels of the U-Net halve it
PatternName = Literal[
    "step4",
    "lines30",
    "lines15",
    "lines10",
    "lines05",
    "points30",
    "points15",
    "points10",
    "points05",
    "spokes60",
    "spokes30",
]
PATTERNS: tuple[PatternName, ...] = PatternName.__args__  # type: ignore[attr-defined]


class Residual(NamedTuple):
    """Of the residual network: ``ReconResNetTraining`` without gaps."""

    blocks: int = 6
    dropout: float = 0.2
    skips: int = 0


class ReconResNetTraining(Part):
    """Numbers of a training; the images come beside it. Lengths in pixels."""

    architecture: Literal["reconresnet", "unet"] = Field(
        description="The residual network, or a plain U-Net, the baseline."
    )
    patterns: Annotated[tuple[PatternName, ...], Field(min_length=1, max_length=11)] = Field(
        default=PATTERNS,
        description="One is drawn for each image: every fourth line and the centre (step4); lines or points "
        "of a Gaussian density, at most 30, 15, 10 or 5 % of all; the first 60 or 30 of 512 golden-angle "
        "spokes, for 256 pixels, and as many parts of all for others.",
    )
    masks: Literal["drawn", "fixed"] = Field(
        default="drawn", description="Anew for each image, or one of each pattern for all, as published."
    )
    phase: Literal["smooth", "none"] = Field(
        default="smooth",
        description="Of the objects, whose magnitudes are given: smooth and drawn, as in a scanner, or none, "
        "as published.",
    )
    steps: ImageSteps = Field(default=6000, description="Of as many images as batch says.")
    validate_on: Validation = ()
    side: Annotated[int, Field(ge=32, le=512, multiple_of=SIDE_FACTOR)] = Field(
        default=192, description="Pixels along the side of images, which are measured whole."
    )
    sizes: Annotated[tuple[Annotated[int, Field(ge=16, le=4096)], ...], Field(max_length=16)] = Field(
        default=(),
        description="Pixels along the longer side to which slices are brought, and then cut to side or laid "
        "amid zeros; side alone, if there are none.",
    )
    batch: ImageBatch = Field(default=1, description="Images in a step; 1 as published.")
    width: Annotated[int, Field(ge=2, le=256)] | None = Field(
        default=None, description="Channels at full resolution; 24 of reconresnet, 12 of unet, if not given."
    )
    blocks: Annotated[int, Field(ge=0, le=64)] | None = Field(
        default=None,
        description="Residual blocks of reconresnet, 6 if not given; 14, with a width of 64, as published.",
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None,
        description="Share of channels within blocks of reconresnet that are 0 in a step; 0.2, as "
        "published, if not given.",
    )
    skips: Annotated[int, Field(ge=0, le=5)] | None = Field(
        default=None,
        description="Of reconresnet: 0 none, as published and if not given; 1 adds the input to the output, "
        "up to 5, which also adds each level on the way down to that on the way up.",
    )
    learning_rate: LearningRate = 5e-4
    decay: Decay = 0.5
    average: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.999, description="Of the weights over the steps, whose moving average is what is kept."
    )
    start: str = Field(
        default="",
        description="File of weights of the same network to begin with, as train-reconresnet leaves it.",
    )
    storage: Literal["float32", "float16"] = Field(
        default="float32",
        description="Of the weights in the file; float16 halves it, and the card says by how much images "
        "change.",
    )
    licence: Annotated[str, Field(max_length=500)] = Field(
        default="", description="Of the weights and the images, for the file and the card."
    )
    precision: Precision = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        default=0, description="Of weights, images, phases, patterns and dropped channels."
    )

    @field_validator("patterns")
    @classmethod
    def _once_each(cls, value: tuple[PatternName, ...]) -> tuple[PatternName, ...]:
        twice = [name for name in dict.fromkeys(value) if value.count(name) > 1]
        if twice:
            raise ValueError(f"must name each pattern once, got {', '.join(twice)} more than once")
        return value

    @field_validator("blocks", "dropout", "skips")
    @classmethod
    def _has_a_use(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("architecture") == "unet":
            raise ValueError(f"must be left out where architecture is unet, got {value:g}")
        return value

    @property
    def kind(self) -> str:
        """Of the images: magnitudes."""
        return "magnitude"

    @property
    def image_sizes(self) -> tuple[int, ...]:
        """``sizes``, or what leaves images whole."""
        return self.sizes or (self.side,)

    @property
    def channels(self) -> int:
        """``width``, or what the architecture has by default."""
        return self.width or (24 if self.architecture == "reconresnet" else 12)

    @property
    def residual(self) -> Residual:
        """What reconresnet alone has, as given or by default."""
        usual = Residual()
        return Residual(
            usual.blocks if self.blocks is None else self.blocks,
            usual.dropout if self.dropout is None else self.dropout,
            usual.skips if self.skips is None else self.skips,
        )

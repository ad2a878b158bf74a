"""How a network for the magnitude of volumes is trained, on scenes that are drawn."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from proxflow.configs.base import Part
from proxflow.configs.network_training import Decay, LearningRate, Precision

VolumeNetwork = Literal["unet3d", "deep2s"]
USUAL_BATCH = {"unet3d": 16, "deep2s": 4}
# At a depth of 2, after two poolings, oneDNN 3.x reads memory never written for the gradient of bfloat16
# weights: it is NaN at times.
LEAST_DEPTH = 12
MOST_STEPS, MOST_SEED = 1_000_000, 3999  # so that generators of training stay below those of judging

Voxels = Annotated[int, Field(ge=4, le=512)]
Frequencies = Annotated[int, Field(ge=2, le=101)]


class VolumeTraining(Part):
    """Numbers of a training on drawn scenes with a peak of 1. Lengths in voxels, noise per peak."""

    network: VolumeNetwork = Field(
        description="unet3d: removes noise of a level it is told; deep2s: adjoint image to magnitude."
    )
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] = Field(
        default=15_000, description="Of as many volumes as batch says."
    )
    batch: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="Volumes in a step; 16 crops for unet3d, 4 whole scenes for deep2s."
    )
    side: Annotated[int, Field(ge=8, le=256)] = Field(
        default=16, description="unet3d: voxels along the edge of a crop."
    )
    whole: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1, description="unet3d: share of the steps, the last, with whole scenes, batch / 4 of them."
    )
    start: str = Field(
        default="",
        description="File of weights of the same network to begin with, as train-volumes leaves it.",
    )
    frozen: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="Share of the steps, the last, in which batch normalisation keeps the statistics it has.",
    )
    sigma_high: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.2, description="unet3d: strongest noise, as a part of the peak."
    )
    noise: Literal["complex", "real"] = Field(
        default="complex",
        description="unet3d: added to both parts of a complex image, of which the magnitude is taken, or to "
        "the magnitude.",
    )
    understated: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="unet3d: share of the volumes with less noise than the network is told."
    )
    coloured: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="unet3d: share of the volumes whose noise is alike in neighbouring voxels."
    )
    frequencies: Annotated[tuple[Frequencies, ...], Field(min_length=1, max_length=16)] = Field(
        default=(5, 10, 20), description="deep2s: how many of 4 to 16 GHz, one of these in a step."
    )
    snr_db: tuple[float, float] = Field(
        default=(10.0, 30.0), description="deep2s: least and greatest signal-to-noise ratio, dB."
    )
    learning_rate: LearningRate = 1e-3
    decay: Decay = 0.7
    weight_decay: Annotated[float, Field(ge=0, le=1)] = Field(default=1e-4, description="Of AdamW.")
    precision: Precision = "auto"
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = Field(
        default=0, description="Of weights, scenes and noise."
    )
    shape: tuple[Voxels, Voxels, Voxels] = Field(
        default=(49, 25, 25), description="Voxels of a scene along z, y and x."
    )

    @field_validator("snr_db")
    @classmethod
    def _ascends(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not -50 <= value[0] <= value[1] <= 100:
            raise ValueError("must be two numbers of dB within -50 to 100, the least first")
        return value

    @model_validator(mode="after")
    def _keeps_its_numbers(self) -> VolumeTraining:
        if self.precision == "bfloat16" and not self.deep_enough:
            raise ValueError(
                "must have precision float32 or volumes of "
                f"{LEAST_DEPTH} voxels or more along z, got {self.depth}"
            )
        return self

    @property
    def depth(self) -> int:
        """Voxels along z of what the network is trained on."""
        return self.shape[0] if self.network == "deep2s" else min(self.side, self.shape[0])

    @property
    def deep_enough(self) -> bool:
        """For gradients in bfloat16."""
        return self.depth >= LEAST_DEPTH

    @property
    def batch_size(self) -> int:
        """``batch``, or what the network has by default."""
        return USUAL_BATCH[self.network] if self.batch is None else self.batch

"""How a denoiser of single images is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxflow.configs.base import Part
from proxflow.configs.network_training import Decay, ImageBatch, ImageSteps, Precision, Validation

ImageKind = Literal["ct", "magnitude"]


class DenoiserTraining(Part):
    """Numbers of a training; the images come beside it. Lengths in pixels, noise as a part of the peak."""

    kind: ImageKind = Field(description="ct: Hounsfield units, to attenuation; magnitude: MR and others.")
    steps: ImageSteps = Field(default=3000, description="Of as many crops as batch says.")
    validate_on: Validation = ()
    sigma_high: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.1, description="Strongest noise, as a part of the peak."
    )
    sizes: Annotated[
        tuple[Annotated[int, Field(ge=16, le=4096)], ...], Field(min_length=1, max_length=16)
    ] = Field(
        default=(128, 160, 192, 256),
        description="Pixels along the longer side to which images are brought.",
    )
    side: Annotated[int, Field(ge=16, le=1024)] = Field(
        default=64, description="Pixels along the side of a crop."
    )
    batch: ImageBatch = Field(default=8, description="Crops in a step.")
    circle: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Share of crops cut by the circle a tomograph sees; 0.5 for ct, else 0."
    )
    predicts: Literal["noise", "image"] = Field(
        default="noise", description="What the network gives: D(x) = x - net(x), or net(x)."
    )
    start: str = Field(default="", description="Weights to begin with: dncnn-ct, dncnn-mri or a file.")
    decay: Decay = 0.5
    precision: Precision = "auto"
    weighting: Literal["relative", "plain"] = Field(
        default="relative",
        description="relative: errors count by how much noise there was, so that little noise is removed "
        "well too; plain: the mean squared error alone.",
    )
    seed: Annotated[int, Field(ge=0, le=2**31)] = Field(default=0, description="Of weights, crops and noise.")

    @property
    def image_sizes(self) -> tuple[int, ...]:
        """``sizes``."""
        return self.sizes

    @property
    def circle_share(self) -> float:
        """``circle``, or what the kind of images has by default."""
        return self.circle if self.circle is not None else (0.5 if self.kind == "ct" else 0.0)

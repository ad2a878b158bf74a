"""What was measured of a still picture, or of it if it had been: a blur, or random projections.

Defaults are those of the deblurring and of the compressed sensing of Fang, Buchanan & Sulam, ICLR 2024.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from proxflow.configs.base import Choice, Modality

Sigma = Annotated[float, Field(gt=0, le=100)]
Noise = Annotated[float, Field(ge=0, le=10)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Blur(Choice):
    """Blur the picture and add noise, as a camera would have; the picture stays as reference.

    All light is kept, also what falls beyond the edge: the blurred picture is larger, and dark around.
    """

    fits: ClassVar[tuple[Modality, ...]] = ("image",)
    kind: Literal["blur"]
    sigma: Sigma = Field(default=1.0, description="Standard deviation of the Gaussian in pixels.")
    noise: Noise = Field(default=0.02, description="Standard deviation, relative to the picture's peak.")
    seed: Seed = Field(default=0, description="Of the noise, together with the number of the item.")


class Blurred(Choice):
    """Take the picture as one that a camera has blurred; what lies beyond its edge is not known."""

    fits: ClassVar[tuple[Modality, ...]] = ("image",)
    kind: Literal["blurred"]
    sigma: Sigma = Field(description="Standard deviation of the Gaussian in pixels.")
    noise: Noise | None = Field(
        default=None, description="Standard deviation of its noise, relative to its peak; null: not known."
    )


class CirculantSensing(Choice):
    """Measure random combinations of all pixels, fewer than there are; the picture stays as reference."""

    fits: ClassVar[tuple[Modality, ...]] = ("image",)
    kind: Literal["circulant_sensing"]
    ratio: Annotated[int, Field(ge=1, le=65_536)] = Field(
        default=4, description="Pixels over measurements; 4 and 16 are published."
    )
    noise: Noise = Field(default=0.001, description="Standard deviation, relative to the picture's peak.")
    seed: Seed = Field(default=0, description="Of the combinations, and with the item's number of the noise.")

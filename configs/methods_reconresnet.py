"""A network that takes the artefacts of undersampling out of MR images, and the samples put back."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from proxflow.configs.base import MRI, Choice, Modality
from proxflow.configs.denoiser import ReconResNetName
from proxflow.configs.method_cost import MethodCost

OWN_APPLICATIONS = 2  # of a right-hand side and a misfit
PUBLISHED_APPLICATIONS = 2  # the missing spokes there and back; of one coil one step is the fit


class ReconResNet(Choice):
    """One pass of a network over the zero-filled magnitude, then the samples put back (ReconResNet)."""

    fits: ClassVar[tuple[Modality, ...]] = MRI
    method: Literal["reconresnet"]
    network: ReconResNetName = "reconresnet-mri"
    consistency: Literal[
        "exact",
        "none",
        "published_real",
        "published_magnitude",
        "published_spokes",
        "published_spokes_off_centre",
    ] = Field(
        default="exact",
        description="exact: the image nearest to the network's that fits the samples, complex, of one coil "
        "or many. none: the network's image. The others are the published ones of one coil, for comparison, "
        "and do not keep the samples: real part or magnitude of the exact image on a grid, or a full set of "
        "golden angles gridded from measured and predicted spokes, its weights centred or as published.",
    )
    mu: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=None,
        description="Weight of the network's image beside the samples, of exact consistency. 1 is as much as "
        "a sample has; of spokes, which are weighted by their density, where they are dense. On a grid about "
        "the noise's variance over that of the network's error; along spokes no such ratio. 0: "
        "the samples alone decide what they can. null: 0 for one coil on a grid whose map is 1 everywhere, "
        "whose samples are then kept, else 0.1: coils and spokes would have their noise fitted.",
    )
    n_cg: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=30,
        description="Steps of conjugate gradients of exact consistency; one is enough for one coil on a "
        "grid, and with spokes fewer fit less noise.",
    )
    phase: Literal["low", "adjoint", "none"] = Field(
        default="low",
        description="What the network's magnitude is given: the phase of the lowest frequencies; that of the "
        "first image, artefacts included; or none, for objects without one, as published.",
    )
    unit: Literal["item", "volume_minmax"] = Field(
        default="item",
        description="What is 1 to the network: the maximum of each slice, or as in the older published code "
        "that after the minimum was taken away, here of each slice too. The way back is by the samples.",
    )

    @field_validator("mu")
    @classmethod
    def _has_a_use(cls, value: float | None, info: ValidationInfo) -> float | None:
        consistency = info.data.get("consistency", "exact")
        if value and consistency != "exact":
            raise ValueError(f"must be 0 unless consistency is exact, got {value:g} with {consistency}")
        return value

    @property
    def cost(self) -> MethodCost:
        """The steps on the samples; the network's pass is timed apart from them."""
        steps = {"none": 0, "exact": self.n_cg + 1}.get(self.consistency, PUBLISHED_APPLICATIONS)
        return MethodCost(before=OWN_APPLICATIONS + steps, apart={"consistency": "none", "mu": None})

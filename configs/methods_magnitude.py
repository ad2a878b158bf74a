"""Methods that regularise the magnitude of a complex image and leave its phases free."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from proxflow.configs.base import MRI, Choice, Modality
from proxflow.configs.denoiser import LevelDenoiserName, RadarNetworkName
from proxflow.configs.method_cost import CONSTRAINED_EACH, NOISE_APPLICATIONS, MethodCost
from proxflow.configs.method_numbers import Iterations, Share, Tolerance
from proxflow.configs.tunable import Tunable

Kappa = Annotated[float, Field(gt=0, le=1000)]
Factor = Annotated[float, Field(ge=1, le=10)]
Sigma = Annotated[float, Field(ge=0, le=2), Tunable(0.02, 0.3, limits=(0.005, 2))]
KAPPA_TEXT = "Ratio of the two penalties, relative to ||A||^2: speed, not result."


def _leaves_room_for_noise(value: float | None, *, otherwise: str = "") -> float | None:
    if value is not None and not value > 0:
        raise ValueError(f"must be above 0, since measurements hold noise{otherwise}, got {value:g}")
    return value


def _or_is_null(value: float | None) -> float | None:
    return _leaves_room_for_noise(value, otherwise=", or null")


class MagnitudeMethod(Choice):
    """What the two constrained methods of radar share."""

    fits: ClassVar[tuple[Modality, ...]] = ("radar",)
    n_iter: Iterations = Field(default=100, description="Iterations at most.")
    kappa: Kappa = Field(default=0.013, description=KAPPA_TEXT)
    epsilon: Share = Field(
        default=0.5,
        description="Data residual allowed, relative to the data's norm: noise, and what the model misses.",
    )
    tol: Tolerance = Field(default=5e-4, description="Stop when the relative change falls below this.")

    _room_for_noise = field_validator("epsilon")(_leaves_room_for_noise)

    @property
    def cost(self) -> MethodCost:
        return MethodCost(CONSTRAINED_EACH)


class L1(MagnitudeMethod):
    """Few bright voxels: the l1 norm of the magnitude, subject to the data."""

    method: Literal["l1"]
    alpha: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.1,
        description="Soft threshold, relative to the peak of the first image: the path, not the result.",
    )


class TvMagnitude(MagnitudeMethod):
    """Few edges: the 3-D total variation of the magnitude, subject to the data."""

    method: Literal["tv_magnitude"]
    alpha: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.03, description="TV weight, relative to the peak of the first image."
    )


class PnpMagnitude(Choice):
    """A denoiser of the magnitude as prior, phases free, subject to the data (plug-and-play)."""

    fits: ClassVar[tuple[Modality, ...]] = ("radar", *MRI)
    method: Literal["pnp_magnitude"]
    denoiser: LevelDenoiserName = "tv"
    n_iter: Iterations = Field(default=30, description="Iterations at most.")
    sigma: Sigma = Field(
        default=0.2,
        description="Noise that the denoiser is told, relative to the peak: more is smoother. The blind "
        "dncnn is not told.",
    )
    kappa: Kappa = Field(
        default=0.013,
        description="Ratio of the two penalties, relative to ||A||^2: as few iterations of a denoiser go, it "
        "matters to the image too.",
    )
    epsilon: Annotated[float, Field(lt=1)] | None = Field(
        default=None,
        description="Data residual allowed, relative to the data's norm; null: the noise, estimated from "
        "directions of the data that no image reaches.",
    )
    form: Literal["constrained", "unconstrained"] = Field(
        default="constrained",
        description="Subject to epsilon; or a sum of squares and prior, whose penalty is kappa.",
    )
    update: Literal["auto", "woodbury", "cg"] = Field(
        default="auto",
        description="Least squares exactly by a factor made once, by five steps of conjugate gradients, or "
        "by what costs less.",
    )
    sigma_decay: Factor = Field(default=1.0, description="sigma is divided by it after each iteration.")
    kappa_growth: Factor = Field(default=1.0, description="kappa is multiplied by it after each iteration.")
    scale: Literal["peak", "start"] = Field(
        default="peak",
        description="The denoiser's unit: the peak of what it is given, or that of the first image.",
    )
    average: bool = Field(
        default=False,
        description="The image is the mean of all iterations, not the last: where few data leave them going "
        "round.",
    )
    tol: Tolerance = Field(default=5e-4, description="Stop when the relative change falls below this.")

    _room_for_noise = field_validator("epsilon")(_or_is_null)

    @property
    def cost(self) -> MethodCost:
        """Noise and least squares are the operator's affair: neither is timed apart from it."""
        estimates_noise = self.form == "constrained" and self.epsilon is None
        before = NOISE_APPLICATIONS if estimates_noise else 0
        return MethodCost(CONSTRAINED_EACH, before, apart={"epsilon": 0.5, "update": "cg"})


class Deep2s(Choice):
    """A network that turns the adjoint image into the magnitude, in one pass (Deep2S)."""

    fits: ClassVar[tuple[Modality, ...]] = ("radar",)
    method: Literal["deep2s"]
    network: RadarNetworkName = "deep2s-radar"

"""Methods that put a denoiser of images in a prior's place, for MRI and CT."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from proxflow.configs.base import STILL, Choice, Modality
from proxflow.configs.denoiser import ImageDenoiserName
from proxflow.configs.method_cost import MethodCost, first_applications
from proxflow.configs.method_numbers import Iterations, Tolerance
from proxflow.configs.methods_diffusion import PhaseRule
from proxflow.configs.tunable import Tunable

Penalty = Annotated[float, Field(gt=0, le=100)]
Told = Annotated[float, Field(gt=0, le=1)]


class DenoisedImages(Choice):
    """What both share."""

    fits: ClassVar[tuple[Modality, ...]] = STILL
    denoiser: ImageDenoiserName = "tv"
    n_iter: Iterations = Field(default=50, description="Iterations at most.")
    n_cg: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Steps of conjugate gradients in each iteration: the path, not the result."
    )
    phase: PhaseRule = "kept"
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")

    @property
    def cost(self) -> MethodCost:
        """Conjugate gradients take their steps and a residual, after the image that tells the unit."""
        return MethodCost(1 + self.n_cg, first_applications(self.phase))


class Red(DenoisedImages):
    """Least squares plus what a denoiser would take off the image (regularisation by denoising)."""

    method: Literal["red"]
    lam: Annotated[Penalty, Tunable(3e-3, 1, limits=(1e-4, 100))] = Field(
        default=0.05, description="Weight of it, relative to ||A||^2."
    )
    sigma: Told = Field(
        default=0.05,
        description="Noise that the denoiser is told, relative to the brightest voxels: more is smoother.",
    )


class PnpAdmm(DenoisedImages):
    """A denoiser in place of a prior's proximal map in ADMM (plug-and-play)."""

    method: Literal["pnp_admm"]
    rho: Penalty = Field(
        default=0.1, description="Penalty of ADMM, relative to ||A||^2: more follow the denoiser more."
    )
    sigma: Annotated[Told, Tunable(0.01, 0.3, limits=(0.001, 1))] = Field(
        default=0.05,
        description="Noise that the denoiser is told, relative to the brightest voxels: more is smoother.",
    )
    rho_growth: Annotated[float, Field(ge=1, le=10)] = Field(
        default=1.0,
        description="rho is multiplied by it after each iteration, and sigma divided by its root.",
    )

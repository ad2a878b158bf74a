"""``reconstruct``: the methods and their numbers.

Regularisation weights are relative: the data are scaled so that the largest magnitude of the
zero-filled image A^H y is 1 before a method sees them, and scaled back afterwards. Their defaults
predict held-out samples of the shipped brain scan best, at R = 4 (``proxflow train mri-brain-poisson4``); no
reference image was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from proxflow.configs.base import MRI, STILL, Choice, Modality
from proxflow.configs.method_numbers import Iterations, Tolerance, Weight, Window
from proxflow.configs.methods_denoising import PnpAdmm, Red
from proxflow.configs.methods_diffusion import Dds
from proxflow.configs.methods_lpn import Lpn
from proxflow.configs.methods_magnitude import L1, Deep2s, PnpMagnitude, TvMagnitude
from proxflow.configs.methods_psm import Psm, PsmTv, RedPsm
from proxflow.configs.methods_reconresnet import ReconResNet
from proxflow.configs.methods_samplers import Dps, ScoreMri
from proxflow.configs.methods_series import (
    FramewiseCgSense,
    FramewiseFbp,
    FramewiseTv,
    LowRankSparse,
    Static,
    TdDip,
)
from proxflow.configs.sentences import nearest
from proxflow.configs.tunable import Tunable


class ZeroFilled(Choice):
    """The adjoint: missing samples are zeros. Fast, aliased; what every method starts from."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-cartesian", "mri-dynamic", "radar", "image")
    method: Literal["zero_filled"]


class CgSense(Choice):
    """Least squares over the coils by conjugate gradients, with a Tikhonov weight."""

    fits: ClassVar[tuple[Modality, ...]] = MRI
    method: Literal["cg_sense"]
    n_iter: Iterations = Field(default=30, description="Iterations at most.")
    lam: Weight = Field(default=0.02, description="Tikhonov weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")


class TotalVariation(Choice):
    """Least squares plus isotropic total variation, of a complex or real image, by FISTA."""

    fits: ClassVar[tuple[Modality, ...]] = STILL
    method: Literal["tv"]
    n_iter: Iterations = Field(default=100, description="Iterations at most.")
    lam: Weight = Field(default=0.003, description="TV weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")
    nonnegative: bool = Field(default=False, description="Allow no negative values: attenuation has none.")


class L1Wavelet(Choice):
    """Least squares plus the l1 norm of orthonormal wavelet coefficients, by FISTA."""

    fits: ClassVar[tuple[Modality, ...]] = (*MRI, "image")
    method: Literal["l1_wavelet"]
    n_iter: Iterations = Field(default=100, description="Iterations at most.")
    lam: Weight = Field(default=0.005, description="l1 weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")
    wavelet: str = Field(
        default="db4",
        pattern=r"^(haar|db\d{1,2}|sym\d{1,2}|coif\d{1,2})$",
        examples=["an orthogonal wavelet as haar, db4, sym8 or coif2"],
        description="Which orthogonal wavelet: haar, db4, sym8, coif2.",
    )
    levels: Annotated[int, Field(ge=1, le=10)] = Field(default=4, description="Decomposition levels.")


class Gridding(Choice):
    """The adjoint with density compensation. Fast; streaks where spokes are few."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-radial",)
    method: Literal["gridding"]
    density: Literal["radial", "pipe_menon"] = Field(
        default="radial", description="Weights by formula for spokes, or by iteration for any trajectory."
    )


class Fbp(Choice):
    """Filtered back-projection, of parallel or fan rays."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    method: Literal["fbp"]
    window: Window = Field(default="ramp", description="Low-pass on the ramp filter: ramp is the sharpest.")


class Fdk(Choice):
    """Feldkamp, Davis and Kress: filtered back-projection of a cone beam."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    method: Literal["fdk"]
    window: Window = Field(default="ramp", description="Low-pass on the ramp filter: ramp is the sharpest.")


class EarlyStopped(Choice):
    """Methods whose number of iterations regularises: to stop before they converge is meant."""


class Sirt(EarlyStopped):
    """Simultaneous iterative reconstruction: weighted gradient steps; stopping early regularises."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    method: Literal["sirt"]
    n_iter: Annotated[Iterations, Tunable(10, 316, limits=(1, 3162), whole=True)] = Field(
        default=100, description="Iterations at most."
    )
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")
    nonnegative: bool = Field(default=True, description="Allow no negative values: attenuation has none.")


class Cgls(EarlyStopped):
    """Least squares by conjugate gradients; stopping early regularises."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct", "image")
    method: Literal["cgls"]
    n_iter: Annotated[Iterations, Tunable(3, 100, limits=(1, 1000), whole=True)] = Field(
        default=15, description="Iterations: more are sharper and noisier."
    )
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")


class BackProjection(Choice):
    """Delay and sum: every sample back to where its wave may have come from."""

    fits: ClassVar[tuple[Modality, ...]] = ("radar",)
    method: Literal["back_projection"]


class Kirchhoff(Choice):
    """Kirchhoff migration: back-projection with the wave equation's weights."""

    fits: ClassVar[tuple[Modality, ...]] = ("radar",)
    method: Literal["kirchhoff"]


MethodConfig = Annotated[
    ZeroFilled
    | CgSense
    | TotalVariation
    | L1Wavelet
    | Gridding
    | Fbp
    | Fdk
    | Sirt
    | Cgls
    | BackProjection
    | Kirchhoff
    | L1
    | TvMagnitude
    | PnpMagnitude
    | Deep2s
    | Red
    | PnpAdmm
    | Lpn
    | ReconResNet
    | Dds
    | ScoreMri
    | Dps
    | RedPsm
    | Psm
    | PsmTv
    | Static
    | FramewiseFbp
    | FramewiseTv
    | FramewiseCgSense
    | LowRankSparse
    | TdDip,
    Field(discriminator="method"),
]

METHOD_SCHEMAS: dict[str, type[Choice]] = {
    get_args(schema.model_fields["method"].annotation)[0]: schema
    for schema in get_args(get_args(MethodConfig)[0])
}


def unknown_method(names: Iterable[str]) -> str:
    """What is wrong with the first of ``names`` that no method has; empty where all are known."""
    wrong = next((name for name in names if name not in METHOD_SCHEMAS), None)
    hint = "" if wrong is None else nearest(wrong, list(METHOD_SCHEMAS))
    return "" if wrong is None else f"must name known methods, got {wrong!r}{hint}"

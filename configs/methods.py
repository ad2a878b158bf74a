"""``reconstruct``: the methods and their numbers.

Regularisation weights are relative: the data are scaled so that the largest magnitude of the
zero-filled image A^H y is 1 before a method sees them, and scaled back afterwards. Their defaults
predict held-out samples of the shipped brain scan best, at R = 4 (``python -m benchmarks.choose_weights``);
no reference image was looked at.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from proxflow.configs.base import Part

Iterations = Annotated[int, Field(ge=1, le=100_000)]
Tolerance = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0, le=1)]


class ZeroFilled(Part):
    """The adjoint: missing samples are zeros. Fast, aliased; what every method starts from."""

    method: Literal["zero_filled"]


class CgSense(Part):
    """Least squares over the coils by conjugate gradients, with a Tikhonov weight."""

    method: Literal["cg_sense"]
    n_iter: Iterations = Field(default=30, description="Iterations at most.")
    lam: Weight = Field(default=0.02, description="Tikhonov weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")


class TotalVariation(Part):
    """Least squares plus isotropic total variation of the complex image, by FISTA."""

    method: Literal["tv"]
    n_iter: Iterations = Field(default=100, description="Iterations at most.")
    lam: Weight = Field(default=0.003, description="TV weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")


class L1Wavelet(Part):
    """Least squares plus the l1 norm of orthonormal wavelet coefficients, by FISTA."""

    method: Literal["l1_wavelet"]
    n_iter: Iterations = Field(default=100, description="Iterations at most.")
    lam: Weight = Field(default=0.005, description="l1 weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")
    wavelet: str = Field(
        default="db4",
        pattern=r"^(haar|db\d{1,2}|sym\d{1,2}|coif\d{1,2})$",
        examples=["an orthogonal wavelet as haar, db4, sym8 or coif2"],
    )
    levels: Annotated[int, Field(ge=1, le=10)] = Field(default=4, description="Decomposition levels.")


MethodConfig = Annotated[ZeroFilled | CgSense | TotalVariation | L1Wavelet, Field(discriminator="method")]

METHOD_SCHEMAS: dict[str, type[Part]] = {
    get_args(schema.model_fields["method"].annotation)[0]: schema
    for schema in get_args(get_args(MethodConfig)[0])
}

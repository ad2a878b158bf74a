"""Methods for series that are partially separable: a few images times a few functions of time.

Their weights belong to data scaled so that the largest magnitude of A^H y is 1, and to a data term averaged
over the frames.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from proxflow.configs.base import Choice, Modality
from proxflow.configs.denoiser import DenoiserName
from proxflow.configs.method_numbers import Iterations, Tolerance
from proxflow.configs.tunable import Tunable

RIDGE, PUBLISHED_RIDGE = 1e-4, 1e-6
Penalty = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1), Tunable(1e-5, 1e-2, limits=(1e-7, 1))]


class PartiallySeparable(Choice):
    """What the methods share: f = L Psi^T, and the iterate that predicts held-out views best."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct-dynamic", "mri-dynamic")
    n_iter: Iterations = Field(default=100, description="Outer iterations at most, of either run.")
    n_functions: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None,
        description="Temporal functions, the rank; null: by views held out, and two more with a denoiser.",
    )
    n_knots: Annotated[int, Field(ge=1, le=512)] | None = Field(
        default=None,
        description="Knots of the temporal functions, or how many cosines of dct; null: 9 or 16, by views "
        "held out.",
    )
    basis: Literal["spline", "dct", "free", "linear"] = Field(
        default="spline", description="What temporal functions are made of; free: a number for every frame."
    )
    start: Literal["auto", "prosep", "low_rank", "polynomial"] = Field(
        default="auto",
        description="First guess: functions found from the projections (prosep, CT alone), the series of "
        "least nuclear norm (low_rank), or polynomials in time; auto: prosep for CT, low_rank for MRI.",
    )
    beta: Annotated[float, Field(gt=0, le=1)] = Field(
        default=2e-4, description="Penalty of the coupling f = L Psi^T: the path, hardly the result."
    )
    xi: Penalty = Field(default=RIDGE, description="Weight of the temporal functions' squares.")
    chi: Penalty = Field(default=RIDGE, description="Weight of the spatial functions' squares.")
    factor_update: Literal["adam", "cg"] = Field(
        default="adam", description="How both factors are updated: the paper's Adam, or conjugate gradients."
    )
    n_inner: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Steps of that an iteration; null: 10 of cg, 25 of adam."
    )
    nonnegative: bool | None = Field(
        default=None, description="Allow no negative values; null: of real objects, which CT's are."
    )
    field_of_view: Literal["auto", "disc", "full"] = Field(
        default="auto",
        description="disc: zero beyond a disc as wide as the image; auto: where CT's detector sees no more.",
    )
    deliver: Literal["object", "factors"] = Field(
        default="object", description="The image: f, or the product of the factors L Psi^T."
    )
    held_out_fraction: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.1, description="Views kept from the solver, which tell when to stop; 0: after n_iter."
    )
    refit: bool = Field(
        default=True, description="Then run as many iterations on all views, and deliver that image."
    )
    patience: Iterations = Field(
        default=20, description="Stop so many iterations after the one that predicts those views best."
    )
    min_iter: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=20, description="Iterations before that may stop it."
    )
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="Draws the views held out.")

    @model_validator(mode="after")
    def _rank_fits(self) -> PartiallySeparable:
        knots, functions = self.n_knots, self.n_functions
        if self.basis != "free" and knots is not None and functions is not None and functions > knots:
            raise ValueError(
                f"n_functions must be at most n_knots, {knots}, since the basis holds no more, "
                f"got {functions}"
            )
        return self


class Regularised(PartiallySeparable):
    """What those with a denoiser share."""

    lam: Penalty = Field(default=2e-4, description="Weight of the denoiser's prior.")
    n_red: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Times the denoiser is applied an iteration."
    )
    complex_denoising: Literal["magnitude", "parts"] = Field(
        default="magnitude",
        description="Of complex frames denoise the magnitude, or real and imaginary part.",
    )


class RedPsm(Regularised):
    """Few images times few functions of time, its frames regularised by a denoiser (RED-PSM)."""

    method: Literal["red_psm"]
    denoiser: DenoiserName = "dncnn-ct"
    lam: Weight = Field(default=5e-4, description="Weight of the denoiser's prior.")
    beta: Annotated[float, Field(gt=0, le=1)] = Field(
        default=5e-5, description="Penalty of the coupling f = L Psi^T: the path, hardly the result."
    )
    semantics: Literal["textbook", "released"] = Field(
        default="textbook",
        description="The equations' ADMM, or what the authors' released code computes (CT only), whose lam "
        "and beta are 2e-4, and xi and chi 1e-6, unless given.",
    )

    @model_validator(mode="before")
    @classmethod
    def _published_weights(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("semantics") == "released":
            published = {"lam": 2e-4, "beta": 2e-4, "xi": PUBLISHED_RIDGE, "chi": PUBLISHED_RIDGE}
            return published | given
        return given


class Psm(PartiallySeparable):
    """Few images times few functions of time, without a prior on images."""

    method: Literal["psm"]


class PsmTv(Regularised):
    """Few images times few functions of time, its frames regularised by total variation."""

    method: Literal["psm_tv"]
    sigma: Annotated[float, Field(gt=0, le=1), Tunable(0.005, 0.1, limits=(0.001, 0.5))] = Field(
        default=0.02, description="Noise that total variation is to remove, as a part of the peak."
    )

"""The diffusion sampler: a prior trained on images, or one that needs no training, and measurements."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from proxflow.configs.base import STILL, Choice, Modality
from proxflow.configs.method_cost import MethodCost, first_applications
from proxflow.configs.tunable import Tunable

PriorName = Annotated[
    str,
    Field(
        pattern=r"^(tv|fourier-wiener|(diffusion-ct|diffusion-mri|.+\.(safetensors|pth?))(:bfloat16)?)$",
        examples=["tv, fourier-wiener, diffusion-ct, diffusion-mri, or a file as weights.safetensors"],
        description="diffusion-ct or diffusion-mri, networks trained on slices of bodies and heads; tv, a "
        "denoiser told the noise; fourier-wiener, Gaussian with the power spectrum that the measurements "
        "tell; or a file of diffusion weights, .safetensors or others' .pt and .pth, "
        "counted from the recipe's folder; after a network :bfloat16 halves a U-Net's time on recent CPUs.",
    ),
]
PhaseRule = Annotated[
    Literal["kept", "smooth"],
    Field(
        description="Of complex images: as measured; or its smooth part taken off while the prior or the "
        "denoiser looks, for networks that were trained on phases of little more than a radian, as those of "
        "train-diffusion."
    ),
]
Gamma = Annotated[float, Field(gt=0, le=1e6), Tunable(0.3, 300, limits=(0.01, 10_000))]
AxialLam = Annotated[float, Field(ge=0, le=1)]
AxialRho = Annotated[float, Field(gt=0, le=1000)]
Unit = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Epsilon = Annotated[float, Field(gt=0, lt=1)]


class Dds(Choice):
    """A diffusion prior sampled from noise down to an image, with conjugate gradients on the data (DDS)."""

    fits: ClassVar[tuple[Modality, ...]] = STILL
    method: Literal["dds"]
    prior: PriorName = "tv"
    n_iter: Annotated[int, Field(ge=2, le=1000)] = Field(
        default=50, description="Noise levels to come down, each one call of the prior."
    )
    eta: Unit | None = Field(
        default=None,
        description="Share of noise drawn afresh at each level; null: the paper's for n_iter, 0.15 to 0.8.",
    )
    rule: Literal["official", "ddim"] = Field(
        default="official",
        description="What eta is a share of: all noise of a level, as in the released code, or DDIM's part.",
    )
    consistency: Literal["proximal", "hard", "adaptive"] = Field(
        default="proximal",
        description="Towards the data by the weight gamma, by n_cg steps of least squares alone, for data "
        "almost without noise, or by a weight that follows from the noise and the level.",
    )
    gamma: Gamma = Field(
        default=5.0, description="Weight of the data of proximal consistency, relative to 1 / ||A||^2."
    )
    n_cg: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Steps of conjugate gradients at each level: more follow the data more."
    )
    epsilon: Epsilon | None = Field(
        default=None,
        description="Noise over data of adaptive consistency, both as norms; null: as prepare estimated it.",
    )
    prior_std: Annotated[float, Field(gt=0, le=10)] = Field(
        default=0.3,
        description="What adaptive consistency takes voxels to vary by under the prior, relative to the "
        "brightest.",
    )
    phase: PhaseRule = "kept"
    axial_lam: AxialLam | None = Field(
        default=None,
        description="Weight of total variation across the slices of a volume, relative to ||A||^2 and the "
        "brightest voxels, in place of consistency; null: none.",
    )
    axial_rho: AxialRho = Field(
        default=0.026, description="Penalty by which ADMM keeps it, relative to ||A||^2: the path."
    )
    axial_start: Unit = Field(
        default=0.0, description="Share of the levels before the total variation is switched on."
    )
    axial_boundary: Literal["neumann", "periodic"] = Field(
        default="neumann", description="Whether the last slice has no next one, or the first, as published."
    )
    samples: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1,
        description="Samples of which the mean is delivered; their spread is traced, and is not calibrated.",
    )
    seed: Seed = Field(default=0, description="Of all noise, together with the number of the item.")

    @property
    def cost(self) -> MethodCost:
        """Conjugate gradients take their steps and a residual; noise is the operator's affair."""
        each = self.samples * (1 + self.n_cg)
        return MethodCost(each, first_applications(self.phase), fewest=2, apart={"epsilon": 0.5})

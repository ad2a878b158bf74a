"""The samplers that stand beside ``dds``, with the same priors."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from proxflow.configs.base import MRI, Choice, Modality
from proxflow.configs.method_cost import MethodCost, first_applications
from proxflow.configs.methods_diffusion import PhaseRule, PriorName, Seed, Unit
from proxflow.configs.tunable import Tunable

DataWeight = Annotated[float, Field(ge=0, lt=2)]
Zeta = Annotated[float, Field(ge=0, le=1000), Tunable(0.1, 10, limits=(0.01, 1000))]


class ScoreMri(Choice):
    """A diffusion prior sampled by predictor and corrector, a step on the data after each (score-MRI)."""

    fits: ClassVar[tuple[Modality, ...]] = (*MRI, "ct")
    method: Literal["score_mri"]
    prior: PriorName = "tv"
    n_iter: Annotated[int, Field(ge=2, le=100_000)] = Field(
        default=200, description="Noise levels to come down; 2000 are published."
    )
    predictor: Literal["ancestral", "reverse_diffusion"] = Field(
        default="ancestral",
        description="Fresh noise of a step: right for few levels, or as published, for hundreds and more.",
    )
    snr: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.16, description="Length of the corrector's steps, by the ratio of score to noise."
    )
    n_correct: Annotated[int, Field(ge=0, le=100)] = Field(
        default=1, description="Corrector steps at each level, each one more call of the prior."
    )
    data_weight: DataWeight = Field(
        default=1.0, description="Weight of the step on the data at first, relative to 1 / ||A||^2."
    )
    last_data_weight: DataWeight = Field(
        default=0.2, description="The same at the last level; between the two it falls linearly."
    )
    phase: PhaseRule = "kept"
    seed: Seed = Field(default=0, description="Of all noise, together with the number of the item.")

    @property
    def cost(self) -> MethodCost:
        """Towards the data after the predictor and every corrector, and once for the report."""
        return MethodCost(2 + self.n_correct, first_applications(self.phase), fewest=2)


class Dps(Choice):
    """A diffusion prior sampled along the gradient of the data misfit through its network (DPS)."""

    fits: ClassVar[tuple[Modality, ...]] = (*MRI, "ct")
    method: Literal["dps"]
    prior: PriorName = Field(
        default="fourier-wiener",
        description="fourier-wiener, Gaussian with the power spectrum that the measurements tell; or a "
        "network, as of dds. tv has no gradient.",
    )
    n_iter: Annotated[int, Field(ge=2, le=1000)] = Field(
        default=200, description="Noise levels to come down, each one call of the prior and its gradient."
    )
    eta: Unit = Field(
        default=1.0, description="Share of DDIM's noise drawn afresh: 1 is ancestral sampling, 0 adds none."
    )
    zeta: Zeta = Field(
        default=5.0,
        description="Length of the steps towards the data, for 256 x 256 pixels; 1 is published, for 1000 "
        "levels, and fewer want more.",
    )
    phase: PhaseRule = "kept"
    seed: Seed = Field(default=0, description="Of all noise, together with the number of the item.")

    @property
    def cost(self) -> MethodCost:
        return MethodCost(before=first_applications(self.phase), fewest=2)

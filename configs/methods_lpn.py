"""Learned proximal networks: a learned prior that is one, with an objective and a value."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from proxflow.configs.base import STILL, Choice, Modality
from proxflow.configs.method_cost import NEWTON_PASSES, UNIT_APPLICATIONS, MethodCost
from proxflow.configs.method_numbers import Iterations, Tolerance
from proxflow.configs.tunable import Tunable

ProxName = Annotated[
    str,
    Field(
        pattern=r"^(lpn-ct|lpn-mri|.+\.(safetensors|pth?))$",
        examples=["lpn-ct, lpn-mri, or a file as weights.safetensors"],
        description="lpn-ct or lpn-mri, networks trained on slices of bodies and heads; or a file of weights "
        "of a learned proximal network, .safetensors or the authors' .pt and .pth, counted from the recipe's "
        "folder. Of one channel it sees the magnitude of complex images, of two their parts.",
    ),
]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Strength = Annotated[float, Field(gt=0, le=1), Tunable(0.03, 1, limits=(0.003, 1))]


class Lpn(Choice):
    """A network that is the proximal operator of its own prior, with an objective to watch (LPN)."""

    fits: ClassVar[tuple[Modality, ...]] = STILL
    method: Literal["lpn"]
    prior: ProxName = "lpn-ct"
    solver: Literal["admm", "pgd"] = Field(
        default="admm", description="Alternating directions, or proximal gradient descent."
    )
    setting: Literal["guaranteed", "published"] = Field(
        default="guaranteed",
        description="Refuse numbers for which convergence is not proven; or check nothing, as the published "
        "experiments, which break the conditions and stop early. The report tells which hold.",
    )
    n_iter: Iterations = Field(default=50, description="Iterations at most.")
    s: Positive = Field(
        default=0.5,
        description="Scale of the misfit s ||A x - y||^2, ||A|| = 1, so that L_h = 2 s. Only rho / s or "
        "eta s count: where guaranteed chooses rho or eta, s changes nothing.",
    )
    eta: Positive | None = Field(
        default=None,
        description="Step of pgd, and 1 / weight of the prior; below 1 / (2 s) to be guaranteed. null: "
        "0.95 / (2 s), or 2 of published.",
    )
    rho: Positive | None = Field(
        default=None,
        description="Penalty of admm, and weight of the prior; above 2 s to be guaranteed. null: 1.05 * 2 s, "
        "or 0.1 of published.",
    )
    strength: Strength = Field(
        default=1.0,
        description="How much of the network's step is taken, x + strength (f(x) - x): a proximal operator, "
        "too, of a weaker prior, for data with less noise than the training: about the square of how many "
        "times less. The smaller it is, the more iterations.",
    )
    warm_up: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=0,
        description="Iterations of admm before those of n_iter, with all of the network's step and strength "
        "times the weight: nothing is guaranteed of them, but with a small strength they are far faster, and "
        "what is guaranteed holds from any first image.",
    )
    box: bool = Field(
        default=False,
        description="Keep real images within 0 and what is 1 to the network; published.",
    )
    unit: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="What is 1 to the network, in the unit of the image, where its range is known, as 255 of "
        "pictures of 8 bits; null: bright voxels of the first image.",
    )
    patches: Literal["exact", "averaged"] = Field(
        default="exact",
        description="As many patches over every pixel, which leaves a proximal operator; or as the authors' "
        "code, averaged by counts that vary, which does not: published, without an objective.",
    )
    stride: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        default=None, description="Pixels between patches, a divisor of their side; null: half of it."
    )
    n_cg: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=30, description="Steps of conjugate gradients at most in an iteration of admm."
    )
    n_newton: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=3,
        description="Steps of Newton's method, at most, to find the value of the prior at the first image "
        "and at the last, each usually 22 passes of the network; 0: no values.",
    )
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")

    @model_validator(mode="after")
    def _fits_the_solver(self) -> Lpn:
        """One sentence where two numbers do not go together."""
        if self.solver == "pgd" and self.rho is not None:
            raise ValueError(f"rho must be null with solver pgd, which has eta, got {self.rho:g}")
        if self.solver == "admm" and self.eta is not None:
            raise ValueError(f"eta must be null with solver admm, which has rho, got {self.eta:g}")
        if self.setting == "published" and self.warm_up:
            raise ValueError(f"warm_up must be 0 with setting published, got {self.warm_up}")
        if self.setting == "guaranteed":
            for name, value, wanted in (("box", self.box, False), ("patches", self.patches, "exact")):
                if value != wanted:
                    told, got = str(wanted).lower(), str(value).lower()
                    raise ValueError(f"{name} must be {told} with setting guaranteed, got {got}")
        return self

    @property
    def cost(self) -> MethodCost:
        """pgd: the gradient's; admm, and any warm-up: steps of conjugate gradients, at most, and a residual.
        Averaged patches are not inverted."""
        each = 1 + (self.n_cg if self.solver == "admm" else 0)
        of_warm_up = self.warm_up * (1 + self.n_cg - each)
        inversions = 2 if self.patches == "exact" else 0
        return MethodCost(
            each,
            UNIT_APPLICATIONS + of_warm_up,
            apart={"warm_up": 0},
            passes=inversions * self.n_newton * NEWTON_PASSES,
            warm_up=self.warm_up,
        )

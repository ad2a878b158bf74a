"""Methods for series without a model of time, or with one that is not bilinear.

Weights are relative: the data are scaled so that the largest magnitude of A^H y over the series is 1. Their
defaults were chosen by held-out spokes of the sample dynamic-mri-kidney: a compromise between coil maps given
and estimated.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from proxflow.configs.base import Choice, Modality
from proxflow.configs.method_numbers import Iterations, Tolerance, Weight, Window
from proxflow.configs.tunable import Tunable

SERIES: tuple[Modality, ...] = ("ct-dynamic", "mri-dynamic")


class Static(Choice):
    """One image for all frames: least squares over the series, with total variation or Tikhonov's penalty."""

    fits: ClassVar[tuple[Modality, ...]] = SERIES
    method: Literal["static"]
    n_iter: Iterations = Field(default=100, description="Iterations at most.")
    lam: Weight = Field(default=3e-4, description="Weight of the penalty, relative to the peak of A^H y.")
    penalty: Literal["tv", "tikhonov"] = Field(
        default="tv", description="Total variation, or the squares of the values."
    )
    nonnegative: bool = Field(default=False, description="Allow no negative values; with penalty tv.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")

    @model_validator(mode="after")
    def _constraint_has_a_solver(self) -> Static:
        if self.nonnegative and self.penalty != "tv":
            raise ValueError(f"nonnegative must be false unless penalty is tv, got true with {self.penalty}")
        return self


class FramewiseFbp(Choice):
    """Filtered back-projection of every frame's views alone."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct-dynamic",)
    method: Literal["framewise_fbp"]
    window: Window = Field(default="ramp", description="Low-pass on the ramp filter: ramp is the sharpest.")


class FramewiseTv(Choice):
    """Least squares plus total variation of every frame on its own."""

    fits: ClassVar[tuple[Modality, ...]] = SERIES
    method: Literal["framewise_tv"]
    n_iter: Iterations = Field(default=100, description="Iterations at most.")
    lam: Weight = Field(default=0.001, description="TV weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")
    nonnegative: bool = Field(default=False, description="Allow no negative values: attenuation has none.")


class FramewiseCgSense(Choice):
    """CG-SENSE of every frame on its own."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-dynamic",)
    method: Literal["framewise_cg_sense"]
    n_iter: Iterations = Field(default=30, description="Iterations at most.")
    lam: Weight = Field(default=3e-4, description="Tikhonov weight, relative to the peak of A^H y.")
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")


class LowRankSparse(Choice):
    """A part of low rank plus one of few temporal frequencies (L+S), each by a convex penalty."""

    fits: ClassVar[tuple[Modality, ...]] = SERIES
    method: Literal["low_rank_sparse"]
    n_iter: Iterations = Field(default=200, description="Iterations at most.")
    lam: Annotated[float, Field(ge=0, le=1), Tunable(1e-4, 0.03, limits=(1e-6, 1))] = Field(
        default=3e-4,
        description="Weight of both, relative to the largest singular value and frequency of A^H y.",
    )
    balance: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=1.0, description="Weight of few frequencies beside that of low rank."
    )
    tol: Tolerance = Field(default=1e-4, description="Stop when the relative change falls below this.")


class TdDip(Choice):
    """An untrained network draws every frame, and is fitted to the measurements (TD-DIP). Slow."""

    fits: ClassVar[tuple[Modality, ...]] = SERIES
    method: Literal["td_dip"]
    n_iter: Iterations = Field(default=40, description="Blocks of steps at most.")
    block_steps: Iterations = Field(default=250, description="Steps of Adam in a block.")
    rate: Annotated[float, Field(gt=0, le=1)] = Field(
        default=1e-3, description="Step length of Adam, halved every 2000 steps."
    )
    frames_per_step: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=1, description="Frames drawn at random for a step."
    )
    n_cycles: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=0.0,
        description="Turns of the path through time: beats of a heart; 0 for motion without return.",
    )
    n_channels: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=128, description="Channels of the network's layers."
    )
    held_out_fraction: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.05, description="Views kept from the network, which tell when to stop; 0: after n_iter."
    )
    patience: Iterations = Field(
        default=10, description="Stop so many blocks after the one that predicts those views best."
    )
    min_iter: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=10, description="Blocks before that may stop it."
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Draws the first weights, the frames of every step and the views held out."
    )
    mixed: bool = Field(
        default=False, description="Train by convolutions in bfloat16: twice as fast on CPUs that have it."
    )

"""Methods for series, other than partially separable ones."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from proxflow.configs.base import Choice, Modality
from proxflow.configs.method_numbers import Iterations

SERIES: tuple[Modality, ...] = ("ct-dynamic", "mri-dynamic")


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

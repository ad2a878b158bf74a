"""``prepare``: ordered steps between the file and the reconstruction."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxflow.configs.base import Part

Size = Annotated[int, Field(ge=1, le=16384)]


class Crop(Part):
    """Crop the field of view, in image space, along axes that are fully sampled."""

    kind: Literal["crop"]
    matrix: tuple[Size, Size] = Field(description="Kept image matrix (y, x).")


class Whiten(Part):
    """Decorrelate the coils with the noise scan, so that every coil has unit noise."""

    kind: Literal["whiten"]


class CompressCoils(Part):
    """Combine the coils into fewer virtual ones that hold most of the energy (SVD)."""

    kind: Literal["compress_coils"]
    n_coils: Annotated[int, Field(ge=1, le=256)] = Field(description="Virtual coils kept.")


class Undersample(Part):
    """Drop samples of a fully sampled scan, to study an acceleration; the rest stays as reference."""

    kind: Literal["undersample"]
    pattern: Literal["poisson_disc", "variable_density", "random_lines", "uniform_lines"] = Field(
        default="poisson_disc", description="Points in (ky, kx), or lines along kx."
    )
    acceleration: Annotated[float, Field(ge=1, le=64)] = Field(
        default=4.0, description="All samples over kept samples."
    )
    acs: tuple[Size, Size] = Field(
        default=(24, 24), description="Fully kept centre (ky, kx) for calibration; lines use the first."
    )
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Seed of the random pattern.")


PrepareStep = Annotated[Crop | Whiten | CompressCoils | Undersample, Field(discriminator="kind")]

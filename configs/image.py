"""``image``: the grid that is reconstructed, where the scan does not fix it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from proxflow.configs.base import Part, Size

Millimetres = Annotated[float, Field(gt=0, le=1e6)]
Place = Annotated[float, Field(ge=-1e7, le=1e7)]


class ImageConfig(Part):
    """The reconstructed grid. What is not given follows from the scan; Cartesian MRI fixes all of it."""

    matrix: tuple[Size, ...] | None = Field(
        default=None, description="Pixels (y, x), or voxels (z, y, x) of cone-beam CT and radar."
    )
    voxel_mm: tuple[Millimetres, ...] | None = Field(
        default=None, description="Their size in mm: one number, or one for each axis of a radar volume."
    )
    centre_mm: tuple[Place, Place, Place] | None = Field(
        default=None, description="Middle of a radar volume (z, y, x) in the antennas' coordinates."
    )

    @field_validator("voxel_mm", mode="before")
    @classmethod
    def _one_number_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("matrix")
    @classmethod
    def _two_or_three(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and len(value) not in (2, 3):
            raise ValueError("must be (y, x) or (z, y, x)")
        return value

    @field_validator("voxel_mm")
    @classmethod
    def _one_or_three(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and len(value) not in (1, 3):
            raise ValueError("must be one number, or (z, y, x)")
        return value

"""``scan``: what was measured and which part of it is used."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from proxflow.configs.base import Modality, Part

Reader = Literal[
    "auto",
    "proxflow",
    "ismrmrd",
    "fastmri",
    "bart",
    "twix",
    "numpy",
    "dxchange",
    "nxtomo",
    "htc2022",
    "tiff",
    "merit",
    "gotcha",
    "matlab",
    "csv",
    "image",
]


class ScanConfig(Part):
    """The measurement to reconstruct."""

    kind: Modality = Field(default="mri-cartesian", description="What was measured.")
    path: str = Field(
        min_length=1,
        description="A file or folder, or sample://NAME for a scan that ships; relative paths count from the "
        "recipe's folder. Of pictures also FILE::ARRAY.",
    )
    array: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Of kind image, which array of an HDF5 or .npz file holds the pictures, where it has "
        "several.",
    )
    reader: Reader = Field(default="auto", description="File format; auto looks at the content.")
    items: str | tuple[int, ...] = Field(
        default="all",
        description="Slices, frames, scenes: all, middle, a range like 0:10 or 0:10:2, or a list of indices.",
    )

    schedule: str | None = Field(
        default=None,
        pattern=r"^(bit_reversed|golden|linear|random(\(\d{1,9}\))?)$",
        examples=["bit_reversed, golden, linear or random(SEED)"],
        description="Angles of the projections of ct-dynamic, where the file tells none: bit_reversed, "
        "golden, linear, or random(SEED).",
    )

    @field_validator("items", mode="before")
    @classmethod
    def _one_index_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("items")
    @classmethod
    def _known_form(cls, value: str | tuple[int, ...]) -> str | tuple[int, ...]:
        if isinstance(value, str) and value not in ("all", "middle"):
            parse_range(value)
        elif not isinstance(value, str) and (not value or min(value) < 0 or len(set(value)) < len(value)):
            raise ValueError("must list different indices from 0 upwards")
        return value

    def select(self, n_items: int) -> list[int]:
        """The indices chosen out of ``n_items``; ValueError if one of them does not exist."""
        if self.items == "all":
            return list(range(n_items))
        if self.items == "middle":
            return [n_items // 2]
        chosen = range(n_items)[parse_range(self.items)] if isinstance(self.items, str) else self.items
        if not chosen or max(chosen) >= n_items:
            raise ValueError(f"scan.items must choose from 0 to {n_items - 1}, got {self.items}")
        return list(chosen)


def parse_range(text: str) -> slice:
    """``0:10`` or ``0:10:2`` as a slice; ValueError for anything else."""
    try:
        numbers = [int(part) if part.strip() else None for part in text.split(":")]
    except ValueError:
        numbers = []
    positive = all(number is None or number >= 0 for number in numbers)
    if len(numbers) not in (2, 3) or not positive or numbers[2:] == [0]:
        raise ValueError("must be all, middle, a range like 0:10, or a list of indices")
    return slice(*numbers)

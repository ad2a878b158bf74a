"""Steps that sample k-space as in the experiments of ReconResNet, fractions in place of accelerations."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from proxflow.configs.base import Choice, Modality, Size

Part = Annotated[float, Field(gt=0, le=1)]
Acs = tuple[Size, Size] | None


class PatternStep(Choice):
    """A pattern, and the centre that may be kept beside it."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-cartesian",)
    kind: str
    acs: Acs = Field(
        default=None,
        description="Centre (ky, kx) that is kept beside the pattern, for calibration; lines use the first; "
        "null: what the pattern has there.",
    )


class UndersampleGaussian(PatternStep):
    """Keep lines or points by a Gaussian density, narrow enough to leave a fraction, as in ReconResNet."""

    kind: Literal["undersample_gaussian"]
    pattern: Literal["lines", "two_gaussians", "disc"] = Field(
        default="lines",
        description="Lines along kx; points by the wider and the narrower of two Gaussians, of the published "
        "masks; or points around a disc, of their authors' later tool, which goes below 10 %.",
    )
    fraction: Part = Field(
        default=0.3, description="What is kept of all samples at most; the report says how much it became."
    )
    peak: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5, description="Probability at the centre, of lines and disc."
    )
    centre: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.005,
        description="Part of all samples that the disc takes; 0.02 is like the published masks.",
    )
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Seed of the random pattern.")

    @property
    def whole_lines(self) -> bool:
        """Whether lines along kx are kept or left out as a whole."""
        return self.pattern == "lines"


class UndersampleSteps(PatternStep):
    """Keep every n-th line along kx and nine in the centre, as ReconResNet's uniform mask."""

    kind: Literal["undersample_steps"]
    step: Annotated[int, Field(ge=1, le=64)] = Field(
        default=4, description="From a kept line to the next; the centre lowers the acceleration."
    )

    @property
    def whole_lines(self) -> bool:
        """As of ``UndersampleGaussian``: always."""
        return True


class KeepCentre(Choice):
    """Keep a block of low frequencies alone: the blur of a scan of lower resolution, at the same matrix."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-cartesian",)
    kind: Literal["keep_centre"]
    fraction: Part | None = Field(
        default=None,
        description="What is kept of all samples at most; 0.25, if neither it nor cut_lines is given.",
    )
    keeps: Literal["lines", "aspect", "square"] = Field(
        default="lines",
        description="As many lines cut at each border; sides in proportion; or a square.",
    )
    cut_lines: Annotated[int, Field(ge=0, le=8192)] | None = Field(
        default=None, description="Lines cut at each of the four borders, in place of fraction."
    )

    @field_validator("cut_lines")
    @classmethod
    def _in_place_of_fraction(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("fraction") is not None:
            raise ValueError(f"must be left out where fraction is given, got {value}")
        return value

    @property
    def kept(self) -> float:
        """``fraction``, or what it is by default."""
        return 0.25 if self.fraction is None else self.fraction


PublishedSampling = UndersampleGaussian | UndersampleSteps | KeepCentre

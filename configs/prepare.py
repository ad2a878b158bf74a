"""``prepare``: ordered steps between the file and the reconstruction."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from proxflow.configs.base import COILS, Choice, Modality, Size
from proxflow.configs.prepare_image import Blur, Blurred, CirculantSensing
from proxflow.configs.prepare_published import KeepCentre, UndersampleGaussian, UndersampleSteps


class Crop(Choice):
    """Crop the field of view, in image space, along axes that are fully sampled."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-cartesian", "image")
    kind: Literal["crop"]
    matrix: tuple[Size, Size] = Field(description="Kept image matrix (y, x).")


class Whiten(Choice):
    """Decorrelate the coils with the noise scan, so that every coil has unit noise."""

    fits: ClassVar[tuple[Modality, ...]] = COILS
    kind: Literal["whiten"]


class CompressCoils(Choice):
    """Combine the coils into fewer virtual ones that hold most of the energy (SVD)."""

    fits: ClassVar[tuple[Modality, ...]] = COILS
    kind: Literal["compress_coils"]
    n_coils: Annotated[int, Field(ge=1, le=256)] = Field(description="Virtual coils kept.")


class Sampling(Choice):
    """A pattern of samples that a faster scan would have taken."""

    kind: str
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


class Undersample(Sampling):
    """Drop samples of a fully sampled scan, to study an acceleration; the rest stays as reference."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-cartesian",)
    kind: Literal["undersample"]


class UndersampleFrames(Sampling):
    """Drop samples of fully sampled frames, of each by a pattern of its own; the rest stays as reference.

    Frame t has the pattern of seed + t.
    """

    fits: ClassVar[tuple[Modality, ...]] = ("mri-dynamic",)
    kind: Literal["undersample_frames"]


class BinSpokes(Choice):
    """Cut spokes, in the order measured, into frames of equal numbers; a rest that fills none is left out."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-dynamic",)
    kind: Literal["bin_spokes"]
    spokes_per_frame: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="Spokes of each frame: fewer resolve time more finely."
    )


class KeepSpokes(Choice):
    """Keep some of the spokes (of a series: of each frame's), as a shorter scan would have measured them."""

    fits: ClassVar[tuple[Modality, ...]] = ("mri-radial", "mri-dynamic")
    kind: Literal["keep_spokes"]
    n_spokes: Annotated[int, Field(ge=1, le=100_000)] = Field(description="Spokes kept.")
    which: Literal["spread", "first"] = Field(
        default="spread",
        description="Spread evenly over the angles, or the first measured: what a shorter scan by golden "
        "angles would hold.",
    )


class FlatField(Choice):
    """Counts to attenuation: -log((I - dark) / (flat - dark)), with the scan's own dark and flat fields."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    kind: Literal["flat_field"]


class MinusLog(Choice):
    """Transmission I / I0 to attenuation: its negative logarithm."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    kind: Literal["minus_log"]


class RemoveZingers(Choice):
    """Replace single bright pixels, hit by stray photons, by the median of their neighbours."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    kind: Literal["remove_zingers"]
    threshold: Annotated[float, Field(gt=0, le=10)] = Field(
        default=0.08, description="Relative step to the neighbours' median from which a pixel is replaced."
    )


class ReduceRings(Choice):
    """Even out detector columns that read too high or low, which make rings in the image."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    kind: Literal["reduce_rings"]
    size: Annotated[int, Field(ge=3, le=201)] = Field(
        default=21, description="Columns of the median filter over sorted values: about the widest stripe."
    )


class KeepAngles(Choice):
    """Keep the views of an arc, or every n-th view, as a shorter or sparser scan would have them.

    The rest stays as reference.
    """

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    kind: Literal["keep_angles"]
    start_deg: Annotated[float, Field(ge=-360, le=720)] = Field(
        default=0.0, description="First angle of the arc, in degrees as the scan counts them."
    )
    arc_deg: Annotated[float, Field(gt=0, le=360)] = Field(
        default=360.0, description="Its extent; the last angle belongs to it."
    )
    every: Annotated[int, Field(ge=1, le=10_000)] = Field(default=1, description="Take every n-th view.")


class KeepFrames(Choice):
    """Keep the first frames of a series, or every n-th frame, as a shorter or slower scan would have them."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct-dynamic",)
    kind: Literal["keep_frames"]
    n_frames: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Frames kept, from the first on; all if not given."
    )
    every: Annotated[int, Field(ge=1, le=10_000)] = Field(default=1, description="Take every n-th frame.")


class SubtractBackground(Choice):
    """Subtract the measurement without the target, or with the array rotated, that came with the scan."""

    fits: ClassVar[tuple[Modality, ...]] = ("radar",)
    kind: Literal["subtract_background"]
    turned_degrees: Annotated[float, Field(ge=-360, le=360)] | None = Field(
        default=None,
        description="By how much the array was turned for it, about the z axis from x to y: the scene's "
        "echoes in the background are then modelled too, which are ghosts otherwise.",
    )


class KeepFrequencies(Choice):
    """Keep n of the frequencies from the first on, with the largest equal step that the scan allows.

    Equal steps stay equal: the operator is much faster on them.
    """

    fits: ClassVar[tuple[Modality, ...]] = ("radar",)
    kind: Literal["keep_frequencies"]
    n_frequencies: Annotated[int, Field(ge=1, le=100_000)] = Field(description="Frequencies kept.")


PrepareStep = Annotated[
    Crop
    | Whiten
    | CompressCoils
    | Undersample
    | UndersampleGaussian
    | UndersampleSteps
    | KeepCentre
    | UndersampleFrames
    | BinSpokes
    | KeepSpokes
    | FlatField
    | MinusLog
    | RemoveZingers
    | ReduceRings
    | KeepAngles
    | KeepFrames
    | SubtractBackground
    | KeepFrequencies
    | Blur
    | Blurred
    | CirculantSensing,
    Field(discriminator="kind"),
]

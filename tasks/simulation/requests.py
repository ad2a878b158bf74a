"""What may be asked of a simulation."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Motion = Literal["breathing", "piecewise-affine", "waves", "none"]
Still = Literal["bottom", "top", "ends"]


@dataclass(frozen=True, kw_only=True)
class SimulationRequest:
    """A series made of an image, or of a few.

    Attributes:
        frames: Frames of the series.
        size: Pixels along each side of a frame.
        motion: breathing; piecewise-affine, the waves of the RED-PSM phantom with its squeeze of the rows;
            waves, without the squeeze; or none.
        amplitude: Largest shift in pixels; 5 % of the size if not given, 10 % for waves.
        cycles: Breaths during the series.
        still: The edge that does not move: bottom (axial: the table), top (coronal chest) or both ends
            (coronal abdomen).
        irregularity: How much breaths differ, 0 to 1.
        seed: Of the noise and of irregular breaths; equal seeds give equal files.
        slice: Slice of the volume, from 0; the middle one if not given.
        key: Name of the array in an .npz or HDF5 file, where it is not plain which.
        pixel_mm: Pixel size where the file does not tell, or tells it wrong.
        turn: Degrees to turn the image by, counter-clockwise.
        origin: Where the image came from, for the file's record.
        licence: The image's licence, for the file's record.
    """

    frames: int = 64
    size: int = 128
    motion: Motion = "breathing"
    amplitude: float | None = None
    cycles: float = 2.0
    still: Still = "bottom"
    irregularity: float = 0.0
    seed: int = 0
    slice: int | None = None
    key: str | None = None
    pixel_mm: float | None = None
    turn: Literal[0, 90, 180, 270] = 0
    origin: str | None = None
    licence: str | None = None

    @property
    def shift(self) -> float:
        """The amplitude in pixels."""
        if self.amplitude is not None:
            return self.amplitude
        return (0.05 if self.motion == "breathing" else 0.1) * self.size

    def options(self) -> list[str]:
        """The options that differ from their defaults, as typed; without origin and licence."""
        told: list[str] = []
        for one in fields(self):
            value = getattr(self, one.name)
            if value != one.default and one.name not in ("origin", "licence"):
                name = "--" + one.name.replace("_", "-")
                told += (
                    [name]
                    if value is True
                    else [name, f"{value:g}" if isinstance(value, float) else str(value)]
                )
        return told


@dataclass(frozen=True, kw_only=True)
class CtRequest(SimulationRequest):
    """A series of parallel projections.

    Attributes:
        views_per_frame: Projections of every frame.
        schedule: Angles, one projection after the other: bit_reversed, golden, linear or random(SEED).
        noise: Standard deviation, relative to the largest value of the complete clean sinogram.
        model: How rays are summed: bilinear as by the authors of RED-PSM, or joseph as in other CT here.
        contrast: A contrast agent passes through the chest: what blood gains at most, as a part of water's
            attenuation (0.4 is 400 HU); 0 for none.
        values: What the image holds: hu, or per-mm (attenuation); told by the file's units, else hu.
    """

    views_per_frame: int = 1
    schedule: str = "bit_reversed"
    noise: float = 5e-3
    model: Literal["bilinear", "joseph"] = "bilinear"
    contrast: float = 0.0
    values: Literal["hu", "per-mm"] | None = None


@dataclass(frozen=True, kw_only=True)
class MriRequest(SimulationRequest):
    """A series of golden-angle radial MRI.

    Attributes:
        spokes_per_frame: Spokes of every frame.
        coils: Coils, 1 to 8; their maps are those of the sample brain-13coil, stretched over the image.
        snr: Mean of the object over the noise of a complete frame; inf for none.
        times: Which images of the file's series to go through, as 0,2,4; all if not given.
        unsigned: Take signed integers as unsigned, where bright pixels have wrapped to negative ones.
    """

    frames: int = 24
    still: Still = "ends"
    spokes_per_frame: int = 6
    coils: int = 4
    snr: float = 30.0
    times: str | None = None
    unsigned: bool = False

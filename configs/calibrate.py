"""``calibrate``: coil sensitivity maps, the axis of rotation, or the medium between antennas and scene."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from proxflow.configs.base import COILS, Choice, Modality, Size


class Espirit(Choice):
    """ESPIRiT maps from the calibration region (Uecker et al., MRM 71:990, 2014)."""

    fits: ClassVar[tuple[Modality, ...]] = COILS
    kind: Literal["espirit"] = "espirit"
    backend: Literal["torch", "sigpy"] = Field(
        default="torch", description="Our batched implementation, or SigPy's for comparison."
    )
    acs: tuple[Size, Size] | None = Field(
        default=None, description="Calibration region (ky, kx); found in the sampling mask if not given."
    )
    kernel_width: Annotated[int, Field(ge=2, le=16)] = Field(default=6, description="k-space kernel width.")
    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.02, description="Singular values kept, as a fraction of the largest."
    )
    crop: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.95, description="Maps are zero where the eigenvalue is below this: outside the object."
    )


class LowRes(Choice):
    """Coil images of the calibration region divided by their root sum of squares."""

    fits: ClassVar[tuple[Modality, ...]] = COILS
    kind: Literal["lowres"]
    acs: tuple[Size, Size] | None = Field(
        default=None, description="Calibration region (ky, kx); found in the sampling mask if not given."
    )


class Given(Choice):
    """Maps from a file: complex (coil, y, x) or (item, coil, y, x), NumPy .npy or HDF5 dataset ``maps``.

    A scan of kind mri-dynamic may hold its own, which are taken where no path is given.
    """

    fits: ClassVar[tuple[Modality, ...]] = COILS
    kind: Literal["given"]
    path: str = Field(default="", description="File with the maps; relative to the recipe's folder.")


class Rotation(Choice):
    """Onto which detector column the axis of rotation projects."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct",)
    kind: Literal["rotation"]
    axis_column: Annotated[float, Field(ge=-1e5, le=1e5)] | None = Field(
        default=None,
        description="Column counted from 0, fractions allowed; found in the data (parallel beam), or taken "
        "from the file (fan and cone), if not given.",
    )
    backend: Literal["auto", "matrix", "rays", "torch"] = Field(
        default="auto",
        description="Projector: a sparse matrix kept in the store, rays on the fly, or torch operations.",
    )


class FrameRotation(Choice):
    """Where the axis of rotation is in a series of projections, and how they are modelled."""

    fits: ClassVar[tuple[Modality, ...]] = ("ct-dynamic",)
    kind: Literal["frame_rotation"]
    axis_column: Annotated[float, Field(ge=-1e5, le=1e5)] | None = Field(
        default=None,
        description="Column counted from 0, fractions allowed; if not given, that of the file, or "
        "the centre.",
    )
    model: Literal["auto", "joseph", "bilinear"] = Field(
        default="auto",
        description="Joseph's interpolation along lines, or samples a pixel apart on a rotated grid, as "
        "skimage.transform.radon sums them; auto: what the file's images are centred for.",
    )


class Medium(Choice):
    """How waves travel between the antennas and the scene."""

    fits: ClassVar[tuple[Modality, ...]] = ("radar",)
    kind: Literal["medium"]
    relative_permittivity: Annotated[float, Field(ge=1, le=1000)] = Field(
        default=1.0, description="Of the medium: waves travel at c / sqrt of it; 1 is air."
    )
    amplitude: Literal["spreading", "none"] = Field(
        default="spreading", description="Loss with distance, 1 / (4 pi d_T d_R), or none."
    )
    antenna_path_mm: Annotated[float, Field(ge=-1e5, le=1e5)] = Field(
        default=0.0,
        description="Path in air that the delay inside a pair's antennas and leads is worth, where it was "
        "not calibrated away.",
    )


class OperatorNorm(Choice):
    """How large the forward model of a picture is; a picture needs nothing else."""

    fits: ClassVar[tuple[Modality, ...]] = ("image",)
    kind: Literal["operator_norm"]


MapsConfig = Annotated[Espirit | LowRes | Given, Field(discriminator="kind")]
CalibrateConfig = Annotated[
    Espirit | LowRes | Given | Rotation | FrameRotation | Medium | OperatorNorm, Field(discriminator="kind")
]

DEFAULT_KIND: dict[str, str] = {
    "mri-cartesian": "espirit",
    "mri-radial": "espirit",
    "mri-dynamic": "espirit",
    "ct": "rotation",
    "ct-dynamic": "frame_rotation",
    "radar": "medium",
    "image": "operator_norm",
}

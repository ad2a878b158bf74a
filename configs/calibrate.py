"""``calibrate``: where the coil sensitivity maps come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxflow.configs.base import Part
from proxflow.configs.prepare import Size


class Espirit(Part):
    """ESPIRiT maps from the calibration region (Uecker et al., MRM 71:990, 2014)."""

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


class LowRes(Part):
    """Coil images of the calibration region divided by their root sum of squares."""

    kind: Literal["lowres"]
    acs: tuple[Size, Size] | None = Field(
        default=None, description="Calibration region (ky, kx); found in the sampling mask if not given."
    )


class Given(Part):
    """Maps from a file: complex (coil, y, x) or (item, coil, y, x), NumPy .npy or HDF5 dataset ``maps``."""

    kind: Literal["given"]
    path: str = Field(default="", description="File with the maps; relative to the recipe's folder.")


CalibrateConfig = Annotated[Espirit | LowRes | Given, Field(discriminator="kind")]

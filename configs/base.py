"""What every part of a recipe shares: frozen values, and a misspelt key is an error."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from proxflow.configs.method_cost import MethodCost

Modality = Literal["mri-cartesian", "mri-radial", "mri-dynamic", "ct", "ct-dynamic", "radar", "image"]
MRI: tuple[Modality, ...] = ("mri-cartesian", "mri-radial")
COILS: tuple[Modality, ...] = (*MRI, "mri-dynamic")
STILL: tuple[Modality, ...] = (*MRI, "ct", "image")  # one image, or volume, an item
EVERY: tuple[Modality, ...] = (*COILS, "ct", "ct-dynamic", "radar", "image")
Size = Annotated[int, Field(ge=1, le=16384)]


class Part(BaseModel):
    """Base of all recipe models: immutable, unknown keys refused, NaN and infinity refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class Choice(Part):
    """A step, a calibration or a method: what one may choose, for scans of the kinds in ``fits``."""

    fits: ClassVar[tuple[Modality, ...]] = EVERY

    @property
    def cost(self) -> MethodCost:
        """Of a method that iterates, what estimates of its time go by."""
        return MethodCost()

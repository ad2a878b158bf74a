"""``evaluate`` and ``report``: how the image is judged and shown."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, field_validator

from proxflow.configs.base import Part

RUN_FILES = ("image.h5", "metrics.json", "metrics.csv", "recipe.yaml", "log.txt", "log.jsonl")
MetricName = Literal["psnr", "ssim", "nmse", "hfen", "nrmse_complex", "gradient_energy"]


class EvaluateConfig(Part):
    """Figures to trust the image by; docs/metrics.md has their definitions."""

    metrics: tuple[MetricName, ...] = Field(
        default=("psnr", "ssim", "nmse", "hfen"), description="Computed where there is a reference."
    )
    reference: Literal["auto", "none", "scan", "fully_sampled"] = Field(
        default="auto",
        description="scan: an image in the file; fully_sampled: the image from all that was measured.",
    )
    region: Literal["support", "full"] = Field(
        default="support", description="support: where the object may be; full: every pixel."
    )
    held_out_fraction: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.02,
        description="Samples kept from a second reconstruction that must predict them; 0 switches it off.",
    )
    held_out_seed: int = Field(default=0, ge=0, le=2**32 - 1, description="Which samples are held out.")


class ReportConfig(Part):
    """The page a person reads."""

    title: str = Field(
        default="", max_length=200, description="Headline; the recipe's description, or its name, if empty."
    )
    file: str = Field(default="report.html", description="File name inside the run folder.")
    exports: tuple[Literal["nifti", "dicom", "tiff", "png", "apng", "npy"], ...] = Field(
        default=(), description="Further image files written beside image.h5."
    )

    @field_validator("file")
    @classmethod
    def _stays_in_the_run_folder(cls, value: str) -> str:
        path = PurePosixPath(value.replace("\\", "/"))
        leaves = path.is_absolute() or ".." in path.parts or ":" in value
        taken = path.parts[:1] != path.parts[-1:] and path.parts[0] in RUN_FILES
        if leaves or taken or path.suffix != ".html" or len(value) > 200 or not value.isprintable():
            raise ValueError("must be an .html file name inside the run folder")
        return value

"""The recipe: one file says what was measured, what is done with it and how it is judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from proxflow.configs.base import Choice, Part
from proxflow.configs.calibrate import DEFAULT_KIND, CalibrateConfig
from proxflow.configs.evaluate import EvaluateConfig, ReportConfig
from proxflow.configs.image import ImageConfig
from proxflow.configs.methods import METHOD_SCHEMAS, MethodConfig
from proxflow.configs.prepare import PrepareStep
from proxflow.configs.runtime import RuntimeConfig
from proxflow.configs.scan import ScanConfig

FIXED_IMAGE = {"mri-cartesian": "a Cartesian scan", "image": "a picture"}


class Recipe(Part):
    """A whole run. ``reconstruct`` is the method whose image is delivered; ``compare`` lists others."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] = Field(
        description="Letters, digits, dots, dashes; names the run folder.",
        examples=["letters, digits, dots, dashes and underscores without spaces, 80 at most"],
    )
    description: str = Field(default="", max_length=2000, description="One line for people.")
    scan: ScanConfig
    prepare: tuple[PrepareStep, ...] = Field(default=(), max_length=50)
    image: ImageConfig = Field(default_factory=ImageConfig)
    calibrate: CalibrateConfig
    reconstruct: MethodConfig
    compare: tuple[MethodConfig, ...] = Field(
        default=(), max_length=50, description="Methods beside it in `proxflow compare`, with their numbers."
    )
    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)
    runtime: RuntimeConfig = Field(default_factory=RuntimeConfig)

    @model_validator(mode="before")
    @classmethod
    def _calibration_of_its_kind(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        scan, calibrate = values.get("scan"), values.get("calibrate", {})
        kind = scan.get("kind", "mri-cartesian") if isinstance(scan, dict) else "mri-cartesian"
        if isinstance(calibrate, dict) and isinstance(kind, str):
            values = values | {"calibrate": {"kind": DEFAULT_KIND.get(kind, "espirit"), **calibrate}}
        return values

    def misfits(self) -> list[tuple[tuple[str | int, ...], str]]:
        """What does not go with ``scan.kind``: (key path, what is wrong with it)."""
        kind = self.scan.kind
        found: list[tuple[tuple[str | int, ...], str]] = []
        chosen: list[tuple[tuple[str | int, ...], Choice]] = [
            (("prepare", index), step) for index, step in enumerate(self.prepare)
        ]
        chosen += [(("calibrate",), self.calibrate), (("reconstruct",), self.reconstruct)]
        chosen += [(("compare", index), method) for index, method in enumerate(self.compare)]
        for place, choice in chosen:
            if kind not in choice.fits:
                name = getattr(choice, "method", None) or getattr(choice, "kind", "")
                fitting = ", ".join(choice.fits)
                found.append((place, f"must go with scan.kind {kind}, got {name}, which is for {fitting}"))
            if kind != "ct-dynamic" and getattr(choice, "start", None) == "prosep":
                what = (
                    f"must be auto, low_rank or polynomial for scan.kind {kind}, got prosep, which needs "
                    "projections"
                )
                found.append(((*place, "start"), what))
        if kind in FIXED_IMAGE and self.image != ImageConfig():
            found.append((("image",), f"must be left out: {FIXED_IMAGE[kind]} fixes its image"))
        if self.scan.array is not None and kind != "image":
            sentence = f"must be left out for scan.kind {kind}, got {self.scan.array}"
            found.append((("scan", "array"), sentence))
        if self.scan.schedule is not None and kind != "ct-dynamic":
            sentence = f"must be left out for scan.kind {kind}, whose files tell their angles"
            found.append((("scan", "schedule"), sentence))
        if kind in ("ct", "ct-dynamic", "image") and "nrmse_complex" in self.evaluate.metrics:
            place = ("evaluate", "metrics", self.evaluate.metrics.index("nrmse_complex"))
            sentence = f"must be a metric of real images for scan.kind {kind}, got nrmse_complex; nmse is one"
            found.append((place, sentence))
        return found

    def methods(self, names: list[str] | None = None) -> tuple[MethodConfig, ...]:
        """The methods of a comparison: those of the recipe, or the named ones.

        A named method keeps the numbers the recipe gives it and has its defaults otherwise. Raises
        KeyError with the name of a method that does not exist.
        """
        own = {config.method: config for config in reversed((self.reconstruct, *self.compare))}
        if names is None:
            return tuple(reversed(own.values()))
        return tuple(own[name] if name in own else _defaults(name) for name in names)


def _defaults(name: str) -> MethodConfig:
    schema: Any = METHOD_SCHEMAS[name]
    return schema(method=name)

"""The recipe: one file says what was measured, what is done with it and how it is judged."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator

from proxflow.configs.base import Part
from proxflow.configs.calibrate import CalibrateConfig, Espirit
from proxflow.configs.evaluate import EvaluateConfig, ReportConfig
from proxflow.configs.methods import METHOD_SCHEMAS, MethodConfig
from proxflow.configs.prepare import PrepareStep
from proxflow.configs.runtime import RuntimeConfig
from proxflow.configs.scan import ScanConfig


class Recipe(Part):
    """A whole run. ``reconstruct`` is the method whose image is delivered; ``compare`` lists others."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] = Field(
        description="Letters, digits, dots, dashes; names the run folder.",
        examples=["letters, digits, dots, dashes and underscores without spaces, 80 at most"],
    )
    description: str = Field(default="", max_length=2000, description="One line for people.")
    scan: ScanConfig
    prepare: tuple[PrepareStep, ...] = Field(default=(), max_length=50)
    calibrate: CalibrateConfig = Field(default_factory=Espirit)
    reconstruct: MethodConfig
    compare: tuple[MethodConfig, ...] = Field(
        default=(), max_length=50, description="Methods beside it in `proxflow compare`, with their numbers."
    )
    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig)
    report: ReportConfig = Field(default_factory=ReportConfig)
    runtime: RuntimeConfig = Field(default_factory=RuntimeConfig)

    @field_validator("calibrate", mode="before")
    @classmethod
    def _espirit_unless_said(cls, value: Any) -> Any:
        return {"kind": "espirit", **value} if isinstance(value, dict) else value

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

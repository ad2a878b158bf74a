"""Numbers that methods of several kinds of scan share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxflow.configs.tunable import Tunable

Iterations = Annotated[int, Field(ge=1, le=100_000)]
Tolerance = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0, le=1), Tunable(1e-4, 0.1, limits=(1e-6, 1), zero=True)]
Window = Literal["ramp", "shepp-logan", "cosine", "hann"]
Share = Annotated[float, Field(ge=0, lt=1), Tunable(0.1, 0.9, limits=(0.01, 0.99), spacing="linear")]

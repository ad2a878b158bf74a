"""Numbers that methods of several kinds of scan share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Iterations = Annotated[int, Field(ge=1, le=100_000)]
Tolerance = Annotated[float, Field(ge=0, lt=1)]

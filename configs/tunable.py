"""Numbers that training may choose: a declaration beside the number in its schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


@dataclass(frozen=True)
class Tunable:
    """Where to look for a number that the error on held-out measurements may choose.

    Only a number whose best value held-out measurements can tell is declared so: one that decides how far
    the image follows the data. One that changes the path of an iteration and not its end is not.

    Attributes:
        low, high: ends of the first grid.
        limits: beyond these the search does not follow an error that still falls at the grid's end.
        spacing: ``log``: two values a decade; ``linear``: nine values.
        zero: 0 is tried too.
        whole: whole numbers only.
    """

    low: float
    high: float
    limits: tuple[float, float]
    spacing: Literal["log", "linear"] = "log"
    zero: bool = False
    whole: bool = False


def tunable_numbers(schema: type[BaseModel]) -> dict[str, Tunable]:
    """Field name -> declaration, of the fields annotated with a ``Tunable``."""
    return {
        name: part
        for name, field in schema.model_fields.items()
        for part in field.metadata
        if isinstance(part, Tunable)
    }

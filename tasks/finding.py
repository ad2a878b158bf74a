"""What an examination of this machine found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One line of the examination; ``advice`` is empty where all is well."""

    name: str
    state: State
    found: str
    advice: str = ""

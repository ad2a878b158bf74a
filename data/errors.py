"""The error every unreadable or senseless measurement ends in."""

from __future__ import annotations

from proxflow.data.printable import sentence


class ScanError(ValueError):
    """A measurement cannot be read or makes no sense; one printable sentence names the file and the field."""

    def __init__(self, text: str) -> None:
        super().__init__(sentence(text))

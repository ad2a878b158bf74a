"""The error every unreadable or senseless measurement ends in."""


class ScanError(ValueError):
    """A measurement cannot be read or makes no sense; one sentence names the file and the field."""

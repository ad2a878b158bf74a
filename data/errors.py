"""The error every unreadable or senseless measurement ends in."""


class ScanError(ValueError):
    """A measurement file cannot be read or makes no sense; the message is one sentence naming file and field."""

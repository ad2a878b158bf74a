"""Text from foreign files as a terminal, a log and a page may show it."""

from __future__ import annotations

MOST_CHARACTERS = 900  # of a sentence


def sentence(text: str) -> str:
    """An error's text, printable and of a length that a person may read."""
    half = MOST_CHARACTERS // 2
    return printable(text if len(text) <= MOST_CHARACTERS else f"{text[:half]}...{text[-half:]}")


def printable(text: str) -> str:
    """``text`` with what moves a cursor, turns the direction of writing or ends a line as its escape.

    A label may otherwise clear the screen it is printed on, or forge a line of the log.
    """
    if text.isprintable():
        return text
    shown = (one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return "".join(shown)

"""Text from foreign files as a terminal, a log and a page may show it."""

from __future__ import annotations


def printable(text: str) -> str:
    """``text`` with what moves a cursor, turns the direction of writing or ends a line as its escape.

    A label may otherwise clear the screen it is printed on, or forge a line of the log.
    """
    if text.isprintable():
        return text
    shown = (one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return "".join(shown)

"""Methods chosen by name, on the command line or in a form."""

from __future__ import annotations

from collections.abc import Sequence

from proxflow.configs.methods import unknown_method
from proxflow.tasks.errors import RequestError


def split_names(text: str | None) -> list[str] | None:
    """``a,b`` as a list, each name once; None stays None. RequestError for a text without a name."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise RequestError(f"--methods must name at least one method, got {text!r}")
    return check_names(names)


def check_names(names: Sequence[str]) -> list[str]:
    """``names``, each once; RequestError, with the nearest, for one that no method has."""
    if wrong := unknown_method(names):
        raise RequestError(f"--methods {wrong}")
    return list(dict.fromkeys(names))

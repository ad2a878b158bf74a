"""Whether weights to begin with are those of the network that is trained."""

from __future__ import annotations

from proxflow.tasks.errors import RequestError


def check_same(found: object, wanted: object) -> None:
    """RequestError with the first of their settings, two dataclasses of one kind, that differs."""
    for name, value in vars(found).items():
        if value != getattr(wanted, name):
            raise RequestError(
                f"start must be weights of a network with {name}: {getattr(wanted, name)}, got {value}"
            )

"""Signals whose exception Python dropped, told once more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

AGAIN_SECONDS = 0.02


def tell_again(
    dropped: Any, again: Callable[[KeyboardInterrupt], object], otherwise: Callable[[Any], object]
) -> None:
    """What ``sys.unraisablehook`` is to do with ``dropped``.

    A handler may run inside a destructor or a weak reference's callback. Python prints what is raised there
    and goes on; here ``again`` raises it a moment later, where it is heard. Anything but a KeyboardInterrupt
    goes to ``otherwise``.
    """
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        otherwise(dropped)
        return
    later = threading.Timer(AGAIN_SECONDS, again, [dropped.exc_value])
    later.daemon = True
    later.start()

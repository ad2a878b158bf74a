"""Whether Prefect's server answers, asked without importing Prefect."""

from __future__ import annotations

import os
import threading
import time
import urllib.error
import urllib.request

from proxflow.tasks.errors import RequestError

lost = threading.Event()  # set when this process gave its server up: what waits to be sent there never leaves
HINT = "`proxflow ui` starts one"


def alive(url: str, seconds: float = 5.0) -> bool:
    """Whether a Prefect API answers at ``url``, as http://127.0.0.1:4200/api."""
    return not _fault(url, seconds)


def configured_server() -> str:
    """The API address in PREFECT_API_URL; RequestError if there is none or nobody answers."""
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not url:
        raise RequestError(
            f"PREFECT_API_URL must be the address of a Prefect server, got nothing; {HINT} and prints it"
        )
    if fault := _fault(url, 5.0):
        raise RequestError(
            f"PREFECT_API_URL must be the address of a server that answers, got {url} ({fault}); {HINT}"
        )
    return url


def wait_for_server(url: str, seconds: float) -> bool:
    """Whether a server answered within ``seconds``."""
    end, pause = time.monotonic() + seconds, 0.5
    while not alive(url):
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(10.0, 2 * pause)
    return True


def _fault(url: str, seconds: float) -> str:
    """Why there is no Prefect API at ``url``; empty if there is one."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=seconds) as answer:  # loopback or the user's own
            healthy = answer.read(100).strip() == b"true"
        return "" if healthy else "something else answers there; the address ends in /api"
    except urllib.error.HTTPError as error:
        return f"it answers {error.code}; the address ends in /api"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return str(getattr(reason, "strerror", None) or reason)

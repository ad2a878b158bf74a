"""Prefect's server with its UI, in this process, so that nothing outlives it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from proxflow.flows.prefect_environment import prepare_environment
from proxflow.tasks.errors import RequestError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
STOPPING_SECONDS = 3  # for open connections of browsers and runners
# The UI's page asks a company for its settings, whatever the switches say; the browser is told not to.
POLICY = (b"content-security-policy", b"connect-src 'self' ws: wss:")


def run_ui(host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; ``say`` is given the address. RequestError for one that is taken."""
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    os.environ.pop("PREFECT_API_URL", None)  # the server would take itself for another one's client
    os.environ |= {"PREFECT_SERVER_API_HOST": host, "PREFECT_SERVER_API_PORT": str(port)}
    os.environ.setdefault("PREFECT_UI_API_URL", "/api")
    os.environ.setdefault("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", address)
    os.environ.setdefault(
        "PREFECT_SERVER_DATABASE_TIMEOUT", "60"
    )  # SQLite waits for its lock on a busy machine
    prepare_environment(quiet=True)
    from prefect.server.api.server import create_app

    app = Guarded(create_app(final=True), local=host in LOOPBACK)
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "Exception in ASGI" not in record.getMessage()
    )
    settings = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=STOPPING_SECONDS)
    asyncio.run(_Server(settings, lambda: say(address)).serve(sockets=[listening]))


class Guarded:
    """Lets pages of other sites neither read nor start anything: a browser would ask in its user's name."""

    def __init__(self, app: Any, *, local: bool) -> None:
        self._app, self._local = app, local

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        if not self._welcome(headers.get(b"host", b"").decode(), headers.get(b"origin", b"").decode()):
            if scope["type"] == "http":
                await send({"type": "http.response.start", "status": 403, "headers": []})
                await send({"type": "http.response.body", "body": b"a page of another site"})
            else:
                await send({"type": "websocket.close", "code": 1008})
            return None

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), POLICY]
            await send(message)

        return await self._app(scope, receive, with_policy)

    def _welcome(self, host: str, origin: str) -> bool:
        """Whether a request came for one of our names, and from a page of ours or from no page."""
        if self._local and urlsplit(f"//{host}").hostname not in LOOPBACK:
            return False  # another site's name that leads here
        return not origin or urlsplit(origin).netloc == host


class _Server(uvicorn.Server):
    def __init__(self, settings: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(settings)
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._say_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Both signals mean a regular end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, self, "should_exit", True)
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)  # at once: until then another process could take the port
    except OSError as error:
        reason = error.strerror or str(error)
        raise RequestError(f"--port must be a free port of {host}, got {port}: {reason}") from None
    return listening

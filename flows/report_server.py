"""Run folders over HTTP on loopback: a browser opens no ``file://`` link of the Prefect UI's page."""

from __future__ import annotations

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from proxflow.tasks.errors import RequestError

ADDRESS, ROOT = "PROXFLOW_REPORTS_ADDRESS", "PROXFLOW_REPORTS_ROOT"  # for the runs that serve starts
NAMES = ("127.0.0.1", "localhost")


class ReportServer:
    """Serves what lies below ``root``, for reading only, until ``close``.

    Raises RequestError if the port is taken.
    """

    def __init__(self, root: Path, port: int) -> None:
        handler = partial(_Handler, directory=str(root))
        try:
            self._server = ThreadingHTTPServer((NAMES[0], port), handler)
        except OSError as error:
            raise RequestError(f"reports.port must be a free port, got {port}: {error.strerror}") from None
        self.address = f"http://{NAMES[0]}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        os.environ[ADDRESS], os.environ[ROOT] = self.address, str(root)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def report_link(report: Path) -> str | None:
    """Where a browser finds ``report``; None where nobody serves it."""
    address, root = os.environ.get(ADDRESS), os.environ.get(ROOT)
    if not address or not root or not report.resolve().is_relative_to(root):
        return None
    return f"{address}/{quote(report.resolve().relative_to(root).as_posix())}"


class _Handler(SimpleHTTPRequestHandler):
    """Files, no listings, nothing that a link leads out of the folder; for pages of this machine alone."""

    def send_head(self):  # type: ignore[no-untyped-def]  # as typed in the library
        root, path = Path(self.directory).resolve(), Path(self.translate_path(self.path)).resolve()
        named = self.headers.get("Host", "").rpartition(":")[0] in NAMES  # no other name led here
        if not named or not path.is_relative_to(root) or not path.is_file():
            self.send_error(404)
            return None
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

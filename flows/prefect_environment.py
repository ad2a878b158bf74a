"""Prefect's settings for Proxflow, put into the environment before Prefect is first imported.

Values the user has set win. Why each is there is measured in docs/architecture.md, section Prefect.
"""

from __future__ import annotations

import os

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_API_HOST": "127.0.0.1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 are too few on a busy machine
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "0.2",
    "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
}
# An error reaches the terminal once, as our sentence or traceback, not as Prefect's log record too.
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL", "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL"}


def prepare_environment(*, quiet: bool) -> None:
    """Set defaults; ``quiet`` for a person's terminal, where a run draws its own progress."""
    for name, value in (SETTINGS | (QUIET if quiet else {})).items():
        os.environ.setdefault(name, value)


def server_configured() -> bool:
    """Whether the user named a Prefect server: then runs are recorded there unasked."""
    return bool(os.environ.get("PREFECT_API_URL"))

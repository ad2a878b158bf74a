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
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # SQLite has one writer at a time, and 10 s may be few
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a busy machine needs more than the 20 s
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",  # less is cut to 0: a loop without rest
    # A run that waits for its turn is not late; to call hundreds late at once locks SQLite for minutes.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "3600",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
}
# An error reaches the terminal once, as our sentence or traceback, not as Prefect's log record too.
QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}
# Of `proxflow serve` and its runs: they start soon, show that they live, and log into the UI.
SERVING = {
    "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "proxflow",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
}


def prepare_environment(*, quiet: bool, serving: bool = False) -> None:
    """Set defaults; ``quiet`` for a person's terminal, where a run draws its own progress."""
    for name, value in (SETTINGS | (QUIET if quiet else {}) | (SERVING if serving else {})).items():
        os.environ.setdefault(name, value)


def server_configured() -> bool:
    """Whether the user named a Prefect server: then runs are recorded there unasked."""
    return bool(os.environ.get("PREFECT_API_URL"))

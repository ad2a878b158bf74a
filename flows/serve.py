"""``proxflow serve``: deployments checked, registered and served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from proxflow.configs.serving import DeploymentConfig, ServingFile
from proxflow.flows.deployments import prepared
from proxflow.flows.prefect_environment import prepare_environment
from proxflow.flows.report_server import ReportServer
from proxflow.flows.server_contact import configured_server

Say = Callable[[str], None]


def serve(file: ServingFile, say: Say) -> None:
    """Serve until SIGTERM or Ctrl-C. Nothing is registered unless all of the file is right.

    Raises RecipeError for the file, RequestError for a server that does not answer or a port in use.
    """
    url = configured_server()
    prepare_environment(quiet=True, serving=True)
    logging.raiseExceptions = False  # a log record that finds no server is no reason to print
    deployments = prepared(file)
    from proxflow.flows.patient_runner import PatientRunner
    from proxflow.flows.zombies import mark_silent_runs_crashed

    settings, runs = file.serving, Path("runs").resolve()
    reports = ReportServer(runs, settings.reports.port) if settings.reports.enabled else None
    try:
        mark_silent_runs_crashed()
        runner = PatientRunner(url, say=say, name="proxflow", limit=settings.limit, pause_on_shutdown=False)
        for config, deployment in zip(settings.deployments, deployments, strict=True):
            runner.add_deployment(deployment)
            say(f"{deployment.full_name}: {_times(config)}")
        say(f"run folders in {runs}" + (f", reports at {reports.address}" if reports else ""))
        say("serving; Ctrl-C ends it")
        asyncio.run(runner.serve())
    finally:
        if reports:
            reports.close()


def _times(config: DeploymentConfig) -> str:
    """When a deployment runs, for people."""
    when = [schedule.text for schedule in config.schedules if schedule.active]
    return "; ".join(when) or "when it is asked for"

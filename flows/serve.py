"""``proxflow serve``: deployments checked, registered and served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.serving import DeploymentConfig, ScheduleConfig, ServingFile, parse_interval
from proxflow.flows.forms import Origin, check_keys
from proxflow.flows.prefect_environment import prepare_environment
from proxflow.flows.report_server import ReportServer
from proxflow.flows.server_contact import configured_server

Say = Callable[[str], None]


@dataclass(frozen=True)
class Served:
    """A flow that can be deployed: its module, and there its name and what checks its parameters."""

    module: str
    flow: str
    plan: str

    def load(self) -> tuple[Any, Callable[[Mapping[str, Any], Origin], Any]]:
        """The flow and the check: a function of parameters and their origin that raises RecipeError."""
        module = import_module(self.module)
        return getattr(module, self.flow), getattr(module, self.plan)


FLOWS = {
    "reconstruct": Served("proxflow.flows.reconstruct", "reconstruct", "plan_reconstruct"),
    "compare": Served("proxflow.flows.reconstruct", "compare", "plan_compare"),
}


def serve(file: ServingFile, say: Say) -> None:
    """Serve until SIGTERM or Ctrl-C. Nothing is registered unless all of the file is right.

    Raises RecipeError for the file, RequestError for a server that does not answer or a port in use.
    """
    configured_server()
    prepare_environment(quiet=True, serving=True)
    deployments = prepared(file)
    from proxflow.flows.patient_runner import PatientRunner
    from proxflow.flows.zombies import mark_silent_runs_crashed

    settings, runs = file.serving, Path("runs").resolve()
    reports = ReportServer(runs, settings.reports.port) if settings.reports.enabled else None
    try:
        mark_silent_runs_crashed()
        runner = PatientRunner(name="proxflow", limit=settings.limit, pause_on_shutdown=False, say=say)
        for config, deployment in zip(settings.deployments, deployments, strict=True):
            runner.add_deployment(deployment)
            say(f"{deployment.full_name}: {_times(config)}")
        say(f"run folders in {runs}" + (f", reports at {reports.address}" if reports else ""))
        say("serving; Ctrl-C ends it")
        asyncio.run(runner.serve())
    finally:
        if reports:
            reports.close()


def prepared(file: ServingFile) -> list[Any]:
    """Prefect's deployments of a file; RecipeError lists everything wrong with their parameters."""
    problems: list[Problem] = []
    made = []
    for index, deployment in enumerate(file.serving.deployments):
        try:
            made.append(_deployment(deployment, index, file))
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)
    return made


def _deployment(config: DeploymentConfig, index: int, file: ServingFile) -> Any:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.types.entrypoint import EntrypointType

    flow, plan = FLOWS[config.flow].load()
    folder = file.path.resolve().parent if file.path else Path.cwd()
    name = str(file.path) if file.path else None
    origin = Origin(folder, name, file.lines_below("deployments", index, "parameters"))
    check_keys(config.parameters, list(flow.parameters.properties), origin)
    plan(config.parameters, origin)
    strategies = {"wait": ConcurrencyLimitStrategy.ENQUEUE, "skip": ConcurrencyLimitStrategy.CANCEL_NEW}
    limit = ConcurrencyLimitConfig(limit=config.limit or 1, collision_strategy=strategies[config.when_full])
    schedules = [
        _schedule(schedule, Origin(folder, name, file.lines_below("deployments", index, "schedules", number)))
        for number, schedule in enumerate(config.schedules)
    ]
    return flow.to_deployment(
        config.name,
        parameters=config.parameters,
        schedules=schedules,
        description=config.description or None,
        tags=list(config.tags),
        concurrency_limit=limit if config.limit else None,
        enforce_parameter_schema=False,  # the server's words would come before our sentence
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _schedule(config: ScheduleConfig, origin: Origin) -> Any:
    """Prefect's schedule; RecipeError where it cannot read the rule."""
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import construct_schedule

    try:
        rule = construct_schedule(
            interval=parse_interval(config.interval) if config.interval else None,
            anchor_date=datetime(2024, 1, 1, tzinfo=ZoneInfo(config.timezone)) if config.interval else None,
            cron=config.cron or None,
            rrule=config.rrule or None,
            timezone=config.timezone,
        )
    except ValueError:
        key = "cron" if config.cron else "rrule"
        form = "five fields, as 0 3 * * 1-5" if config.cron else "an iCalendar rule, as FREQ=WEEKLY;BYDAY=MO"
        raise RecipeError([origin.placed(key, f"must be {form}, got {getattr(config, key)!r}")]) from None
    return DeploymentScheduleCreate(schedule=rule, active=config.active)


def _times(config: DeploymentConfig) -> str:
    """When a deployment runs, for people."""
    when = [schedule.text for schedule in config.schedules if schedule.active]
    return "; ".join(when) or "when it is asked for"

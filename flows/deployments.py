"""From a config of ``proxflow serve`` to Prefect's deployments, checked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.serving import DeploymentConfig, ScheduleConfig, ServingFile, parse_interval
from proxflow.flows.parameter_origin import Origin
from proxflow.flows.served_flows import SERVED


def prepared(file: ServingFile) -> list[Any]:
    """Prefect's deployments of a file; RecipeError lists everything wrong with parameters and schedules."""
    problems: list[Problem] = []
    made = []
    for index, deployment in enumerate(file.serving.deployments):
        schedules = []
        for number, schedule in enumerate(deployment.schedules):
            try:
                schedules.append(_schedule(schedule, _origin(file, index, "schedules", number)))
            except RecipeError as error:
                problems += error.problems
        try:
            made.append(_deployment(deployment, schedules, _origin(file, index, "parameters")))
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)
    return made


def _origin(file: ServingFile, index: int, *place: str | int) -> Origin:
    folder = file.path.resolve().parent if file.path else Path.cwd()
    return Origin(
        folder, str(file.path) if file.path else None, file.lines_below("deployments", index, *place)
    )


def _deployment(config: DeploymentConfig, schedules: list[Any], origin: Origin) -> Any:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.types.entrypoint import EntrypointType

    served = SERVED[config.flow]
    flow = served.load()
    parameters = served.checked(flow, config.parameters, origin)
    strategies = {"wait": ConcurrencyLimitStrategy.ENQUEUE, "skip": ConcurrencyLimitStrategy.CANCEL_NEW}
    limit = ConcurrencyLimitConfig(limit=config.limit or 1, collision_strategy=strategies[config.when_full])
    return flow.to_deployment(
        config.name,
        parameters=parameters,
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

"""What ``proxflow serve`` serves: deployments, their parameters and schedules, from a commented YAML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from proxflow.configs.base import Part
from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.sentences import validated
from proxflow.configs.yaml_source import KeyPath, read_yaml

EXAMPLE = Path(__file__).parent / "serving-example.yaml"
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
Flow = Literal[
    "reconstruct",
    "compare",
    "reconstruct-many",
    "watch",
    "train",
    "train-denoiser",
    "train-volumes",
    "train-diffusion",
    "train-reconresnet",
]
Tag = Annotated[str, Field(min_length=1, max_length=100)]


class ScheduleConfig(Part):
    """When a deployment runs by itself: by ``cron``, every ``interval``, or by an ``rrule``."""

    cron: str = Field(default="", description='Minute, hour, day, month, weekday: "0 3 * * 1-5".')
    interval: str = Field(default="", description="30s, 15min, 6h or 1d.")
    rrule: str = Field(default="", description='iCalendar\'s rule: "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=6".')
    timezone: str = Field(default="UTC", description="Of cron and rrule, as Europe/Zurich.")
    active: bool = Field(default=True, description="false: kept, but nothing is started.")

    @property
    def text(self) -> str:
        """For people."""
        if self.interval:
            return f"every {self.interval}"
        return f"{'cron' if self.cron else 'rule'} {self.cron or self.rrule} ({self.timezone})"

    @field_validator("interval")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if value:
            parse_interval(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError):  # also a name that leaves the folder of time zones
            raise ValueError("must be a time zone, as UTC or Europe/Zurich") from None
        return value

    @model_validator(mode="after")
    def _one_of_three(self) -> ScheduleConfig:
        if sum(bool(given) for given in (self.cron, self.interval, self.rrule)) != 1:
            raise ValueError("must have one of cron, interval and rrule")
        return self


class DeploymentConfig(Part):
    """One entry of the UI's list of deployments: a flow with its parameters, and when it runs."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] = Field(
        description="How the UI lists it.",
        examples=["letters, digits, dots, dashes and underscores without spaces, 80 at most"],
    )
    flow: Flow = Field(description="What it runs.")
    description: str = Field(default="", max_length=2000, description="A sentence for people.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Of the flow, as in its form; the form starts with them."
    )
    schedules: tuple[ScheduleConfig, ...] = Field(default=(), max_length=50)
    tags: tuple[Tag, ...] = Field(default=(), max_length=20, description="For the filters of the UI.")
    limit: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Runs of this deployment at once."
    )
    when_full: Literal["wait", "skip"] = Field(
        default="wait", description="What becomes of a run above the limit: it waits, or is cancelled."
    )


class ReportsConfig(Part):
    """A small server of run folders on loopback: a browser opens no file:// link of a web page."""

    enabled: bool = Field(default=True, description="Reports can be opened from the UI.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=4201, description="On 127.0.0.1; 0 takes a free one, and links of old runs end."
    )


class Serving(Part):
    """The whole file."""

    deployments: tuple[DeploymentConfig, ...] = Field(max_length=200)
    limit: Annotated[int, Field(ge=1, le=256)] = Field(
        default=1, description="Runs at once on this machine; each uses all cores. Others wait."
    )
    reports: ReportsConfig = Field(default_factory=ReportsConfig)

    @field_validator("deployments")
    @classmethod
    def _names_differ(cls, value: tuple[DeploymentConfig, ...]) -> tuple[DeploymentConfig, ...]:
        if not value:
            raise ValueError("must have at least one entry")
        names = [(deployment.flow, deployment.name) for deployment in value]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"must have different names for one flow; {'/'.join(twice)} stands twice")
        return value


@dataclass(frozen=True)
class ServingFile:
    """What to serve, and where each of its values stands: the path is None without a file."""

    serving: Serving
    path: Path | None
    lines: Mapping[KeyPath, int]

    def lines_below(self, *place: str | int) -> dict[KeyPath, int]:
        """The lines of what is below a key path, by the path from there."""
        depth = len(place)
        return {key[depth:]: line for key, line in self.lines.items() if key[:depth] == place}


def load_serving(path: Path) -> ServingFile:
    """Read and validate; RecipeError lists all problems with file and line."""
    try:
        values, lines = read_yaml(path)
        return ServingFile(validated(Serving, values, lines, str(path)), path, lines)
    except RecipeError as error:
        raise RecipeError([_renamed(problem) for problem in error.problems]) from None


def everything(flows: tuple[str, ...]) -> ServingFile:
    """All flows without a schedule, to be started by hand."""
    deployments = [{"name": "by-hand", "flow": flow, "tags": ["by-hand"]} for flow in flows]
    return ServingFile(Serving.model_validate({"deployments": deployments}), None, {})


def parse_interval(text: str) -> timedelta:
    """``15min`` as a time; ValueError for anything else."""
    match = re.fullmatch(r"\s*(\d{1,6})\s*(s|min|h|d)\s*", text)
    if match is None or int(match[1]) == 0:
        raise ValueError("must be a time like 30s, 15min, 6h or 1d")
    return timedelta(seconds=int(match[1]) * SECONDS[match[2]])


def _renamed(problem: Problem) -> Problem:
    """A YAML file as a whole is called recipe by its reader."""
    return replace(problem, where="the file") if problem.where in ("recipe", "serving") else problem

"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Set = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set", negative=(), help="Change a number of the recipe: key=value, as reconstruct.lam=0.01."
    ),
]
Out = Annotated[Path | None, Parameter(name="--out", help="Run folder; runs/TIME-NAME if not given.")]
Device = Annotated[
    str | None, Parameter(name="--device", help="auto, cpu, cuda or cuda:N; overrides the recipe.")
]
Prefect = Annotated[
    bool,
    Parameter(
        name="--prefect",
        negative=(),
        help="Run as a Prefect flow, on the server in PREFECT_API_URL or on Prefect's embedded one.",
    ),
]
Reader = Annotated[
    str, Parameter(help="File format, as scan.reader of a recipe names it; auto looks at the content.")
]
Json = Annotated[
    bool,
    Parameter(name="--json", negative=(), help="End with one JSON object on standard output, for programs."),
]

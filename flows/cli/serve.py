"""``proxflow serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def command(
    config: Annotated[
        Path | None, Parameter(help="What to serve and when; all flows without a schedule if not given.")
    ] = None,
    /,
    *,
    example: Annotated[
        bool, Parameter(negative=(), help="Print a commented config to start from, and do nothing.")
    ] = False,
) -> int:
    """Serve deployments: runs by a schedule, from a form of the Prefect UI, or through its API.

    They are registered on the Prefect server in PREFECT_API_URL (`proxflow ui` starts one). Their runs are
    started on this machine, with run folders in `runs` of the present folder. Ctrl-C or SIGTERM ends it.

    Examples:
        proxflow serve --example > serving.yaml

        PREFECT_API_URL=http://127.0.0.1:4200/api proxflow serve serving.yaml
    """
    from proxflow.configs.serving import EXAMPLE, everything, load_serving
    from proxflow.flows.serve import serve
    from proxflow.flows.served_flows import SERVED

    if example:
        print(EXAMPLE.read_text(encoding="utf-8"), end="")
        return 0
    serve(load_serving(config) if config else everything(tuple(SERVED)), _say)
    return 0


def _say(line: str) -> None:
    print(f"proxflow: {line}", flush=True)

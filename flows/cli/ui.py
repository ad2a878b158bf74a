"""``proxflow ui``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def command(
    *,
    port: Annotated[int, Parameter(help="0 takes a free one.")] = 4200,
    host: Annotated[
        str, Parameter(help="Who can reach it: 127.0.0.1 is this machine alone, 0.0.0.0 is everyone.")
    ] = "127.0.0.1",
) -> int:
    """Start Prefect's server and its UI on this machine: runs, their reports, forms to start new ones.

    Nothing is sent to anyone. Its database lies in ~/.prefect, or in $PREFECT_HOME. Ctrl-C or SIGTERM ends
    it; runs go on without it.

    `proxflow ui`, then in another terminal what it prints.
    """
    from proxflow.flows.ui_server import LOOPBACK, run_ui

    if host not in LOOPBACK:
        _say(f"there is no password: whoever reaches {host} can start runs and read files of this account")
    run_ui(host, port, _say_ready)
    _say("stopped")
    return 0


def _say_ready(address: str) -> None:
    _say(f"the UI is at {address}")
    _say(f"runs are recorded there with  export PREFECT_API_URL={address}/api")
    _say("and started from there with  proxflow serve")


def _say(line: str) -> None:
    print(f"proxflow: {line}", flush=True)

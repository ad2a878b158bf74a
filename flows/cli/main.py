"""The command ``proxflow``: parsing, and errors as sentences with exit codes.

0 done, 1 failed, 2 bad input, 130 interrupted. Heavy imports happen inside the commands, so that
``--help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from cyclopts import App, CycloptsError

from proxflow.flows.cli.cache import app as cache
from proxflow.flows.cli.check import command as check
from proxflow.flows.cli.compare import command as compare
from proxflow.flows.cli.demo import command as demo
from proxflow.flows.cli.doctor import command as doctor
from proxflow.flows.cli.export import command as export
from proxflow.flows.cli.inspect import command as inspect
from proxflow.flows.cli.methods import command as methods
from proxflow.flows.cli.new import command as new
from proxflow.flows.cli.run import command as run
from proxflow.flows.cores import share_cores

HELP = """From a scanner's file to an image one can trust.

Start with `proxflow demo`, then `proxflow inspect YOUR_SCAN` and `proxflow new YOUR_SCAN --out recipe.yaml`,
then `proxflow run recipe.yaml`.
"""


def build_app() -> App:
    """The command tree."""
    app = App(
        name="proxflow", help=HELP, help_format="markdown", version=_version, result_action="return_value"
    )
    commands: dict[str, Callable[..., int]] = {
        "run": run,
        "compare": compare,
        "demo": demo,
        "check": check,
        "inspect": inspect,
        "new": new,
        "methods": methods,
        "export": export,
        "doctor": doctor,
    }
    for name, function in commands.items():
        app.command(function, name=name)
    app.command(cache)
    return app


def main(tokens: list[str] | None = None) -> None:
    """Entry point: run a command and leave with its exit code."""
    share_cores()
    tokens = sys.argv[1:] if tokens is None else tokens
    code = _guarded(tokens)
    sys.stdout.flush()
    sys.exit(code)


def _guarded(tokens: list[str]) -> int:
    from proxflow.flows.cli.outcomes import BAD_INPUT, FAILED, INTERRUPTED, explain

    try:
        command, bound, *_ = build_app().parse_args(tokens, exit_on_error=False, print_error=False)
        return int(command(*bound.args, **bound.kwargs) or 0)
    except CycloptsError as error:
        return _say(str(error), BAD_INPUT, tokens)
    except KeyboardInterrupt:
        return _say("interrupted; run the same command again to go on from here", INTERRUPTED, tokens)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nobody to tell
        return FAILED
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        return _say(explained.sentence, explained.code, tokens)


def _say(sentence: str, code: int, tokens: list[str]) -> int:
    """One sentence on standard error; with ``--json`` also the closing object on standard output."""
    print(f"proxflow: {sentence}", file=sys.stderr)
    if "--json" in tokens:
        status = {2: "bad_input", 130: "interrupted"}.get(code, "failed")
        print(json.dumps({"status": status, "error": sentence}))
    return code


def _version() -> str:
    from importlib.metadata import version

    return version("proxflow")

"""The command ``proxflow``: parsing, and errors as sentences with exit codes.

0 done, 1 failed, 2 bad input, 130 interrupted, 143 terminated. Heavy imports happen inside the
commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TextIO

from cyclopts import App, CycloptsError, UnusedCliTokensError

from proxflow.data.printable import printable
from proxflow.flows import server_contact
from proxflow.flows.cli.cache import app as cache
from proxflow.flows.cli.cancel import command as cancel
from proxflow.flows.cli.check import command as check
from proxflow.flows.cli.compare import command as compare
from proxflow.flows.cli.demo import command as demo
from proxflow.flows.cli.doctor import command as doctor
from proxflow.flows.cli.export import command as export
from proxflow.flows.cli.inspect import command as inspect
from proxflow.flows.cli.many import command as many
from proxflow.flows.cli.methods import command as methods
from proxflow.flows.cli.new import command as new
from proxflow.flows.cli.run import command as run
from proxflow.flows.cli.runs import command as runs
from proxflow.flows.cli.serve import command as serve
from proxflow.flows.cli.simulate import app as simulate
from proxflow.flows.cli.stats import command as stats
from proxflow.flows.cli.stopping import Terminated, unwind_on_signals
from proxflow.flows.cli.train import command as train
from proxflow.flows.cli.train_denoiser import command as train_denoiser
from proxflow.flows.cli.train_diffusion import command as train_diffusion
from proxflow.flows.cli.train_reconresnet import command as train_reconresnet
from proxflow.flows.cli.train_volumes import command as train_volumes
from proxflow.flows.cli.ui import command as ui
from proxflow.flows.cli.watch import command as watch
from proxflow.flows.cores import share_cores

HELP = """From a measured scan, of MRI, CT or near-field radar, to an image one can trust.

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
        "many": many,
        "watch": watch,
        "train": train,
        "train-denoiser": train_denoiser,
        "train-volumes": train_volumes,
        "train-diffusion": train_diffusion,
        "train-reconresnet": train_reconresnet,
        "demo": demo,
        "check": check,
        "inspect": inspect,
        "new": new,
        "methods": methods,
        "export": export,
        "runs": runs,
        "cancel": cancel,
        "stats": stats,
        "doctor": doctor,
        "serve": serve,
        "ui": ui,
    }
    for name, function in commands.items():
        app.command(function, name=name)
    app.command(cache)
    app.command(simulate)
    return app


def main(tokens: list[str] | None = None) -> None:
    """Entry point: run a command and leave with its exit code."""
    share_cores()
    _open_closed_streams()
    unwind_on_signals()
    tokens = sys.argv[1:] if tokens is None else tokens
    code = _guarded(tokens)
    if server_contact.lost.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # Prefect would try for minutes to send what waits for its server
    sys.exit(code)


def _open_closed_streams() -> None:
    """Open to nowhere what the caller closed (``<&-``, ``>&-``): its number would go to the next file."""
    sys.stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY), "r")
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _guarded(tokens: list[str]) -> int:
    from proxflow.flows.cli.outcomes import BAD_INPUT, FAILED, INTERRUPTED, TERMINATED, explain

    try:
        command, bound, *_ = build_app().parse_args(tokens, exit_on_error=False, print_error=False)
        code = int(command(*bound.args, **bound.kwargs) or 0)
        sys.stdout.flush()
        return code
    except UnusedCliTokensError as error:
        extra = " ".join(error.unused_tokens or ())
        verb = " ".join(error.command_chain or ())
        return _say(f"{verb} takes no further argument, got {extra!r}", BAD_INPUT, tokens)
    except CycloptsError as error:
        return _say(str(error), BAD_INPUT, tokens)
    except KeyboardInterrupt as stop:
        ended = isinstance(stop, Terminated)
        how = "; ".join(getattr(stop, "__notes__", [])) or "run the same command again to go on from here"
        sentence = f"{'terminated' if ended else 'interrupted'}; {how}"
        return _say(sentence, TERMINATED if ended else INTERRUPTED, tokens)
    except BrokenPipeError:
        _silence(sys.stdout)  # the reader left: nobody to tell
        return FAILED
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        if isinstance(error, OSError) and error.filename is None:
            _silence(sys.stdout)
        return _say(explained.sentence, explained.code, tokens)


def _say(sentence: str, code: int, tokens: list[str]) -> int:
    """One sentence on standard error; with ``--json`` also the closing object on standard output."""
    sentence = "\n".join(printable(line) for line in sentence.split("\n"))
    print(f"proxflow: {sentence}", file=sys.stderr)
    if "--json" in tokens:
        status = {2: "bad_input", 130: "interrupted", 143: "interrupted"}.get(code, "failed")
        print(json.dumps({"status": status, "error": sentence}), flush=True)
    return code


def _silence(stream: TextIO) -> None:
    """Drop what is still buffered: writing it at the end would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _version() -> str:
    from importlib.metadata import version

    return version("proxflow")

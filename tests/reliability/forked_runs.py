"""A process that imports everything once, then forks a ``proxflow`` command for each it is asked for.

A fresh interpreter spends seconds on imports; so a test can afford to kill twenty. What is forked is a
process like any other: its own session, its own signals, its own exit code.

Lines on standard input, one answer line each on standard output:
``{"tokens": [...], "cwd": path, "environment": {...}, "out": path, "err": path}`` -> process number;
``{"wait": pid}`` -> exit code, negative where a signal ended it;
``{"command": [...]}`` -> exit code of another program, such as mount, that is run in this process's place.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import subprocess
import sys
import warnings
from importlib import import_module
from typing import Any

PRELOADED = ("data", "configs", "models", "tasks", "flows.cli")


def preload() -> None:
    """Import what a run imports on its way."""
    for folder in PRELOADED:
        package = import_module(f"proxflow.{folder}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for name in ("skimage.metrics", "numba", "jinja2", "PIL.Image", "rich.console"):
        import_module(name)


def become(order: dict[str, Any]) -> None:
    """In the child: the command, to its end."""
    from proxflow.flows.cli.main import main

    os.setsid()
    os.chdir(order["cwd"])
    os.environ.update(order["environment"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, path, how in (
        (0, os.devnull, os.O_RDONLY),
        (1, order["out"], flags),
        (2, order["err"], flags),
    ):
        opened = os.open(path, how, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    main(order["tokens"])


def serve() -> None:
    preload()
    warnings.simplefilter("ignore", ResourceWarning)  # as Python does; a module that was imported shows them
    gc.freeze()  # a child that collects garbage would copy every page
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        elif "command" in order:
            answer = subprocess.run(order["command"], stdout=subprocess.DEVNULL).returncode
        elif (answer := os.fork()) == 0:
            become(order)
        print(answer, flush=True)


if __name__ == "__main__":
    serve()

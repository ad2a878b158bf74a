"""``worker.py KIND SEED FIRST COUNT FOLDER``: cases FIRST to FIRST + COUNT - 1 of a kind, in one process.

Writes the number of the case at hand to ``FOLDER/at``, what every case came to as JSON on standard output,
and ends with code 1 if one came to anything but a result or one of our errors.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from importlib import import_module
from pathlib import Path
from random import Random
from types import FrameType

from guard import Guard

ROOT = Path(__file__).parents[3]
MEMORY_BYTES = 6 << 30  # of addresses, most of them torch's
CASE_SECONDS = 60
KINDS = {
    "scans": "scan_cases:ScanCases",
    "recipes": "recipe_cases:RecipeCases",
    "store": "store_cases:StoreCases",
}


def main(kind: str, seed: str, first: int, count: int, folder: Path) -> int:
    sys.path.append(str(ROOT))  # of tests.data, whose writers make the seeds
    module, _, name = KINDS[kind].partition(":")
    cases = getattr(import_module(module), name)(folder / "work")
    os.fsync = lambda _: None  # most of the time otherwise; what a power cut leaves is not asked here
    at = os.open(folder / "at", os.O_WRONLY | os.O_CREAT)
    guard = Guard(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, _too_long)
    tally, failures = Counter[str](), list[str]()
    slowest = (0.0, first)
    for number in range(first, first + count):
        os.pwrite(at, str(number).encode(), 0)
        began = time.monotonic()
        signal.alarm(CASE_SECONDS)
        try:
            tally[cases.run(Random(f"{seed}-{kind}-{number}"))] += 1
            if guard.seen:
                raise RuntimeError(f"a case must keep to its folder, got {guard.seen}")
        except BaseException:
            failures.append(f"{kind} {number}: {traceback.format_exc()}")
        signal.alarm(0)
        guard.seen.clear()
        slowest = max(slowest, (time.monotonic() - began, number))
    print(json.dumps({"tally": tally, "failures": failures, "slowest": slowest}))
    return 1 if failures else 0


class TooLongError(BaseException):
    """Not to be taken for an error of a file."""


def _too_long(_: int, __: FrameType | None) -> None:
    raise TooLongError(f"a case must end within {CASE_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])))

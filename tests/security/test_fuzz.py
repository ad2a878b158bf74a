"""Ten thousand hostile recipes, scans, artefacts and checkpoints end in a result or one of our errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).parent / "fuzz" / "worker.py"
SEED = "1"
CASES = {"recipes": 7800, "scans": 1800, "store": 400}
# (kind, first case, how many): parts that last about as long, so that test workers share them
PARTS = [
    *((kind, first, CASES[kind] // 2) for kind in ("recipes", "scans") for first in (0, CASES[kind] // 2)),
    ("store", 0, CASES["store"]),
]
# What each part must come to at least now and then, or the cases are not what they are meant to be
SEEN = {
    "recipes": {"valid", "refused", "check 0", "check 2", "run 0"},
    "scans": {"read", "refused"},
    "store": {"artefact found", "artefact made again", "checkpoint found", "checkpoint thrown away"},
}


def start(kind: str, first: int, count: int, folder: Path) -> subprocess.Popen[str]:
    """A worker with nothing of its own outside ``folder``; its end of the machine is one core."""
    (folder / "work").mkdir(parents=True)
    (folder / "home").mkdir()
    (folder / "tmp").mkdir()
    own = {"HOME": "home", "XDG_CACHE_HOME": "home/cache", "TMPDIR": "tmp", "PROXFLOW_STORE": "store"}
    places = {name: str(folder / place) for name, place in own.items()}
    quiet = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, str(WORKER), kind, SEED, str(first), str(count), str(folder)],
        stdout=subprocess.PIPE,
        stderr=(folder / "said").open("w"),
        text=True,
        cwd=folder / "work",
        env=os.environ | places | quiet | {"NUMBA_CACHE_DIR": str(folder / "numba")},
    )


def test_parts_are_all_of_the_ten_thousand_cases() -> None:
    numbers = [(kind, number) for kind, first, count in PARTS for number in range(first, first + count)]
    assert len(set(numbers)) == len(numbers) == sum(CASES.values()) == 10_000


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("kind", "first", "count"), PARTS)
def test_ten_thousand_hostile_cases(tmp_path: Path, kind: str, first: int, count: int) -> None:
    """A process that crashes tells by its exit code and the number in ``at``."""
    (tmp_path / "bait").write_text("left alone")
    folder = tmp_path / "part"
    worker = start(kind, first, count, folder)
    said, _ = worker.communicate()
    at = ((folder / "at").read_text() if (folder / "at").exists() else "") or "the start"
    assert worker.returncode in (0, 1), f"{kind} {at} ended the process: {worker.returncode}"
    assert said, (folder / "said").read_text()
    result = json.loads(said)
    assert not result["failures"], "\n".join(result["failures"][:5])
    assert sum(result["tally"].values()) == count
    assert SEEN[kind] <= set(result["tally"]), result["tally"]
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"bait"}

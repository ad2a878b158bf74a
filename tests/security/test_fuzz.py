"""Ten thousand hostile recipes, scans, artefacts and checkpoints end in a result or one of our errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

WORKER = Path(__file__).parent / "fuzz" / "worker.py"
SEED = "1"
# kind -> cases; what each must come to at least now and then, or the cases are not what they are meant to be
CASES = {"recipes": 7000, "scans": 2500, "store": 500}
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


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_hostile_cases(tmp_path: Path) -> None:
    """Two processes beside each other; one that crashes tells by its exit code and the number in ``at``."""
    (tmp_path / "bait").write_text("left alone")
    shares = [
        [("recipes", 0, CASES["recipes"] * 7 // 10)],
        [
            ("scans", 0, CASES["scans"]),
            ("store", 0, CASES["store"]),
            ("recipes", CASES["recipes"] * 7 // 10, CASES["recipes"] * 3 // 10),
        ],
    ]
    tally: dict[str, Counter[str]] = {kind: Counter() for kind in CASES}
    running: dict[int, subprocess.Popen[str]] = {}
    while any(shares) or running:
        for lane, share in enumerate(shares):
            if lane not in running and share:
                kind, first, count = share[0]
                running[lane] = start(kind, first, count, tmp_path / f"{kind}-{first}")
        for lane, worker in list(running.items()):
            kind, first, _ = shares[lane][0]
            folder = tmp_path / f"{kind}-{first}"
            try:
                said, _ = worker.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                continue
            at = (folder / "at").read_text() if (folder / "at").exists() else "the start"
            assert worker.returncode in (0, 1), f"{kind} {at} ended the process: {worker.returncode}"
            result = json.loads(said)
            assert not result["failures"], "\n".join(result["failures"][:5])
            tally[kind].update(result["tally"])
            del running[lane]
            shares[lane].pop(0)
    assert {kind: sum(counts.values()) for kind, counts in tally.items()} == CASES
    for kind, wanted in SEEN.items():
        assert wanted <= set(tally[kind]), tally[kind]
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"bait"}

"""What ``proxflow check`` counts of pictures whose file has to be read as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxflow.configs.recipe import Recipe
from proxflow.tasks.estimate import estimate_run
from proxflow.tasks.rehearsal import rehearse

STACK = np.random.default_rng(0).random((30, 40, 35)).astype(np.float32)


@pytest.mark.parametrize("items", ["all", "3:5"])
def test_the_whole_file_counts_for_the_stage_that_reads_it(items: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", STACK)
    np.savez(tmp_path / "a.npz", images=STACK)
    memory = {}
    for name in ("a.npy", "a.npz"):
        scan = {"kind": "image", "path": str(tmp_path / name), "items": items}
        parts = {"scan": scan, "prepare": [{"kind": "blur"}], "reconstruct": {"method": "cgls"}}
        recipe = Recipe.model_validate({"name": "a"} | parts)
        stages = estimate_run(recipe, [recipe.reconstruct], rehearse(recipe), "cpu", 0)
        memory[name] = {stage.label: stage.memory_bytes for stage in stages}
    assert memory["a.npz"]["ingest"] - memory["a.npy"]["ingest"] == STACK.nbytes

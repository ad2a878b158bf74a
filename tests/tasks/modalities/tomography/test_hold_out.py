"""The stage that predicts withheld views: what it says of discs, and how it goes on after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.memory_artefact import MemoryArtefact
from proxflow.tasks.stages import hold_out as stage

CGLS = {"method": "cgls", "n_iter": 8, "tol": 0.0}


def run(made: Any, checkpoints: Path) -> MemoryArtefact:
    config = {"method": CGLS, "precision": "single", "fraction": 0.1, "seed": 0}
    inputs = {"prepared": made.prepared, "calibrated": made.calibrated}
    machine, result = Machine("", 0, "cpu", 1e-9), MemoryArtefact()
    context = StageContext("hold_out:cgls", config, inputs, {}, machine, checkpoints)
    stage.hold_out(context, cast(ArtefactWriter, result))
    return result


@pytest.mark.parametrize("beam", ["parallel", "fan"])
def test_a_stage_cut_off_goes_on_at_the_item_it_was_at(
    make: Any, write_ct: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beam: str
) -> None:
    made = make("ct", write_ct(beam), {"kind": "keep_angles", "every": 2}, axis_column=23.5)
    whole = run(made, tmp_path / "untouched")
    solve, solved = stage.solve, list[int]()

    def counted(*arguments: Any, **more: Any) -> Any:
        solved.append(1)
        if len(solved) == 2:
            raise KeyboardInterrupt
        return solve(*arguments, **more)

    monkeypatch.setattr(stage, "solve", counted)
    with pytest.raises(KeyboardInterrupt):
        run(made, tmp_path / "cut")
    resumed = run(made, tmp_path / "cut")
    assert len(solved) == 3  # both items, and the second once more
    assert resumed.document("held_out") == whole.document("held_out")
    np.testing.assert_array_equal(resumed.array("held_out"), whole.array("held_out"))
    assert whole.array("held_out").sum(1).tolist() == [3, 3]
    assert (whole.array("held_out")[0] != whole.array("held_out")[1]).any()
    assert all(0 < entry["error"] < 0.1 for entry in whole.document("held_out"))

"""Training as a Prefect flow: the plain command's numbers, artifacts, and bad forms refused in our words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

FORMS = ({"methods": ["fbp"]}, {"seeds": "three"}, {"recipe": "nothing"})


def test_flow_chooses_what_the_command_does_and_refuses_in_its_words(
    proxflow: Any, train_as_flow: Any, recipe: Path, tmp_path: Path
) -> None:
    arguments = ["train", str(recipe), "--methods", "tv", "--seeds", "1"]
    ran = train_as_flow(*arguments, forms=FORMS)
    states, flow = ran.states, ran.told
    assert states[0].startswith("FAILED methods must have numbers that training may choose, got fbp; for ")
    assert states[1] == "FAILED seeds must be a whole number from 1 to 100, got 'three'"
    assert states[2].startswith("FAILED recipe must be an existing file or a ready recipe, got 'nothing'")
    _, plain, _ = proxflow(*arguments, "--set", f"runtime.store={tmp_path / 'other'}")
    assert plain["cached"] == 0
    assert flow["methods"] == plain["methods"]
    assert [name for name, state in ran.runs.items() if state == "COMPLETED"] == ["small train tv"]
    assert ran.shown["numbers-small"] == "table"
    assert ran.shown["training-page-small"] == "markdown"
    assert ran.shown["progress-training-small"] == "progress"
    assert len(ran.tasks) == flow["stages"]
    assert "hold_out:tv lam=0.003 brain-13coil seed 0" in ran.tasks

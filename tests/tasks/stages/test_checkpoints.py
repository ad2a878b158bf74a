"""What a stage keeps in memory and on disk between two saves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxflow.models.learned_prox.conditions import Condition
from proxflow.models.methods.certificate import Certificate
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.stages.checkpoints import MOST_WAITING_BYTES, Finished, StageCheckpoints

N_ITEMS = 6
TRACE = {"objective": [1.0]}
FIT = {"data_residual": 0.5}
CURVES = {"temporal_functions": [[0.5, 1.0], [0.0, -1.0]]}


def checkpoints(folder: Path, seconds: float) -> StageCheckpoints:
    machine = Machine("", 0, "cpu", seconds)
    return StageCheckpoints(StageContext("reconstruct:fbp", {}, {}, {}, machine, folder), N_ITEMS)


@pytest.mark.parametrize(("seconds", "saved"), [(3600.0, 3), (0.0, 0)])
def test_finished_images_wait_in_memory_only_up_to_a_limit(
    tmp_path: Path, seconds: float, saved: int
) -> None:
    """Two images of 0.4 of the limit may wait, with the third all are saved; none if switched off."""
    kept = checkpoints(tmp_path, seconds)
    for item in range(5):
        kept.keep_finished(
            item, Finished(np.full((1, MOST_WAITING_BYTES // 10), item, np.float32), TRACE, FIT, CURVES)
        )
    assert len(list(tmp_path.glob("item-*.h5"))) == saved
    again = checkpoints(tmp_path, seconds)
    for item in range(saved):
        found = again.finished(item)
        assert found is not None and found[0].flat[0] == item and found[1:] == (TRACE, FIT, CURVES, {}, None)
    assert again.finished(saved) is None


def test_finished_maps_come_back_and_wait_with_their_image(tmp_path: Path) -> None:
    """An image of 0.3 of the limit with a map as large: the second one is too many to wait."""
    size = 3 * MOST_WAITING_BYTES // 40
    image = np.ones((1, size), np.float32)
    kept = checkpoints(tmp_path, 3600.0)
    for item in range(2):
        kept.keep_finished(item, Finished(image, TRACE, FIT, CURVES, {"std": np.full_like(image, item)}))
    found = checkpoints(tmp_path, 3600.0).finished(1)
    assert found is not None and list(found.maps) == ["std"]
    np.testing.assert_array_equal(found.maps["std"], np.ones((1, size)))


def test_certificates_come_back_and_what_is_none_is_thrown_away(tmp_path: Path) -> None:
    conditions = (Condition("rho > L_h", False, "rho must be above L_h = 1, got 0.1"),)
    certificate = Certificate(conditions, {"prior_before": 3.0, "prior_after": -1.5})
    kept = checkpoints(tmp_path, 3600.0)
    kept.keep_at_once(0, Finished(np.ones((2, 3)), TRACE, FIT, CURVES, {}, certificate))
    found = checkpoints(tmp_path, 3600.0).finished(0)
    assert found is not None and found.certificate == certificate
    wrong = Certificate((Condition("rho > L_h", "no", ""),))  # type: ignore[arg-type]
    kept.keep_at_once(1, Finished(np.ones((2, 3)), TRACE, FIT, CURVES, {}, wrong))
    assert checkpoints(tmp_path, 3600.0).finished(1) is None and not (tmp_path / "item-1.h5").exists()


def test_maps_that_do_not_fit_their_image_are_thrown_away(tmp_path: Path) -> None:
    kept = checkpoints(tmp_path, 3600.0)
    kept.keep_at_once(0, Finished(np.ones((2, 3)), TRACE, FIT, CURVES, {"std": np.ones((3, 2))}))
    assert checkpoints(tmp_path, 3600.0).finished(0) is None and not list(tmp_path.glob("item-*.h5"))

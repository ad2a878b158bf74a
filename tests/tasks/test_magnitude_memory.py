"""What methods that regularise the magnitude add to the memory of a run, before it is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.models.solvers import data_step as steps
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.mills_cross import mills_cross
from proxflow.operators.woodbury import Woodbury
from proxflow.tasks.estimate import estimate_run
from proxflow.tasks.magnitude_memory import LAYERS, magnitude_bytes
from proxflow.tasks.rehearsal import rehearse
from tests.radar_scans import FOUR_ANTENNAS

SHAPE = (6, 5, 4)
SINGLE = torch.complex64


def config(**numbers: Any) -> Any:
    usual = {} if "method" in numbers else {"method": "pnp_magnitude", "update": "cg"}
    return TypeAdapter(MethodConfig).validate_python(usual | numbers)


@pytest.mark.parametrize(
    "numbers",
    [
        {"update": "woodbury"},
        {"update": "auto"},
        {"update": "auto", "n_iter": 1},
        {"update": "auto", "kappa_growth": 1.1},
        {"update": "cg"},
        {"method": "l1", "n_iter": 2},
        {"method": "tv_magnitude", "n_iter": 1},
    ],
)
@pytest.mark.parametrize("structured", [True, False])
def test_a_factor_counts_where_the_method_makes_one(
    structured: bool, numbers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three matrices of 60 x 60 while it is made."""
    radar = mills_cross(5, SHAPE, n_transmitters=3, n_receivers=4)
    operator = radar if structured else MatrixOperator(torch.zeros(60, 120, dtype=SINGLE), SHAPE, (60,))
    asked = config(**numbers)
    made: list[int] = []

    def noted(*given: Any, **more: Any) -> Woodbury:
        made.append(1)
        return Woodbury(radar, 1.0)

    monkeypatch.setattr(steps, "Woodbury", noted)
    y = torch.zeros(operator.range_shape, dtype=SINGLE)
    growth, update = getattr(asked, "kappa_growth", 1.0), getattr(asked, "update", "auto")
    steps.data_step(operator, y, 1.0, asked.n_iter, update=update, kappa_changes=growth != 1)
    assert magnitude_bytes(asked, operator, SINGLE) == len(made) * 3 * 60**2 * 8


def test_the_mean_of_all_iterations_is_one_image_more() -> None:
    operator = mills_cross(5, SHAPE, n_transmitters=3, n_receivers=4)
    found = [magnitude_bytes(config(average=each), operator, SINGLE) for each in (False, True)]
    assert found == [0, 120 * 8]


def test_layers_of_networks_of_volumes_count() -> None:
    operator = mills_cross(5, SHAPE, n_transmitters=3, n_receivers=4)
    for name, expected in (("tv", 0), ("nlm", 0), ("unet3d-radar", 120 * LAYERS)):
        assert magnitude_bytes(config(denoiser=name), operator, SINGLE) == expected
    assert magnitude_bytes(config(method="deep2s"), operator, SINGLE) == 120 * LAYERS


@pytest.mark.parametrize(("precision", "size"), [("single", 8), ("double", 16)])
def test_check_counts_them_in_the_working_precision(precision: str, size: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "scan.npy", rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4)))
    (tmp_path / "scan.yaml").write_text(FOUR_ANTENNAS)
    memory = []
    for method in ({"update": "cg"}, {"update": "cg", "average": True}, {"update": "woodbury"}):
        parts = {
            "scan": {"kind": "radar", "path": str(tmp_path / "scan.npy")},
            "image": {"matrix": [2, 9, 8], "voxel_mm": 10, "centre_mm": [100, 0, 0]},
            "reconstruct": {"method": "pnp_magnitude", "epsilon": 0.5, "n_iter": 1} | method,
            "runtime": {"precision": precision},
        }
        recipe = Recipe.model_validate({"name": "a"} | parts)
        stages = estimate_run(recipe, [recipe.reconstruct], rehearse(recipe), "cpu", 0)
        memory.append({stage.label: stage.memory_bytes for stage in stages})
    for stage in ("reconstruct:pnp_magnitude", "hold_out:pnp_magnitude"):
        plain, averaged, factored = (each[stage] for each in memory)
        assert averaged - plain >= 144 * size
        assert factored - plain >= 3 * 12**2 * size

"""What schemas tell of how often a method applies the operator."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from proxflow.configs.methods import MethodConfig


@pytest.mark.parametrize(
    ("numbers", "each", "before", "fewest"),
    [
        ({"method": "tv"}, 1, 0, 1),
        ({"method": "l1"}, 7, 0, 1),
        ({"method": "tv_magnitude"}, 7, 0, 1),
        ({"method": "pnp_magnitude"}, 7, 260, 1),
        ({"method": "pnp_magnitude", "epsilon": 0.3}, 7, 0, 1),
        ({"method": "pnp_magnitude", "form": "unconstrained"}, 7, 0, 1),
        ({"method": "lpn", "n_cg": 30}, 31, 12, 1),
        ({"method": "lpn", "solver": "pgd"}, 1, 12, 1),
        ({"method": "dds", "samples": 3, "n_cg": 5}, 18, 12, 2),
        ({"method": "reconresnet", "n_cg": 7}, 1, 10, 1),
        ({"method": "reconresnet", "consistency": "none"}, 1, 2, 1),
        ({"method": "reconresnet", "consistency": "published_spokes"}, 1, 4, 1),
    ],
)
def test_applications_of_a_method(numbers: dict[str, Any], each: int, before: int, fewest: int) -> None:
    config: Any = TypeAdapter(MethodConfig).validate_python(numbers)
    assert config.cost[:3] == (each, before, fewest)
    assert set(config.cost.apart) <= set(type(config).model_fields)
    assert "cost" not in config.model_dump()

"""What schemas tell of how often a method applies the operator, and how often it does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from proxflow.configs.methods import METHOD_SCHEMAS, MethodConfig
from proxflow.configs.methods_lpn import Lpn
from proxflow.operators.dense import MatrixOperator
from proxflow.tasks.method_arguments import method_arguments
from proxflow.tasks.methods import METHODS, method_function


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
        ({"method": "lpn", "solver": "pgd", "warm_up": 4, "n_cg": 30}, 1, 12 + 4 * 30, 1),
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


def test_passes_of_a_certificate_are_those_of_two_inversions_where_there_are_any() -> None:
    lpn = Lpn(method="lpn", n_newton=3)
    assert lpn.cost.passes == 2 * 3 * 22
    averaged = lpn.model_copy(update={"patches": "averaged", "setting": "published"})
    assert averaged.cost.passes == 0


def test_a_warm_up_counts_as_iterations_and_is_no_part_of_one_that_is_timed() -> None:
    cost = Lpn(method="lpn", warm_up=7).cost
    assert cost.warm_up == 7 and cost.apart == {"warm_up": 0}
    assert cost.before == Lpn(method="lpn").cost.before


class Counted(MatrixOperator):
    """Images and measurements that went through it; those of a batch each."""

    n_forward = n_adjoint = 0

    def forward(self, x: Tensor) -> Tensor:
        self.n_forward += x.numel() // 30
        return super().forward(x)

    def adjoint(self, y: Tensor) -> Tensor:
        self.n_adjoint += y.numel() // 20
        return super().adjoint(y)


def applications(name: str, n_iter: int, numbers: dict[str, Any]) -> float:
    """What one run applies, a forward or an adjoint being half a one."""
    rng = torch.Generator().manual_seed(0)
    matrix = torch.randn(20, 30, dtype=torch.complex64, generator=rng)
    operator = Counted(matrix / torch.linalg.matrix_norm(matrix, 2), (6, 5), (20,))
    config = METHOD_SCHEMAS[name].model_validate({"method": name, "n_iter": n_iter, **numbers})
    arguments = method_arguments(config)
    if "tol" in arguments:
        arguments["tol"] = 0.0
    if "noise_std" in METHODS[name].told:
        arguments["noise_std"] = 0.1
    y = torch.randn(20, dtype=torch.complex64, generator=rng)
    method_function(name)(operator, y, **arguments)
    return (operator.n_forward + operator.n_adjoint) / 2


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("dds", {"prior": "fourier-wiener", "n_cg": 3}),
        ("dds", {"samples": 3, "n_cg": 2, "consistency": "hard"}),
        ("dds", {"consistency": "adaptive", "phase": "smooth"}),
        ("score_mri", {}),
        ("score_mri", {"prior": "fourier-wiener", "n_correct": 2, "phase": "smooth"}),
        ("dps", {}),
        ("dps", {"phase": "smooth"}),
        ("red", {"n_cg": 3}),
        ("red", {"phase": "smooth"}),
        ("pnp_admm", {}),
        ("pnp_admm", {"n_cg": 2, "phase": "smooth"}),
    ],
)
def test_methods_of_diffusion_priors_apply_what_they_cost(name: str, numbers: dict[str, Any]) -> None:
    """An estimate adds two to ``before``, for scale, start and misfit; the last level has no corrector."""
    few, many = (applications(name, n, numbers) for n in (4, 7))
    cost = METHOD_SCHEMAS[name].model_validate({"method": name, **numbers}).cost
    assert many - few == 3 * cost.each
    assert cost.before - 3 <= few - 4 * cost.each <= cost.before + 2

"""Learned proximal networks as methods: descent, fixed points, closed forms, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.prior import prior_of
from proxflow.models.learned_prox.published import PUBLISHED
from proxflow.models.methods.lpn import lipschitz_of, lpn, lpn_conditions
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.circulant_sensing import CirculantSensing
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.gaussian_blur import GaussianBlur

SETTINGS = IcnnSettings("small", channels=1, side=8, hidden=3, beta=10.0, alpha=0.01)
Bent = Callable[[IcnnSettings], Icnn]
every_solver = pytest.mark.parametrize("solver", ["pgd", "admm"])


@pytest.fixture
def prox(bent: Bent) -> NetworkProx:
    return NetworkProx(bent(SETTINGS), stride=8)


def scaling(c: float, channels: int = 1) -> NetworkProx:
    """f(y) = c y: R(x) = (1 / c - 1) / 2 ||x||^2."""
    settings = IcnnSettings("small", channels=channels, side=8, hidden=2, alpha=c / 2)
    network = Icnn(settings).double().requires_grad_(False)
    network.lin[-1].weight.zero_()
    return NetworkProx(network)


@pytest.fixture
def real(rng: torch.Generator) -> MatrixOperator:
    """Images (9, 7) through 40 random numbers."""
    matrix = torch.randn(40, 63, dtype=torch.float64, generator=rng)
    return MatrixOperator(matrix / torch.linalg.matrix_norm(matrix, 2), (9, 7), (40,))


@pytest.fixture
def data(real: MatrixOperator, rng: torch.Generator) -> Tensor:
    """Two images of 0 to 1, with noise."""
    x = torch.zeros(2, 9, 7, dtype=torch.float64)
    x[0, 2:6, 3:] = 1.0
    x[1, 4:] = 0.7
    return real.forward(x) + 0.01 * torch.randn(2, 40, dtype=torch.float64, generator=rng)


@every_solver
@pytest.mark.parametrize("s", [0.5, 2.0])
def test_the_objective_never_increases_and_the_residual_vanishes(
    solver: Any, s: float, prox: NetworkProx, real: MatrixOperator, data: Tensor
) -> None:
    found = lpn(real, data, prox=prox, solver=solver, s=s, n_iter=60, tol=0, unit=1.0, n_cg=60)
    values = [report.objective for report in found.trace]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))
    assert values[0] - values[-1] > 1e-4
    residuals = [dict(report.figures)["fixed_point_residual"] for report in found.trace]
    assert residuals[-1] < 1e-3 < 1e-2 < residuals[0]
    assert all(dict(report.figures)["clipped"] == 0 for report in found.trace)


@every_solver
def test_single_precision_descends_but_for_rounding(
    solver: Any, prox: NetworkProx, real: MatrixOperator, data: Tensor
) -> None:
    prox.network.float()
    numbers: dict[str, Any] = {"prox": prox, "solver": solver, "n_iter": 40, "tol": 0, "unit": 1.0}
    found = lpn(real, data.float(), **numbers)
    rounding = 1e-6 * float(prox.evaluated(found.image[:, None]).potential.abs().sum())
    values = [report.objective for report in found.trace]
    assert all(after <= before + rounding for before, after in pairwise(values))
    assert values[0] - values[-1] > 20 * rounding


def test_pgd_descends_by_as_much_as_it_must(prox: NetworkProx, real: MatrixOperator, data: Tensor) -> None:
    eta, kept = 0.6, []
    found = lpn(
        real, data[0], prox=prox, solver="pgd", eta=eta, n_iter=8, tol=0, unit=1.0, norm=1.0,
        monitor=lambda report, state: kept.append(state[0]),
    )  # fmt: skip
    for k in range(1, 8):
        moved = float((kept[k] - kept[k - 1]).square().sum())
        before, after = found.trace[k - 1].objective, found.trace[k].objective
        assert after <= before - (1 / (2 * eta) - 0.5) * moved + 1e-10


@every_solver
def test_the_logged_prior_is_that_of_the_image(
    solver: Any, prox: NetworkProx, real: MatrixOperator, data: Tensor
) -> None:
    states: list[Any] = []
    found = lpn(
        real, data[0], prox=prox, solver=solver, n_iter=4, tol=0, unit=1.0,
        monitor=lambda report, state: states.append(state),
    )  # fmt: skip
    x = found.image if solver == "pgd" else states[-1].z
    by_inversion = prior_of(prox, x[None, None], tol=1e-10, within=(-99, 99))
    assert dict(found.trace[-1].figures)["prior"] == pytest.approx(float(by_inversion.value), abs=1e-8)


def test_admm_ends_where_both_terms_balance(prox: NetworkProx, real: MatrixOperator, data: Tensor) -> None:
    """grad h(x) + rho (v - x) = 0 where x = f(v)."""
    states: list[Any] = []
    found = lpn(
        real, data[0], prox=prox, rho=1.2, n_iter=400, tol=1e-10, unit=1.0, norm=1.0,
        monitor=lambda report, state: states.append(state),
    )  # fmt: skip
    x, v = found.image, found.image + states[-1].u
    gradient = real.adjoint(real.forward(x) - data[0])
    assert float((gradient + 1.2 * (v - x)).norm()) < 1e-6 * float(gradient.norm())
    assert float((prox(v[None, None])[0, 0] - x).norm()) < 1e-6 * float(x.norm())


@pytest.mark.parametrize("rho", [20.0, 200.0])
def test_admm_goes_on_until_the_network_has_had_its_say(
    rho: float, prox: NetworkProx, real: MatrixOperator, data: Tensor
) -> None:
    """The start solves the data step, so that x stays in the first."""
    start = (torch.linalg.pinv(real.matrix) @ data[0]).view(9, 7)
    found = lpn(real, data[0], prox=prox, rho=rho, n_iter=3000, tol=1e-4, unit=1.0, norm=1.0, start=start)
    assert 2 < len(found.trace) < 3000
    assert dict(found.trace[-1].figures)["fixed_point_residual"] < 1e-4
    assert dict(found.trace[0].figures)["fixed_point_residual"] > 1


def test_admm_of_a_black_item_ends_at_a_fixed_point_of_the_network(
    prox: NetworkProx, real: MatrixOperator
) -> None:
    black = torch.zeros(9, 7, dtype=torch.float64)
    assert float(prox(black[None, None]).norm()) > 0.1
    found = lpn(real, torch.zeros(40, dtype=torch.float64), prox=prox, rho=1.2, n_iter=400, tol=1e-6)
    assert len(found.trace) > 2 and dict(found.trace[-1].figures)["fixed_point_residual"] < 1e-6
    assert float(found.image.norm()) > 0.1


@pytest.mark.parametrize("setting", ["guaranteed", "published"])
@every_solver
def test_a_quadratic_prior_gives_the_linear_solve(
    solver: Any, setting: Any, real: MatrixOperator, data: Tensor
) -> None:
    s, step = 0.8, 0.4 if solver == "pgd" else 2.0
    numbers = {"eta": step} if solver == "pgd" else {"rho": step}
    found = lpn(
        real, data, prox=scaling(0.3), solver=solver, setting=setting, s=s, n_iter=300, tol=1e-12, unit=5.0,
        **numbers,
    )  # fmt: skip
    weight = 1 / step if solver == "pgd" else step
    hessian = 2 * s * real.matrix.T @ real.matrix + weight * (1 / 0.3 - 1) * torch.eye(63)
    wanted = torch.linalg.solve(hessian, 2 * s * real.adjoint(data).flatten(1).T).T.view(2, 9, 7)
    torch.testing.assert_close(found.image, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("channels", [1, 2])
@every_solver
def test_complex_images_by_magnitude_and_by_parts(solver: Any, channels: int, dense: Any, y: Tensor) -> None:
    """||x||^2 is a prior of the magnitude, and of both parts."""
    numbers: dict[str, Any] = {"n_iter": 300, "tol": 1e-12, "unit": 2.0, "norm": 1.0}
    found = lpn(dense, y, prox=scaling(0.4, channels), solver=solver, **numbers)
    weight = (1.05 if solver == "admm" else 1 / 0.95) * (1 / 0.4 - 1)
    normal = dense.matrix.mH @ dense.matrix + weight * torch.eye(63)
    wanted = torch.linalg.solve(normal, dense.adjoint(y).flatten(1).mT).mT.view(3, 9, 7)
    torch.testing.assert_close(found.image, wanted)


def test_a_bent_prior_of_complex_images_descends(bent: Bent, dense: Any, y: Tensor) -> None:
    settings = IcnnSettings("small", channels=2, side=8, hidden=3, beta=10.0, alpha=0.01)
    parts = NetworkProx(bent(settings), stride=8)
    values = [r.objective for r in lpn(dense, y, prox=parts, n_iter=25, tol=0, unit=1.0, n_cg=60).trace]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))
    assert values[0] - values[-1] > 1e-4


@every_solver
def test_a_hole_in_the_coil_maps_leaves_the_objective_monotone(
    solver: Any, bent: Bent, rng: torch.Generator
) -> None:
    maps = torch.randn(3, 9, 7, dtype=torch.complex128, generator=rng) / 3
    maps[:, 2:6, 1:5] = 0
    operator = CartesianSense(torch.rand(9, 7, generator=rng) > 0.4, maps)
    settings = IcnnSettings("small", channels=2, side=8, hidden=3, beta=10.0, alpha=0.01)
    y = operator.forward(torch.randn(2, 9, 7, dtype=torch.complex128, generator=rng))
    parts = NetworkProx(bent(settings), stride=8)
    found = lpn(operator, y, prox=parts, solver=solver, n_iter=30, tol=0, unit=1.0, n_cg=60)
    values = [report.objective for report in found.trace]
    assert all(after <= before + 1e-9 for before, after in pairwise(values))
    assert values[0] - values[-1] > 1e-4
    assert not bool(found.image[:, 2:6, 1:5].any())


@every_solver
def test_a_stopped_run_goes_on(solver: Any, prox: NetworkProx, real: MatrixOperator, data: Tensor) -> None:
    kept: list[Checkpoint] = []
    trace: list[Iteration] = []

    def monitor(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
        trace.append(iteration)
        kept.append(Checkpoint(iteration.index, state, list(trace)))

    numbers: dict[str, Any] = {
        "prox": prox,
        "solver": solver,
        "setting": "published",
        "box": True,
        "eta": 1.5,
    }
    if solver == "admm":
        del numbers["eta"]
    whole = lpn(real, data, monitor=monitor, n_iter=3, tol=0, **numbers)
    resumed = lpn(real, data, resume=kept[0], n_iter=3, tol=0, **numbers)
    assert torch.equal(resumed.image, whole.image) and resumed.trace == whole.trace
    misfit = (real.forward(whole.image) - data).norm() / data.norm()
    assert whole.trace[-1].data_residual == pytest.approx(float(misfit), rel=1e-9)


@every_solver
def test_a_box_keeps_images_within(solver: Any, real: MatrixOperator, data: Tensor) -> None:
    numbers: dict[str, Any] = {"prox": scaling(0.99), "setting": "published", "unit": 0.5, "tol": 0}
    found = lpn(real, data, solver=solver, box=True, n_iter=60, **numbers).image
    free = lpn(real, data, solver=solver, n_iter=60, **numbers).image
    slack = 0.0 if solver == "pgd" else 0.02
    assert -slack <= float(found.min()) and float(found.max()) <= 0.5 + slack
    assert float(free.max()) > 0.6


def test_blur_and_compressed_sensing_of_images_and_colours(bent: Bent, rng: torch.Generator) -> None:
    prox = NetworkProx(bent(SETTINGS), stride=8)
    image = torch.rand(8, 8, dtype=torch.float64, generator=rng)
    for operator in (GaussianBlur((8, 8), 1.0), CirculantSensing((8, 8), 30)):
        found = lpn(operator, operator.forward(image), prox=prox, n_iter=6, tol=0, unit=1.0)
        assert found.image.shape == (8, 8) and found.trace[-1].objective <= found.trace[0].objective
    colours = torch.rand(3, 8, 8, dtype=torch.float64, generator=rng)
    matrix = MatrixOperator(torch.eye(192, dtype=torch.float64), (3, 8, 8), (192,))
    seen: list[torch.Size] = []
    colour = scaling(0.5, channels=3)
    colour.network.lin[0].register_forward_pre_hook(lambda layer, args: seen.append(args[0].shape))
    lpn(matrix, matrix.forward(colours), prox=colour, solver="pgd", n_iter=1, unit=1.0)
    assert seen == [torch.Size([1, 3, 8, 8])]


def test_what_breaks_a_condition_is_refused_by_its_sentence(
    prox: NetworkProx, real: MatrixOperator, data: Tensor
) -> None:
    def refused(sentence: str, **numbers: Any) -> None:
        with pytest.raises(ValueError, match=sentence):
            lpn(real, data, **{"prox": prox, "norm": 1.0, **numbers})

    refused(r"eta must be below 1 / L_h = 1, got 1 \(setting guaranteed\)", solver="pgd", eta=1.0)
    refused(r"rho must be above L_h = 4, got 4 \(setting guaranteed\)", rho=4.0, s=2.0)
    refused("box must be false, since it is no part of the theorem, got true", box=True)
    averaged = NetworkProx(prox.network, patching="averaged")
    refused("prox must be the gradient of a convex potential, by exact patches, got averaged", prox=averaged)
    refused(r"2 alpha of the network, .* must lie in \(0, 1\), got 1.4", prox=scaling(1.4))
    refused("eta must not be given to admm, got 1.0", eta=1.0)
    refused("rho must be positive and finite, got -1", rho=-1.0)
    refused("solver must be pgd or admm, got 'dr'", solver="dr")
    refused("setting must be guaranteed or published, got 'fast'", setting="fast")
    refused("s must be positive and n_cg at least 1, got 0.0 and 30", s=0.0)
    with pytest.raises(DivergenceError):
        lpn(real, data * torch.inf, prox=prox, unit=1.0, norm=1.0)


def test_images_that_a_network_is_not_for_are_refused(dense: Any, y: Tensor, real: Any, data: Tensor) -> None:
    with pytest.raises(UnsuitableError, match="prox must be for complex images, got a network of 3 channels"):
        lpn(dense, y, prox=scaling(0.5, channels=3), norm=1.0)
    with pytest.raises(UnsuitableError, match="prox must be for real images, got a network of 2 channels"):
        lpn(real, data, prox=scaling(0.5, channels=2), norm=1.0)
    with pytest.raises(UnsuitableError, match=r"prox must be for images \(9, 7\), got a network of colour"):
        lpn(real, data[0], prox=scaling(0.5, channels=3), norm=1.0)
    with pytest.raises(UnsuitableError, match="box must be false for complex images"):
        lpn(dense, y, prox=scaling(0.5), box=True, setting="published")


def test_published_numbers_break_the_condition_they_were_published_with(prox: NetworkProx) -> None:
    like = torch.zeros(1, dtype=torch.float32)
    operators = {
        "deblur-1-0.02": GaussianBlur((32, 32), 1.0),
        "deblur-2-0.02": GaussianBlur((32, 32), 2.0),
        "compressed-sensing": CirculantSensing((32, 32), 256),
    }
    for name, operator in operators.items():
        run = PUBLISHED[name]
        lipschitz = lipschitz_of(operator, run.s, norm=None, like=like)
        conditions = lpn_conditions(prox, "admm", run.rho, lipschitz, box=run.box)
        broken = {condition.name for condition in conditions if not condition.holds}
        assert broken == ({"rho > L_h", "no box"} if run.box else {"rho > L_h"})

"""Plug-and-play on the magnitude: the checks of its published description on a small radar, and our own."""

from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.configs.methods_magnitude import PnpMagnitude
from proxflow.models.methods.l1 import l1
from proxflow.models.methods.pnp_magnitude import pnp_magnitude
from proxflow.models.priors.soft_threshold import soft_threshold
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration
from proxflow.operators.base import LinearOperator
from proxflow.operators.mills_cross import mills_cross
from proxflow.operators.operator_norm import operator_norm

SHAPE = (8, 7, 6)


class Threshold:
    """Soft threshold at the level it is told."""

    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor:
        return soft_threshold(magnitudes, sigma)


class Kept:
    """No prior at all; remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[float] = []

    def __call__(self, magnitudes: Tensor, sigma: float) -> Tensor:
        self.told.append(sigma)
        return magnitudes


@pytest.fixture(scope="module")
def operator() -> LinearOperator:
    radar = mills_cross(8, SHAPE, n_transmitters=6, n_receivers=7)
    return (1 / operator_norm(radar, dtype=torch.complex128, n_iter=100)) * radar


@pytest.fixture
def scene(operator: LinearOperator, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two targets and their data, with a hundredth of noise."""
    x = torch.zeros(SHAPE, dtype=torch.complex128)
    x[2, 3, 2], x[5, 5, 4] = 1j, -0.8
    y = operator.forward(x)
    noise = torch.randn(y.shape, dtype=y.dtype, generator=rng)
    return x, y + 0.01 * noise * y.norm() / noise.norm()


def test_with_a_soft_threshold_it_is_l1(operator: LinearOperator, scene: tuple[Tensor, Tensor]) -> None:
    _, y = scene
    numbers: dict[str, Any] = {"n_iter": 40, "epsilon": 0.02, "tol": 0.0}
    found = pnp_magnitude(operator, y, denoiser=Threshold(), sigma=0.1, scale="start", **numbers)
    expected = l1(operator, y, alpha=0.1, **numbers)
    torch.testing.assert_close(found.image, expected.image)
    assert found.trace == expected.trace


def test_without_a_prior_the_data_are_met(operator: LinearOperator, scene: tuple[Tensor, Tensor]) -> None:
    _, y = scene
    found = pnp_magnitude(operator, y, denoiser=Kept(), epsilon=1e-6, n_iter=300, tol=0.0, kappa=1e-4)
    assert found.trace[-1].data_residual < 1e-3
    assert found.trace[-1].data_residual < 0.3 * found.trace[0].data_residual


@pytest.mark.parametrize("form", ["constrained", "unconstrained"])
def test_a_global_phase_passes_through_and_voxel_phases_hardly_matter(
    form: Any, operator: LinearOperator, rng: torch.Generator
) -> None:
    x = torch.zeros(SHAPE, dtype=torch.complex128)
    x[2:4, 3:5, 2:4] = 1.0
    phases = torch.exp(6.28j * torch.rand(2, *SHAPE, dtype=torch.float64, generator=rng))
    data = operator.forward(x * phases)
    numbers: dict[str, Any] = {"epsilon": 0.05, "form": form, "sigma": 0.05, "n_iter": 20}
    once, other = pnp_magnitude(operator, data, **numbers).image.abs()
    turned = pnp_magnitude(operator, 1j * data, **numbers).image.abs()
    torch.testing.assert_close(turned, torch.stack([once, other]))
    errors = [(found / found.max() - x.abs()).norm() for found in (once, other)]
    assert abs(errors[0] - errors[1]) < 0.2 * errors[0]


def test_noise_is_found_where_it_is_not_given(rng: torch.Generator) -> None:
    radar = mills_cross(16, SHAPE, n_transmitters=6, n_receivers=7)
    operator = (1 / operator_norm(radar, dtype=torch.complex128, n_iter=100)) * radar
    clean = operator.forward(torch.randn(SHAPE, dtype=torch.complex128, generator=rng))
    noise = torch.randn(clean.shape, dtype=clean.dtype, generator=rng)
    y = clean + 0.1 * noise * clean.norm() / noise.norm()
    found = pnp_magnitude(operator, y, denoiser=Kept(), n_iter=30).trace[-1]
    share = found.data_residual / dict(found.figures)["misfit over epsilon"]
    assert share == pytest.approx(0.1, rel=0.1)


def test_continuation_lowers_what_the_denoiser_is_told(
    operator: LinearOperator, scene: tuple[Tensor, Tensor]
) -> None:
    denoiser = Kept()
    pnp_magnitude(
        operator, scene[1], denoiser=denoiser, sigma=0.2, epsilon=0.1, n_iter=3, sigma_decay=2, tol=0
    )
    assert denoiser.told == pytest.approx([0.2, 0.1, 0.05])


def test_both_updates_go_the_same_way(operator: LinearOperator, scene: tuple[Tensor, Tensor]) -> None:
    numbers: dict[str, Any] = {"sigma": 0.05, "epsilon": 0.02, "n_iter": 10, "kappa": 1.0, "tol": 0.0}
    exact, by_cg = (
        pnp_magnitude(operator, scene[1], update=update, **numbers).image for update in ("woodbury", "cg")
    )
    assert (exact - by_cg).norm() < 1e-3 * exact.norm()


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("form", ["constrained", "unconstrained"])
def test_resumed_run_is_bit_identical(
    form: Any, dtype: torch.dtype, operator: LinearOperator, scene: tuple[Tensor, Tensor]
) -> None:
    y = scene[1].to(dtype)
    numbers: dict[str, Any] = {
        "tol": 0.0,
        "epsilon": 0.02,
        "form": form,
        "sigma_decay": 1.1,
        "kappa_growth": 1.1,
    }
    undisturbed = pnp_magnitude(operator, y, n_iter=8, **numbers)
    saved: list[tuple[Iteration, tuple[Tensor, ...]]] = []
    pnp_magnitude(operator, y, n_iter=4, monitor=lambda *seen: saved.append(seen), **numbers)
    trace = [report._replace(n_iter=8) for report, _ in saved]
    resumed = pnp_magnitude(operator, y, n_iter=8, resume=Checkpoint(4, saved[-1][1], trace), **numbers)
    assert resumed.image.dtype == dtype
    assert torch.equal(resumed.image, undisturbed.image)
    assert [each[3:] for each in resumed.trace] == [each[3:] for each in undisturbed.trace]


@pytest.mark.parametrize("scale", ["peak", "start"])
def test_batches_gains_no_signal_and_nan(
    scale: Any, operator: LinearOperator, scene: tuple[Tensor, Tensor]
) -> None:
    _, y = scene
    numbers: dict[str, Any] = {"epsilon": 0.02, "n_iter": 6, "scale": scale, "sigma": 0.05}
    together = pnp_magnitude(operator, torch.stack([y, 40j * y]), **numbers).image
    torch.testing.assert_close(together[1], 40j * together[0])
    torch.testing.assert_close(together[0], pnp_magnitude(operator, y, **numbers).image)
    assert not pnp_magnitude(operator, torch.zeros_like(y), **numbers).image.any()
    with pytest.raises(DivergenceError, match="iteration 1"):
        pnp_magnitude(operator, torch.full_like(y, torch.nan), **numbers)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"sigma": -0.1}, "sigma must be at least 0, got -0.1"),
        ({"kappa": -1.0}, "kappa must be positive, got -1.0"),
        ({"sigma_decay": 0.0}, "sigma_decay must be positive, got 0.0"),
        ({"kappa_growth": 1.1, "update": "woodbury"}, "update must be cg where kappa grows, got woodbury"),
    ],
)
def test_bad_numbers_are_refused(
    changed: dict[str, Any], sentence: str, operator: LinearOperator, scene: tuple[Tensor, Tensor]
) -> None:
    with pytest.raises(ValueError, match=sentence):
        pnp_magnitude(operator, scene[1], **({"epsilon": 0.1} | changed))


def test_a_recipe_has_the_defaults_of_the_function() -> None:
    defaults = pnp_magnitude.__kwdefaults__
    asked = PnpMagnitude(method="pnp_magnitude").model_dump(exclude={"method", "denoiser"})
    assert asked == {name: defaults[name] for name in asked}

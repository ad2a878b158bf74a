"""The radar baselines: direct sums against their formulas, constrained methods on a small scene."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.back_projection import back_projection
from proxflow.models.methods.kirchhoff import kirchhoff
from proxflow.models.methods.l1 import l1
from proxflow.models.methods.tv_magnitude import tv_magnitude
from proxflow.models.priors.total_variation import total_variation
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.operator_norm import operator_norm
from proxflow.operators.voxel_grid import VoxelGrid

GRID = VoxelGrid((5, 7, 6), (0.02, 0.025, 0.025), (0.3, 0.01, 0.0))
METHODS = {"l1": l1, "tv_magnitude": tv_magnitude}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
Method = Any


def radar(rng: torch.Generator, **changed: Any) -> NearFieldMimo:
    places = 0.3 * torch.rand(9, 3, dtype=torch.float64, generator=rng) - 0.15
    places[:, 2] *= 0.1
    frequencies = torch.linspace(3e9, 9e9, 8, dtype=torch.float64)
    return NearFieldMimo(places[:4], places[4:], frequencies, GRID, **changed)


PAIRS = torch.tensor([[0, 1], [2, 3], [1, 4], [3, 0]])
VARIANTS: list[dict[str, Any]] = [
    {},
    {"relative_permittivity": 2.0, "amplitude": "none"},
    {"pairs": PAIRS, "reference_range_m": torch.tensor([0.3, 0.2, 0.0, 0.1]), "relative_permittivity": 3.0},
    {"pairs": PAIRS, "mask": torch.arange(32).reshape(8, 4) % 3 > 0},
]


@pytest.fixture
def scene(rng: torch.Generator) -> tuple[Any, Tensor, Tensor]:
    """Operator of norm 1, data of two point targets with max |A^H y| = 1, and the targets."""
    operator = radar(rng)
    scaled = operator * (1 / operator_norm(operator, dtype=torch.complex128, n_iter=100))
    x = torch.zeros(GRID.shape, dtype=torch.complex128)
    x[1, 2, 2], x[3, 5, 1] = 1j, -0.8
    y = scaled.forward(x)
    scale = 1 / scaled.adjoint(y).abs().max()
    return scaled, y * scale, x * scale


def migrated(operator: NearFieldMimo, y: Tensor, kind: str) -> Tensor:
    """Section 8 of the method's description, summed entry by entry; y (frequency, pair)."""
    pairs = operator.pairs
    if pairs is None:
        sizes = len(operator.transmitters_m), len(operator.receivers_m)
        pairs = torch.cartesian_prod(*map(torch.arange, sizes))
        y = y.flatten(1)
    points = GRID.positions()
    k = 2 * math.pi * operator.frequencies_hz * math.sqrt(operator.relative_permittivity) / 299_792_458
    total = torch.zeros(GRID.n_voxels, dtype=torch.complex128)
    for p, (t, r) in enumerate(pairs.tolist()):
        to_t, to_r = points - operator.transmitters_m[t], points - operator.receivers_m[r]
        d_t, d_r = to_t.norm(dim=1), to_r.norm(dim=1)
        reference = 0.0 if operator.reference_range_m is None else 2 * operator.reference_range_m[p]
        for f in range(len(k)):
            term = y[f, p] * torch.exp(1j * k[f] * (d_t + d_r - reference))
            if kind == "kirchhoff":
                slopes = to_t[:, 2] / d_t * to_r[:, 2] / d_r
                term = term * slopes * (1j * k[f] + 1 / d_t) * (1j * k[f] + 1 / d_r)
            if operator.mask is None or operator.mask[f, p]:
                total += term
    return total.reshape(GRID.shape)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("method", [back_projection, kirchhoff], ids=lambda m: m.__name__)
def test_direct_methods_are_their_formulas(
    method: Method, variant: dict[str, Any], rng: torch.Generator
) -> None:
    operator = radar(rng, **variant)
    y = torch.randn(operator.range_shape, dtype=torch.complex128, generator=rng)
    image = migrated(operator, y, method.__name__)
    seen = operator.forward(image)
    scale = (seen.conj() * y).sum() / seen.abs().square().sum()
    result = method(operator, y)
    torch.testing.assert_close(result.image, scale * image)
    residual = ((scale * seen - y).norm() / y.norm()).item()
    assert residual < 1 and result.trace[0].data_residual == pytest.approx(residual)


@pytest.mark.parametrize("method", [back_projection, kirchhoff])
def test_direct_methods_focus_a_point_and_take_batches(method: Method, rng: torch.Generator) -> None:
    operator = radar(rng)
    x = torch.zeros(2, *GRID.shape, dtype=torch.complex128)
    x[0, 2, 3, 4], x[1, 1, 1, 2] = 2j, 1.0
    y = operator.forward(x)
    image = method(operator, y).image
    for found, expected, data in zip(image, x, y, strict=True):
        assert int(found.abs().argmax()) == int(expected.abs().argmax())
        torch.testing.assert_close(found, method(operator, data).image)
    assert not method(operator, torch.zeros_like(y)).image.any()


@pytest.mark.parametrize("method", [back_projection, kirchhoff])
def test_direct_methods_want_a_radar(method: Method) -> None:
    plain = MatrixOperator(torch.eye(3), (3,), (3,))
    with pytest.raises(TypeError, match="operator must be NearFieldMimo, got MatrixOperator"):
        method(plain, torch.zeros(3, dtype=torch.complex128))


def test_l1_finds_two_points(scene: tuple[Any, Tensor, Tensor]) -> None:
    operator, y, x = scene
    result = l1(operator, y, n_iter=400, alpha=0.05, epsilon=1e-3, tol=0)
    assert (result.image - x).norm() < 0.02 * x.norm()
    assert result.trace[-1].data_residual < 1.1e-3
    tikhonov_error = (operator.adjoint(y) - x).norm() / x.norm()
    assert tikhonov_error > 0.5


def test_tv_magnitude_lowers_the_variation_within_the_ball(rng: torch.Generator) -> None:
    operator = radar(rng)
    operator = operator * (1 / operator_norm(operator, dtype=torch.complex128, n_iter=100))
    box = torch.zeros(GRID.shape, dtype=torch.float64)
    box[1:4, 2:5, 1:4] = 1.0
    x = torch.polar(box, 6.28 * torch.rand(box.shape, dtype=torch.float64, generator=rng))
    y = operator.forward(x)
    found, sparse = (
        method(operator, y, n_iter=120, alpha=0.02, epsilon=0.05, tol=0) for method in (tv_magnitude, l1)
    )
    variation = [total_variation(image.abs(), n_axes=3).item() for image in (found.image, sparse.image, x)]
    assert variation[0] < 0.5 * min(variation[1:])
    assert found.trace[-1].data_residual < 1.02 * 0.05
    assert sparse.image.abs().sum() < found.image.abs().sum()


@every_method
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_resumed_run_is_bit_identical(
    method: Method, dtype: torch.dtype, scene: tuple[Any, Tensor, Tensor]
) -> None:
    operator, y, _ = scene
    y = y.to(dtype)
    undisturbed = method(operator, y, n_iter=12, tol=0)
    saved: list[tuple[Iteration, tuple[Tensor, ...]]] = []
    method(operator, y, n_iter=5, tol=0, monitor=lambda report, state: saved.append((report, state)))
    trace = [report._replace(n_iter=12) for report, _ in saved]
    resumed = method(operator, y, n_iter=12, tol=0, resume=Checkpoint(5, saved[-1][1], trace))
    assert resumed.image.dtype == dtype
    assert torch.equal(resumed.image, undisturbed.image)
    assert [each[3:] for each in resumed.trace] == [each[3:] for each in undisturbed.trace]


@every_method
def test_batches_no_signal_and_nan(method: Method, scene: tuple[Any, Tensor, Tensor]) -> None:
    operator, y, _ = scene
    pair = torch.stack([y, 0.3j * y])
    together = method(operator, pair, n_iter=8).image
    torch.testing.assert_close(together[1], 0.3j * together[0])
    torch.testing.assert_close(together[0], method(operator, y, n_iter=8).image)
    nothing = method(operator, torch.zeros_like(y), n_iter=8)
    assert not nothing.image.any() and len(nothing.trace) == 2
    with pytest.raises(DivergenceError, match="iteration 1"):
        method(operator, torch.full_like(y, torch.nan))
    with pytest.raises(ValueError, match=r"alpha must be at least 0, got -1.0"):
        method(operator, y, alpha=-1.0)

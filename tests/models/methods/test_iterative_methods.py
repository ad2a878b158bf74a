"""What cg_sense, tv and l1_wavelet share: reports, resumption, cost, batch axes, refusals."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.methods.cg_sense import cg_sense
from proxflow.models.methods.l1_wavelet import l1_wavelet
from proxflow.models.methods.tv import tv
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError, Iteration

Method = Any
METHODS = {"cg_sense": cg_sense, "tv": tv, "l1_wavelet": partial(l1_wavelet, wavelet="haar", levels=2)}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@every_method
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("stop_at", [1, 7, 19])
def test_resumed_run_is_bit_identical(
    method: Method, dense: Any, dense_single: Any, y: Tensor, dtype: torch.dtype, stop_at: int
) -> None:
    operator, y = (dense_single if dtype == torch.complex64 else dense), y.to(dtype)
    undisturbed = method(operator, y, n_iter=20, lam=0.01, tol=0)

    saved: list[tuple[Iteration, list[Tensor]]] = []

    def monitor(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
        saved.append((iteration, [part.clone() for part in state]))

    method(operator, y, n_iter=stop_at, lam=0.01, tol=0, monitor=monitor)
    trace = [report._replace(n_iter=20) for report, _ in saved]
    checkpoint = Checkpoint(stop_at, tuple(saved[-1][1]), trace)
    resumed = method(operator, y, n_iter=20, lam=0.01, tol=0, resume=checkpoint)
    assert torch.equal(resumed.image, undisturbed.image)
    assert resumed.trace == undisturbed.trace


@every_method
def test_reports_are_true(method: Method, dense: Any, y: Tensor) -> None:
    images: list[Tensor] = []
    result = method(dense, y, n_iter=12, lam=0.01, tol=0, monitor=lambda _, state: images.append(state[0]))
    assert torch.equal(images[-1], result.image)
    for k in (3, 11):
        x, report = images[k], result.trace[k]
        residual = (dense.forward(x) - y).norm() / y.norm()
        assert report.index == k + 1 and report.n_iter == 12
        assert report.data_residual == pytest.approx(residual.item(), rel=1e-9)
        assert report.relative_change == pytest.approx(
            ((x - images[k - 1]).norm() / x.norm()).item(), rel=1e-9
        )


@every_method
def test_residual_holds_in_single_precision(method: Method, dense_single: Any, y: Tensor) -> None:
    y = y.to(torch.complex64)
    result = method(dense_single, y, n_iter=200, lam=1e-3, tol=1e-6)
    residual = (dense_single.forward(result.image) - y).to(torch.complex128).norm() / y.norm()
    assert result.image.dtype == torch.complex64
    assert 0.001 < residual < 0.2
    assert result.trace[-1].data_residual == pytest.approx(residual.item(), rel=1e-3)


@every_method
def test_one_normal_per_iteration(method: Method, dense: Any, y: Tensor) -> None:
    method(dense, y, n_iter=15, lam=0.01, tol=0)
    assert (dense.n_normal, dense.n_forward) == (15, 0)


@every_method
def test_batch_items_are_reconstructed_as_if_alone(method: Method, dense: Any, y: Tensor) -> None:
    y = y * torch.tensor([1.0, 0.2, 1.0])[:, None]
    together = method(dense, y, n_iter=15, lam=0.01, tol=0).image
    for i in range(3):
        torch.testing.assert_close(together[i], method(dense, y[i], n_iter=15, lam=0.01, tol=0).image)


@every_method
def test_tolerance_stops_and_objective_falls(method: Method, dense: Any, y: Tensor) -> None:
    result = method(dense, y, n_iter=2000, lam=0.01, tol=1e-5)
    assert len(result.trace) < 2000
    assert result.trace[-1].relative_change < 1e-5 <= result.trace[-2].relative_change
    assert result.trace[-1].objective < result.trace[0].objective < 0.5 * y.norm() ** 2


@every_method
def test_no_signal_gives_no_image(method: Method, dense: Any, y: Tensor) -> None:
    result = method(dense, torch.zeros_like(y), n_iter=5, lam=0.01)
    assert not result.image.any()
    assert result.trace == [Iteration(1, 5, 0.0, 0.0, 0.0)]


@every_method
def test_bad_numbers_are_refused(method: Method, dense: Any, y: Tensor) -> None:
    with pytest.raises(ValueError, match=r"lam must be at least 0, got -1.0"):
        method(dense, y, lam=-1.0)
    with pytest.raises(DivergenceError, match="iteration 1"):
        method(dense, torch.full_like(y, torch.nan), lam=0.01)


@pytest.mark.parametrize("name", ["tv", "l1_wavelet"])
def test_lipschitz_too_low_is_named_as_divergence(name: str, dense: Any, y: Tensor) -> None:
    with pytest.raises(DivergenceError) as caught:
        METHODS[name](dense, y, n_iter=500, lam=1e-3, tol=0, lipschitz=0.2)
    assert caught.value.last_good.isfinite().all()
    with pytest.raises(ValueError, match="lipschitz must be positive"):
        METHODS[name](dense, y, lipschitz=0.0)

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.tv import TvDenoiser
from proxflow.models.dynamic.held_out_views import split_views
from proxflow.models.dynamic.temporal_bases import temporal_basis
from proxflow.models.methods import psm as psm_methods
from proxflow.models.methods import red_psm as red_psm_method
from proxflow.models.solvers.iteration import Checkpoint, Iteration
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_projections import FrameProjections

T, J = 16, 12
TV = TvDenoiser(0.02, n_iter=20)
red_psm = partial(red_psm_method.red_psm, start="polynomial")  # the quicker start
psm = partial(psm_methods.psm, start="polynomial")
psm_tv = partial(psm_methods.psm_tv, start="polynomial")


class Coils(FrameOperator):
    """Random rows of complex coil images per frame: 'spokes' of 6 numbers."""

    def __init__(self, matrices: Tensor, mask: Tensor) -> None:
        super().__init__(mask, (6, 5), (mask.shape[1], 6))
        self.register_buffer("matrices", matrices)

    def spread(self, mask: Tensor) -> Tensor:
        return mask[..., None]

    def apply_frames(self, x: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames] @ x.flatten(1)[..., None])[..., 0].unflatten(-1, self.frame_range)

    def adjoint_frames(self, y: Tensor, frames: slice) -> Tensor:
        return (self.matrices[frames].mH @ y.flatten(1)[..., None])[..., 0].unflatten(-1, (6, 5))


def moving_object(rank: int = 3) -> Tensor:
    """(T, J, J), not negative, of exactly this rank, Psi in the span of 6 knots."""
    rng = torch.Generator().manual_seed(4)
    rows, columns = torch.meshgrid(*2 * [torch.linspace(-1, 1, J, dtype=torch.float64)], indexing="ij")
    blobs = [
        ((rows - a) ** 2 + (columns - b) ** 2 < 0.3).double() for a, b in ((0, 0), (-0.3, 0.2), (0.2, -0.2))
    ]
    basis = temporal_basis("spline", T, 6)
    psi = basis @ (0.2 + torch.rand(6, rank, dtype=torch.float64, generator=rng))
    return torch.einsum("tk,kyx->tyx", psi, torch.stack(blobs[:rank]))


def ct(
    views: int = 1, *, noise: float = 0.0, dtype: torch.dtype = torch.float64
) -> tuple[FrameProjections, Tensor, Tensor]:
    """Operator and data as a method is given them, and the object in that scale."""
    order = torch.tensor([int(f"{p:08b}"[::-1], 2) for p in range(T * views)]).reshape(T, views)
    whole = FrameProjections((J, J), (torch.pi * order / 256).numpy(), J)
    f = moving_object()
    y = whole.forward(f)
    y = y + noise * y.max() * torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    pixels = torch.eye(J * J, dtype=torch.float64).reshape(-1, J, J)
    norm = float(torch.linalg.matrix_norm(whole.frame_beam(0).forward(pixels).flatten(1), 2))
    operator = (1 / norm) * whole
    assert isinstance(operator, FrameProjections)
    scale = float(operator.adjoint(y).abs().max())
    return operator, (y / scale).to(dtype), (f * norm / scale).to(dtype)


def mri() -> tuple[Coils, Tensor]:
    rng = torch.Generator().manual_seed(3)
    matrices = torch.randn(T, 24, 30, dtype=torch.complex128, generator=rng) / 9
    operator = Coils(matrices, torch.ones(T, 4, dtype=torch.bool))
    psi = temporal_basis("spline", T, 5).to(torch.complex128)
    psi = psi @ torch.randn(5, 2, dtype=torch.complex128, generator=rng)
    images = torch.randn(2, 6, 5, dtype=torch.complex128, generator=rng)
    y = operator.forward(torch.einsum("tk,kyx->tyx", psi, images))
    return operator, y / operator.adjoint(y).abs().max()


def test_exact_rank_and_several_views_leave_no_misfit() -> None:
    """Check 8 of the specification: noise-free data of an object of rank r, Psi in the span of U."""
    operator, y, f = ct(views=6)
    found = psm(
        operator,
        y,
        n_iter=30,
        n_functions=3,
        n_knots=6,
        factor_update="cg",
        n_inner=20,
        beta=1e-7,
        xi=0.0,
        chi=0.0,
        nonnegative=False,
        tol=0.0,
        held_out_fraction=0.0,
    )
    residuals = [report.data_residual for report in found.trace]
    assert residuals[-1] < 1e-4 and residuals[-1] < residuals[0] / 20
    assert (found.image - f).norm() < 0.02 * f.norm()
    functions = torch.tensor(found.curves["temporal_functions"], dtype=torch.float64)
    torch.testing.assert_close(functions @ functions.T, torch.eye(3, dtype=torch.float64))
    true = torch.linalg.svd(f.flatten(1), full_matrices=False).U[:, :3]
    assert (true @ (true.T @ functions.T) - functions.T).norm() < 0.05  # the same span


@pytest.mark.parametrize("numbers", [
    {}, {"factor_update": "adam", "n_inner": 5}, {"semantics": "released", "n_inner": 5},
    {"held_out_fraction": 0.0}, {"patience": 1, "min_iter": 1},
])  # fmt: skip
def test_a_resumed_run_is_the_same_run(numbers: dict[str, Any]) -> None:
    operator, y, _ = ct(noise=0.01, dtype=torch.float32)
    seen: list[tuple[Iteration, tuple[Tensor, ...]]] = []

    def run(**more: Any) -> Any:
        return red_psm(operator, y, denoiser=TV, n_iter=6, n_functions=3, n_knots=6, **(numbers | more))

    whole = run(monitor=lambda report, state: seen.append((report, state)))
    for index in (3, len(seen) - 2):  # the second of them in the run on all views, where there is one
        checkpoint = Checkpoint(index, seen[index - 1][1], [report for report, _ in seen[:index]])
        resumed = run(resume=checkpoint)
        assert torch.equal(resumed.image, whole.image)
        assert repr(resumed.trace) == repr(whole.trace)  # nan is not nan
        assert resumed.curves == whole.curves
    assert len(whole.trace) > 6 or "held_out_fraction" in numbers


def test_the_iterate_that_predicts_held_out_views_best_is_delivered() -> None:
    operator, y, _ = ct(noise=0.05)
    images: list[Tensor] = []
    found = psm(
        operator, y, n_iter=60, n_functions=5, n_knots=6, held_out_fraction=0.2, patience=4, min_iter=3,
        tol=0.0, refit=False, monitor=lambda _, state: images.append(state[2]),
    )  # fmt: skip
    held = [dict(report.figures)["held_out_residual"] for report in found.trace]
    best = held.index(min(held))
    assert len(held) == max(best + 1 + 4, 3) < 60
    assert torch.equal(found.image, images[best]) and not torch.equal(found.image, images[-1])
    views = split_views(operator.mask, 0.2, 0).held
    difference = (operator.forward(found.image) - y)[views]
    assert held[best] == pytest.approx(float(difference.norm() / y[views].norm()))


def test_the_second_run_takes_all_views_and_as_many_iterations() -> None:
    operator, y, _ = ct(noise=0.05)
    numbers: dict[str, Any] = {"n_functions": 5, "n_knots": 6, "tol": 0.0}
    found = psm(operator, y, n_iter=60, held_out_fraction=0.2, patience=4, min_iter=3, **numbers)
    held = [dict(report.figures)["held_out_residual"] for report in found.trace]
    first = [value for value in held if not math.isnan(value)]
    best = first.index(min(first)) + 1
    assert len(held) == len(first) + best and len(first) == max(best + 4, 3)
    alone = psm(operator, y, n_iter=best, held_out_fraction=0.0, **numbers)
    assert torch.equal(found.image, alone.image)
    assert found.trace[-1].data_residual == alone.trace[-1].data_residual


def test_views_held_out_are_kept_from_the_solver() -> None:
    operator, y, _ = ct(noise=0.01)
    views = split_views(operator.mask, 0.2, 0).held
    changed = torch.where(views[..., None], y + 1, y)
    runs = [
        psm_tv(operator, data, n_iter=2, n_functions=3, n_knots=6, held_out_fraction=0.2, refit=False)
        for data in (y, changed)
    ]
    assert runs[0].trace[-1].data_residual == runs[1].trace[-1].data_residual
    assert dict(runs[0].trace[-1].figures) != dict(runs[1].trace[-1].figures)


@pytest.mark.parametrize("semantics", ["textbook", "released"])
def test_a_small_memory_gives_the_same_image(semantics: Any) -> None:
    operator, y, _ = ct(noise=0.01)
    runs = [
        red_psm(
            operator,
            y,
            denoiser=TV,
            semantics=semantics,
            n_iter=3,
            n_functions=3,
            n_knots=6,
            memory_bytes=memory,
        ).image
        for memory in (1, 2**28)
    ]
    torch.testing.assert_close(runs[0], runs[1], rtol=1e-9, atol=1e-12)


def test_what_is_delivered_keeps_the_constraints() -> None:
    operator, y, _ = ct(noise=0.05)
    numbers: dict[str, Any] = {"n_iter": 4, "n_functions": 3, "n_knots": 6}
    image = psm_tv(operator, y, field_of_view="disc", **numbers).image
    assert (image >= 0).all() and not image[:, 0, 0].any() and image[:, 0, J // 2].any()
    assert (psm_tv(operator, y, nonnegative=False, **numbers).image < 0).any()
    factors = psm_tv(operator, y, deliver="factors", **numbers).image
    assert int(torch.linalg.matrix_rank(factors.flatten(1), rtol=1e-8)) == 3


@pytest.mark.parametrize("complex_denoising", ["magnitude", "parts"])
def test_complex_series(complex_denoising: Any) -> None:
    operator, y = mri()
    found = red_psm(
        operator,
        y,
        denoiser=TV,
        n_iter=15,
        n_functions=2,
        n_knots=5,
        lam=1e-5,
        complex_denoising=complex_denoising,
    )
    assert found.image.is_complex()
    assert found.trace[-1].data_residual < 0.05
    held = [dict(report.figures)["held_out_residual"] for report in found.trace]
    assert min(value for value in held if not math.isnan(value)) < 0.1
    assert all(isinstance(value, float) for curve in found.curves["temporal_functions"] for value in curve)


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"n_functions": 7}, "n_functions must be"),
    ({"n_knots": 17}, "n_knots must be in 1 .. 16, the number of frames, got 17"),
    ({"lam": -1.0}, "lam must be at least 0, got -1.0"),
    ({"beta": 0.0}, "beta must be positive, got 0.0"),
    ({"held_out_fraction": 0.9}, "held_out_fraction must be between 0 and 0.5, got 0.9"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(changed: dict[str, Any], sentence: str) -> None:
    operator, y, _ = ct()
    numbers: dict[str, Any] = {"n_functions": 3, "n_knots": 6}
    with pytest.raises(ValueError) as refusal:
        red_psm(operator, y, denoiser=TV, **(numbers | changed))
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"nonnegative": True}, "nonnegative must be asked of real measurements only"),
    ({"semantics": "released"}, "semantics released must be asked of real measurements only"),
])  # fmt: skip
def test_what_is_of_real_objects_is_refused_for_complex_ones(changed: dict[str, Any], sentence: str) -> None:
    operator, y = mri()
    with pytest.raises(ValueError, match=sentence):
        red_psm(operator, y, denoiser=TV, n_functions=2, n_knots=5, **changed)


def test_a_series_of_zeros_stays_one() -> None:
    operator, y, _ = ct()
    found = psm_tv(operator, 0 * y, n_iter=3, n_functions=3, n_knots=6)
    assert not found.image.any()


def test_the_field_of_view_is_the_disc_that_a_narrow_detector_sees() -> None:
    operator, y, _ = ct(noise=0.05)
    numbers: dict[str, Any] = {"n_iter": 1, "n_functions": 2, "n_knots": 5, "held_out_fraction": 0.0}
    images = [psm(operator, y, field_of_view=one, **numbers).image for one in ("auto", "disc", "full")]
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])
    wide = FrameProjections((J, J), operator.angles_rad, 20)
    seen = [
        psm(wide, wide.forward(images[0]), field_of_view=one, **numbers).image for one in ("auto", "full")
    ]
    assert torch.equal(seen[0], seen[1])


def test_the_start_is_that_of_projections_where_there_are_some() -> None:
    operator, y, _ = ct()
    numbers: dict[str, Any] = {"n_iter": 1, "n_functions": 2, "n_knots": 5, "held_out_fraction": 0.0}
    images = [psm(operator, y, start=start, **numbers).image for start in ("auto", "prosep", "polynomial")]
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])
    operator, y = mri()
    images = [psm(operator, y, start=start, **numbers).image for start in ("auto", "low_rank", "polynomial")]
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])
    with pytest.raises(ValueError, match="operator must be FrameProjections for ProSep"):
        psm(operator, y, start="prosep", **numbers)

"""RED-PSM: a partially separable series, regularised by denoising its frames."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from proxflow.models.denoisers.denoiser import Denoiser
from proxflow.models.dynamic.factor_problem import MEMORY_BYTES, Factors
from proxflow.models.dynamic.held_out_views import split_views
from proxflow.models.dynamic.rank_choice import knots_to_try
from proxflow.models.dynamic.red_psm_admm import Delivered, FactorUpdate
from proxflow.models.dynamic.red_psm_loop import RedPsmLoop, Solver
from proxflow.models.dynamic.red_psm_setup import RedPsmSetup, Semantics, Start
from proxflow.models.dynamic.released_scale import disc
from proxflow.models.dynamic.series_denoiser import ComplexDenoising
from proxflow.models.dynamic.temporal_bases import BasisKind, temporal_basis
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_projections import FrameProjections

FieldOfView = Literal["auto", "disc", "full"]


def red_psm(
    operator: FrameOperator,
    y: Tensor,
    *,
    denoiser: Denoiser,
    n_iter: int = 100,
    lam: float = 5e-4,
    beta: float = 5e-5,
    xi: float = 1e-4,
    chi: float = 1e-4,
    n_functions: int | None = None,
    n_knots: int | None = None,
    basis: BasisKind = "spline",
    start: Start = "auto",
    semantics: Semantics = "textbook",
    factor_update: FactorUpdate = "adam",
    n_inner: int | None = None,
    n_red: int = 1,
    nonnegative: bool | None = None,
    field_of_view: FieldOfView = "auto",
    complex_denoising: ComplexDenoising = "magnitude",
    deliver: Delivered = "object",
    held_out_fraction: float = 0.1,
    refit: bool = True,
    patience: int = 20,
    min_iter: int = 20,
    tol: float = 1e-4,
    seed: int = 0,
    memory_bytes: int = MEMORY_BYTES,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """f = L Psi^T, Psi = U Z, of least data misfit + lam sum_t rho(f_t), by bilinear ADMM (``BilinearAdmm``).

    Args:
        operator: A / ||A|| of T frames (ny, nx).  y: (T, *range), scaled so that max |A^H y| = 1. The data
            term is ||A f - y||^2 / T: for one view a frame of J columns the released code's mean over
            all rays.
        denoiser: D; not called with lam = 0, which is the partially separable model alone (``psm``).
        n_functions: r = K + 1, columns of Psi; None chooses it by held-out views, see
            ``RedPsmSetup.fitted``, and with a denoiser takes two more: it bears them.
        n_knots: None tries ``knots_to_try`` and chooses in the same way.
        xi, chi: weights of ||Psi||^2 and ||L||^2. At the published 1e-6 views were predicted worse.
        basis, start, seed: see ``temporal_basis`` and ``start_factors``; "auto" is ProSep of
            projections and "low_rank" of anything else.
        semantics: "textbook"; or "released", the released code's updates (``ReleasedRedPsm``), for real
            objects, always by Adam and with f >= 0: factor_update, nonnegative and deliver are not asked.
        n_inner: steps an iteration of CG (None: 10) or Adam (None: 25).  n_red: of (11).
        nonnegative: f >= 0; None: where the object is real.
        field_of_view: "disc": zero beyond a disc as wide as a frame. "auto": that of projections whose
            detector is no wider than a frame, so that no other pixel is seen from every side.
        deliver: f, or L Psi^T.
        held_out_fraction: of the views, kept from the solver, which ends ``patience`` iterations after the
            iterate that predicts them best, but not before ``min_iter``; that iterate is delivered. With 0
            it ends after ``n_iter`` and the last is delivered.
        refit: a second run, on all views, of as many iterations as that iterate had; its last is delivered.
        tol: also end where f changes by less, relatively.
        memory_bytes: bounds the frames formed at once, and the batches given to ``denoiser``.

    image: (T, *domain).  curves: temporal_functions, the columns of an orthonormal Psi, ordered by their
    share in f, what the start tells, and the numbers of functions that were tried.
    Raises UnsuitableError where the measurements do not allow what is asked, ValueError for a number that is
    none, DivergenceError on NaN or infinity.
    Source: Iskender, Klasky & Bresler, IEEE Trans. Comput. Imaging 10:832 (2024), eq. numbers of
    docs/methods/red-psm.md. Theirs takes Adam for both factors, and the iterate that is nearest to the truth.
    """
    _check(operator, y, semantics, nonnegative, lam=lam, beta=beta, xi=xi, chi=chi)
    nonnegative = not y.is_complex() if nonnegative is None else nonnegative
    try:
        knots = knots_to_try(basis, operator.n_frames, n_knots, n_functions)
        bases = [temporal_basis(basis, operator.n_frames, d).to(y.device, y.real.dtype) for d in knots]
        views = split_views(operator.mask, held_out_fraction, seed)
        setup = RedPsmSetup(
            operator, y, denoiser, views, bases[0], _support(operator, field_of_view), lam, beta, xi,
            chi, start, semantics, factor_update, n_inner, n_red, nonnegative, complex_denoising, deliver,
            seed, memory_bytes,
        )  # fmt: skip
        setup, n_functions, tried = setup.fitted(bases, n_functions)
        found = setup.started(n_functions, refit=False)
    except (ValueError, TypeError) as error:  # TypeError: ProSep of measurements that are no projections
        raise UnsuitableError(str(error)) from None

    def again() -> tuple[Solver, Factors]:
        return setup.solver(setup.started(len(found.spatial), refit=True), refit=True)

    loop = RedPsmLoop(
        setup.solver(found, refit=False),
        again if refit and views.held.any() else None,
        n_iter=n_iter,
        tol=tol,
        patience=patience,
        min_iter=min_iter,
    )
    state, trace = loop.run(monitor=monitor, resume=resume)
    shown = temporal_curves(setup.basis.to(state.best_knots.dtype) @ state.best_knots, state.best_spatial)
    return Reconstruction(state.best, trace, {**found.curves, **tried, "temporal_functions": shown})


def temporal_curves(psi: Tensor, spatial: Tensor) -> list[list[float]]:
    """The right singular vectors of L Psi^T, by falling singular value; each list has T numbers.

    Of complex functions the real part, turned in phase so that it holds the most of the function's energy.
    Signs: the sum over the frames is not negative.
    """
    wide = torch.promote_types(psi.dtype, torch.float64)
    outer, triangle = torch.linalg.qr(psi.to(wide))
    left = torch.linalg.svd(triangle @ spatial.flatten(1).to(wide), full_matrices=False).U
    functions = outer @ left
    if functions.is_complex():
        turn = torch.exp(-0.5j * functions.square().sum(0).angle())
        functions = (functions * turn).real
    functions = functions * torch.where(functions.sum(0) < 0, -1.0, 1.0)
    found: list[list[float]] = functions.mT.tolist()
    return found


def _support(operator: FrameOperator, field_of_view: FieldOfView) -> Tensor | None:
    """bool (ny, nx): where the object may be, of what some frame's data depend on; None: everywhere."""
    inside = None if operator.support is None else operator.support.any(0)
    if field_of_view == "auto":
        field_of_view = "disc" if _sees_a_disc(operator) else "full"
    if field_of_view == "full":
        return inside
    found = disc(operator.frame_domain).to(operator.mask.device)
    return found if inside is None else found & inside


def _sees_a_disc(operator: FrameOperator) -> bool:
    """Whether these are projections onto a detector no wider than the frame, but for a column."""
    if not isinstance(operator, FrameProjections):
        return False
    width = (operator.n_columns - 1) * operator.column_size_mm
    return width <= min(operator.frame_domain) * operator.pixel_size_mm


def _check(
    operator: FrameOperator, y: Tensor, semantics: Semantics, nonnegative: bool | None, **weights: float
) -> None:
    for name, value in weights.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be at least 0, got {value}")
    if not weights["beta"]:
        raise ValueError("beta must be positive, got 0.0")
    if len(operator.frame_domain) != 2:
        raise ValueError(f"operator must be of frames (ny, nx), got {operator.frame_domain}")
    if y.shape != operator.range_shape:
        raise ValueError(f"y must have the shape {operator.range_shape}, got {tuple(y.shape)}")
    if y.is_complex() and (nonnegative or semantics == "released"):
        asked = "nonnegative" if nonnegative else "semantics released"
        raise UnsuitableError(f"{asked} must be asked of real measurements only, got {y.dtype}")

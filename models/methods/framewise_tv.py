"""Total variation, frame by frame."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.methods.per_frame import FramesAsBatch
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.tv import tv
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.frame_operator import FrameOperator


def framewise_tv(
    operator: FrameOperator,
    y: Tensor,
    *,
    n_iter: int = 100,
    lam: float = 1e-3,
    tol: float = 1e-4,
    nonnegative: bool = False,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x_t = argmin 1/2 ||A_t x_t - y_t||^2 + lam TV(x_t) for every frame on its own, by ``tv``.

    operator: of norm at most 1.  y: (T, *frame_range), scaled so that max |A^H y| = 1 over the series.
    image: (T, *frame_domain); a frame without views is zero. Frames share the stop: the relative change is
    that of the series. Raises as ``tv`` does.
    """
    return tv(
        FramesAsBatch(operator),
        y,
        n_iter=n_iter,
        lam=lam,
        tol=tol,
        nonnegative=nonnegative,
        monitor=monitor,
        resume=resume,
    )

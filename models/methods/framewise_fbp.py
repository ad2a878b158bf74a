"""Filtered back-projection, frame by frame."""

from __future__ import annotations

from torch import Tensor

from proxflow.models.dynamic.frame_fbp import fbp_in_frame
from proxflow.models.methods.one_step import one_step
from proxflow.models.methods.ramp_filter import Window
from proxflow.models.methods.result import Reconstruction
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.frame_operator import FrameOperator
from proxflow.operators.frame_projections import FrameProjections


def framewise_fbp(
    operator: FrameOperator,
    y: Tensor,
    *,
    window: Window = "ramp",
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """x_t = the filtered back-projection of the views of frame t alone, see ``fbp``.

    y: (T, view, column), real or complex, in the scale of ``operator``.  image: (T, ny, nx); a frame without
    views is zero. Reported as one iteration, which costs one forward.
    Raises TypeError unless the operator is ``FrameProjections``, and as ``fbp`` does.
    """
    if not isinstance(operator, FrameProjections):
        raise TypeError(f"operator must be FrameProjections, got {type(operator).__name__}")
    image = y.new_zeros(operator.domain_shape)
    for frame, views in enumerate(operator.mask.cpu()):
        if views.any():
            sinogram = y[frame, views.to(y.device)] / operator.gain
            image[frame] = fbp_in_frame(operator, sinogram, operator.angles_rad[frame, views.numpy()], window)
    return one_step(operator, y, image, monitor=monitor, resume=resume)

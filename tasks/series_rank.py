"""Whether a series has as many frames as a method asks functions of time of it."""

from __future__ import annotations

from proxflow.configs.methods import MethodConfig
from proxflow.configs.methods_psm import PartiallySeparable
from proxflow.models.dynamic.rank_choice import knots_to_try
from proxflow.models.dynamic.start_values import check_rank as fits
from proxflow.models.dynamic.temporal_bases import temporal_basis
from proxflow.tasks.errors import RequestError


def check_rank(method: MethodConfig, n_frames: int) -> None:
    """RequestError, in the words of the method itself, where its knots or functions outnumber the frames."""
    if not isinstance(method, PartiallySeparable):
        return
    try:
        most = max(knots_to_try(method.basis, n_frames, method.n_knots, method.n_functions))
        basis = temporal_basis(method.basis, n_frames, most)
        if method.n_functions is not None:
            fits(basis, method.n_functions)
    except ValueError as error:
        raise RequestError(f"reconstruct.{method.method}: {error}") from None

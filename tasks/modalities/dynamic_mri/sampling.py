"""How sparsely the frames of a series are sampled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.masks.acceleration import acceleration
from proxflow.tasks.errors import RequestError


def sampling_facts(
    kept: NDArray[np.bool_], matrix: tuple[int, int], *, spokes: bool
) -> tuple[dict[str, Any], str]:
    """``acceleration`` of a frame on the average, as JSON, and a sentence.

    kept: bool (frame, spoke) or (frame, ky, kx). Of spokes: pi/2 n, which full sampling takes, over those of
    a frame.
    """
    if not kept.any():
        raise RequestError("prepare must leave a sample to a method, got none")
    if not spokes:
        factor = acceleration(kept)
        return {"acceleration": factor}, f"{len(kept)} frames on a grid, R = {factor:.3f} on the average"
    each, nyquist = float(kept.sum()) / len(kept), np.pi / 2 * max(matrix)
    return {"acceleration": nyquist / each}, (
        f"{len(kept)} frames of {each:.3g} spokes: a matrix of {max(matrix)} needs {nyquist / each:.3g} "
        "times as many"
    )

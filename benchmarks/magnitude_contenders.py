"""The methods of the table, with the numbers tried for each."""

from __future__ import annotations

import hashlib
import time
from functools import lru_cache
from typing import Any, NamedTuple

from torch import Tensor

from benchmarks.magnitude_scenes import Posed
from proxflow.models.methods.back_projection import back_projection
from proxflow.models.methods.deep2s import deep2s
from proxflow.models.methods.kirchhoff import kirchhoff
from proxflow.models.methods.l1 import l1
from proxflow.models.methods.pnp_magnitude import pnp_magnitude
from proxflow.models.methods.tv_magnitude import tv_magnitude
from proxflow.models.methods.zero_filled import zero_filled
from proxflow.tasks.denoisers import file_of, name_parts
from proxflow.tasks.volume_networks import open_deep2s, open_level_denoiser

Numbers = dict[str, Any]

DIRECT = {"back_projection": back_projection, "kirchhoff": kirchhoff}
ITERATIVE = {"l1": l1, "tv_magnitude": tv_magnitude}
PNP, ESTIMATED, DEEP2S = "pnp_magnitude", "pnp_magnitude, epsilon estimated", "deep2s"
METHODS = ("zero_filled", *DIRECT, *ITERATIVE, DEEP2S, PNP)
START: dict[str, Numbers] = {
    "l1": {"alpha": 0.1, "kappa": 0.013, "n_iter": 30},
    "tv_magnitude": {"alpha": 0.03, "kappa": 0.013, "n_iter": 3},
    PNP: {"sigma": 0.2, "kappa": 0.013, "n_iter": 15, "average": False, "update": "woodbury"},
}
# One number after the other, the others at their best so far, then their neighbours
GRIDS: dict[str, tuple[tuple[str, tuple[float, ...]], ...]] = {
    "l1": (("alpha", (0.03, 0.1, 0.3)), ("n_iter", (3, 10, 30, 100))),
    "tv_magnitude": (("n_iter", (3, 10, 30)), ("alpha", (0.003, 0.01, 0.03, 0.1))),
    PNP: (
        ("sigma", (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2)),
        ("kappa", (0.0043, 0.013, 0.04)),
        ("n_iter", (3, 5, 8, 15, 30)),
        ("average", (False, True)),
    ),
}


class Networks(NamedTuple):
    """Names as in recipes."""

    denoiser: str = "unet3d-radar"
    deep2s: str = "deep2s-radar"

    def weights(self, method: str) -> str:
        """A digest of the weights a method stands on, so that figures of others are not taken for its own."""
        name = {PNP: self.denoiser, ESTIMATED: self.denoiser, DEEP2S: self.deep2s}.get(method)
        path = None if name is None else file_of(name)
        if path is None:
            return name or ""
        precision = name_parts(name or "")[1]
        return f"{path.name}{precision} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


class Solved(NamedTuple):
    images: Tensor  # complex64 (scene, z, y, x)
    cpu_seconds: float  # of all threads, per scene
    iterations: int  # of the scene that took most


def solved(method: str, problem: Posed, numbers: Numbers, networks: Networks) -> Solved:
    """The scenes by one method, all in one call; networks are opened before the clock starts."""
    array, operator, y, epsilon = problem.array, problem.operator, problem.y, problem.epsilon
    denoiser = _denoiser(networks.denoiser) if method in (PNP, ESTIMATED) else None
    network = _deep2s(networks.deep2s) if method == DEEP2S else None
    array.forward(problem.truth[0].to(y.dtype))  # makes the factors, which all methods share
    began = time.process_time()
    if method in ITERATIVE:
        found = ITERATIVE[method](operator, y, epsilon=epsilon, **numbers)
    elif method == PNP:
        found = pnp_magnitude(operator, y, denoiser=denoiser, epsilon=epsilon, **numbers)
    elif method == ESTIMATED:
        found = pnp_magnitude(operator, y, denoiser=denoiser, epsilon=None, **numbers)
    elif network is not None:
        found = deep2s(array, y, network=network)
    else:
        found = DIRECT[method](array, y) if method in DIRECT else zero_filled(operator, y)
    seconds = time.process_time() - began
    return Solved(found.image, seconds / len(y), len(found.trace))


@lru_cache(maxsize=1)
def _denoiser(name: str) -> Any:
    return open_level_denoiser(name)


@lru_cache(maxsize=1)
def _deep2s(name: str) -> Any:
    return open_deep2s(name)

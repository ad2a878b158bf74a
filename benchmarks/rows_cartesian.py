"""CartesianSense against SigPy, deepinv and its own FFTs, and Wavelet against PyWavelets."""

from __future__ import annotations

from collections.abc import Iterator
from math import log2

import numpy as np
import pywt
import sigpy.mri
import torch
from torch import Tensor

from benchmarks.deepinv_physics import deepinv_physics
from benchmarks.machine_limits import fft_limit
from benchmarks.operator_row import Contenders, Row, compared, set_up
from benchmarks.sense_problem import SenseProblem, sense_problem
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.wavelet import Wavelet

SIZES = {"small": (160, 320), "all": (160, 320, 640)}
MASK_SIZE = 320  # where masks of lines are compared too
N_COILS = 8


def rows(sizes: str) -> Iterator[Row]:
    """Every action of every implementation for the named sizes ("small" or "all")."""
    for n in SIZES[sizes]:
        yield from _sense_rows(n, "points", work=N_COILS * n**2 * log2(n))
    for kind in ("kx lines", "ky lines"):
        yield from _sense_rows(MASK_SIZE, kind)
    for n in SIZES[sizes]:
        yield from _wavelet_rows(n)


def _sense_rows(n: int, kind: str, work: float = 0.0) -> Iterator[Row]:
    problem = sense_problem(N_COILS, n, kind)
    row = Row("CartesianSense", f"{N_COILS} coils, {n} x {n}, mask of {kind}", "", "", work=work)
    ours = CartesianSense(problem.mask, problem.coil_maps)
    yield set_up(row, "proxflow", lambda: CartesianSense(problem.mask, problem.coil_maps))
    exact = CartesianSense(problem.mask, problem.coil_maps.to(torch.complex128))
    x = problem.x.to(torch.complex128)
    truths = {"forward": exact(x), "adjoint": exact.adjoint(exact(x)), "normal": exact.normal(x)}
    for action, contenders in _contenders(ours, problem).items():
        limit = fft_limit(2 if action == "normal" else 1, N_COILS, (n, n), "per coil")
        found = Row(row.operator, row.size, action, "", work=work)
        yield from compared(
            found, contenders, truths=truths[action], limits={"proxflow": limit}, as_array=_as_complex
        )


def _contenders(ours: CartesianSense, problem: SenseProblem) -> dict[str, Contenders]:
    x, mask, maps = problem
    y = ours.forward(x)
    theirs = sigpy.mri.linop.Sense(maps.numpy(), weights=mask.numpy().astype(np.float32))
    x_array, y_array = x.numpy(), y.numpy()
    forward: Contenders = {"proxflow": lambda: ours.forward(x), "sigpy Sense": lambda: theirs * x_array}
    adjoint: Contenders = {"proxflow": lambda: ours.adjoint(y), "sigpy Sense": lambda: theirs.H * y_array}
    normal: Contenders = {"proxflow": lambda: ours.normal(x), "sigpy Sense": lambda: theirs.N * x_array}
    deepinv = deepinv_physics()
    if deepinv is not None:
        physics = deepinv.MultiCoilMRI(mask=mask.float(), coil_maps=maps, img_size=(2, *mask.shape))
        x_pair, y_pair = _as_channels(x), _as_channels(y)
        forward["deepinv MultiCoilMRI"] = lambda: physics.A(x_pair)
        adjoint["deepinv MultiCoilMRI"] = lambda: physics.A_adjoint(y_pair)
        normal["deepinv MultiCoilMRI"] = lambda: physics.A_adjoint(physics.A(x_pair))
    return {"forward": forward, "adjoint": adjoint, "normal": normal}


def _wavelet_rows(n: int) -> Iterator[Row]:
    """Four levels of db4, forward."""
    x = sense_problem(1, n).x
    W, array = Wavelet((n, n)), x.numpy()
    contenders: Contenders = {
        "proxflow": lambda: W.forward(x),
        "pywt.wavedec2": lambda: pywt.wavedec2(array, "db4", "periodization", 4),
    }
    row = Row("Wavelet", f"db4, 4 levels, {n} x {n}, complex", "forward", "", work=n**2)
    yield from compared(row, contenders, truths={"proxflow": W.forward(x.to(torch.complex128))})


def _as_channels(array: Tensor) -> Tensor:
    """deepinv's layout: (1, 2, ...) with real and imaginary part as channels."""
    return torch.view_as_real(array).movedim(-1, 0)[None].contiguous()


def _as_complex(result: object) -> Tensor:
    """Any contender's result as a complex tensor without batch."""
    array = torch.as_tensor(result)
    return array if array.is_complex() else torch.complex(array[0, 0], array[0, 1])

"""Projections of a series, one view per frame, against a dense tensor and an operator per frame.

    python -m benchmarks.dynamic_projections [--frames 128] [--size 128] [--stacked] [--threads N]

from the root of the repository. The dense tensor, [P, m, J^2] of float32 with a batched product, is how the
code released with RED-PSM projects; it holds the bilinear model's weights, with m = J detector bins, or
m = 2J with --stacked, as there, where the view from behind is stacked below each view: 2.1 GB for the
default sizes, half of it without. The memory is what each holds between calls.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from math import pi

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine_limits import bytes_limit
from benchmarks.operator_row import Contenders, Row, compared, set_up
from benchmarks.operator_table import TablePrinter
from proxflow.operators.base import LinearOperator
from proxflow.operators.bilinear_radon import BilinearRadon
from proxflow.operators.frame_projections import FrameProjections
from proxflow.operators.parallel_beam import ParallelBeam
from proxflow.operators.partially_separable import PartiallySeparable
from proxflow.operators.per_frame import PerFrame

RANK = 7  # of the object's factors, as for P = 128 in the released configuration
GOLDEN = pi * (3 - 5**0.5) / 2


class DenseViews(LinearOperator):
    """y_t = R_t x_t with R a dense tensor (frame, m, J^2), float32."""

    def __init__(self, angles_rad: np.ndarray, n: int, stacked: bool) -> None:
        super().__init__()
        behind = (0.0, pi) if stacked else (0.0,)
        self.domain_shape, self.range_shape = (len(angles_rad), n, n), (len(angles_rad), len(behind) * n)
        self.matrices = torch.empty(*self.range_shape, n * n)
        bins = torch.eye(n)[:, None]
        for matrix, angle in zip(self.matrices, angles_rad, strict=True):
            for part, turn in zip(matrix.split(n), behind, strict=True):
                part.copy_(BilinearRadon((n, n), [angle + turn]).adjoint(bins).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        # einsum, and the tensor from the left, took six times as long
        return torch.bmm(x.flatten(1)[:, None], self.matrices.mT)[:, 0]

    def adjoint(self, y: Tensor) -> Tensor:
        return torch.bmm(y[:, None], self.matrices)[:, 0].unflatten(-1, self.domain_shape[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=128)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--stacked", action="store_true")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads")
    table = TablePrinter()
    for row in rows(arguments.frames, arguments.size, arguments.stacked):
        table.add(row)
    table.flush()


def rows(frames: int, n: int, stacked: bool) -> Iterator[Row]:
    """Set-up, forward, adjoint and normal of every operator, then of an object's factors."""
    angles = np.arange(frames) * GOLDEN % pi
    row = Row("FrameProjections", f"{frames} frames of {n} x {n}, one view each", "", "")
    makers = {
        "proxflow joseph": lambda: FrameProjections((n, n), angles[:, None], n),
        "proxflow bilinear": lambda: FrameProjections((n, n), angles[:, None], n, model="bilinear"),
        f"dense [{frames}, {(1 + stacked) * n}, {n}^2]": lambda: DenseViews(angles, n, stacked),
        "a ParallelBeam per frame": lambda: _beams(angles, n),
    }
    operators: dict[str, LinearOperator] = {}
    for name, make in makers.items():
        make_and_keep = lambda name=name, make=make: operators.update({name: make()})  # noqa: E731
        yield replace(set_up(row, name, make_and_keep), bytes=held_bytes(operators[name]))
    yield from _compared(row, operators)
    yield from _factor_rows(row, operators)


def held_bytes(operator: LinearOperator) -> int:
    """Bytes that one of this benchmark's operators keeps between calls."""
    if isinstance(operator, FrameProjections):
        return operator.held_bytes
    if isinstance(operator, DenseViews):
        return operator.matrices.nbytes
    beams = [part for part in operator.modules() if isinstance(part, ParallelBeam)]
    return sum(
        array.nbytes for beam in beams for marched in beam.transform._marched for array in marched.arrays
    )


def _comparable(operator: LinearOperator) -> bool:
    """Whether it makes the numbers of ours: not where each view is there twice."""
    return not isinstance(operator, DenseViews) or operator.range_shape[1] == operator.domain_shape[1]


def _beams(angles: np.ndarray, n: int) -> PerFrame:
    return PerFrame([ParallelBeam((n, n), [angle], n) for angle in angles])


def _compared(row: Row, operators: dict[str, LinearOperator]) -> Iterator[Row]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(next(iter(operators.values())).domain_shape, generator=generator)
    seen = {name: A.forward(x) for name, A in operators.items()}
    exact = {name: A for name, A in operators.items() if not isinstance(A, DenseViews)}
    exact |= dict.fromkeys(set(operators) - set(exact), operators["proxflow bilinear"])
    truths = {name: A.forward(x.double()) for name, A in exact.items()}
    memory = {name: held_bytes(A) for name, A in operators.items()}
    limits = {
        name: bytes_limit(A.matrices.nbytes, "of matrix")
        if isinstance(A, DenseViews)
        else bytes_limit(x.nbytes, "of images")
        for name, A in operators.items()
    }
    actions: dict[str, Contenders] = {
        "forward": {name: lambda A=A: A.forward(x) for name, A in operators.items()},  # type: ignore[misc]
        "adjoint": {name: lambda A=A, y=seen[name]: A.adjoint(y) for name, A in operators.items()},  # type: ignore[misc]
        "normal": {name: lambda A=A: A.normal(x) for name, A in operators.items()},  # type: ignore[misc]
    }
    images = {name: A.adjoint(truths[name]) for name, A in exact.items()}
    for action, contenders in actions.items():
        expected = truths if action == "forward" else images
        yield from compared(
            replace(row, action=action),
            contenders,
            truths={name: np.ravel(expected[name]) for name in contenders if _comparable(operators[name])},
            limits=limits,
            memory=dict(memory),
            as_array=np.ravel,
        )


def _factor_rows(row: Row, operators: dict[str, LinearOperator]) -> Iterator[Row]:
    """The same for Lambda Psi^T: forward from the factors, and the adjoint onto Lambda."""
    ours, beams = operators["proxflow joseph"], operators["a ParallelBeam per frame"]
    generator = torch.Generator().manual_seed(1)
    psi = torch.rand(ours.domain_shape[0], RANK, generator=generator)
    factors = torch.rand(RANK, *ours.domain_shape[1:], generator=generator)
    others = [part for part in beams.modules() if isinstance(part, ParallelBeam)]
    separable = PartiallySeparable(others, psi)
    frames = lambda: (psi @ factors.flatten(1)).unflatten(-1, factors.shape[1:])  # noqa: E731
    seen = ours.forward(frames())
    row = replace(row, operator=f"projections of {RANK} factors")
    forward: Contenders = {
        "proxflow joseph": lambda: ours.forward(frames()),
        "PartiallySeparable": lambda: separable.forward(factors).flatten(1),
    }
    adjoint: Contenders = {
        "proxflow joseph": lambda: psi.T @ ours.adjoint(seen).flatten(1),
        "PartiallySeparable": lambda: separable.adjoint(seen).flatten(1),
    }
    memory = {"proxflow joseph": held_bytes(ours), "PartiallySeparable": held_bytes(beams)}
    yield from compared(replace(row, action="forward"), forward, memory=dict(memory))
    yield from compared(replace(row, action="adjoint"), adjoint, memory=dict(memory))


if __name__ == "__main__":
    main()

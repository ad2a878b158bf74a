"""CartesianSense against SigPy, deepinv and its own FFTs, in one process on one input.

    python -m benchmarks.operators [--coils 8] [--size 320] [--repeats 200] [--threads N]

from the root of the repository; deepinv takes part where it is installed (benchmarks/README.md).
Contenders take turns; all results are compared before the timing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import sigpy.mri
import torch
from torch import Tensor

from benchmarks.deepinv_physics import deepinv_operator
from benchmarks.interleaved import print_table, time_interleaved
from benchmarks.sense_problem import SenseProblem, sense_problem
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.wavelet import Wavelet

Contenders = dict[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--coils", type=int, default=8)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.coils} x {arguments.size}^2")
    with torch.no_grad():
        for kind in ("points", "kx lines", "ky lines"):
            problem = sense_problem(arguments.coils, arguments.size, kind)
            compare_sense(kind, problem, arguments.repeats)
        compare_wavelet(problem.x, arguments.repeats)


def compare_sense(kind: str, problem: SenseProblem, repeats: int) -> None:
    """Print forward, adjoint and normal for one mask."""
    forward, adjoint, normal = sense_contenders(problem)
    for name, contenders in (("forward", forward), ("adjoint", adjoint), ("normal", normal)):
        check_agreement(contenders)
        add_fft_limits(contenders, problem.coil_maps, 2 if name == "normal" else 1)
        timings = time_interleaved(contenders, repeats)
        print_table(f"{name}, mask of {kind}", timings, "proxflow")


def sense_contenders(problem: SenseProblem) -> tuple[Contenders, Contenders, Contenders]:
    x, mask, maps = problem
    ours = CartesianSense(mask, maps)
    y = ours.forward(x)
    theirs = sigpy.mri.linop.Sense(maps.numpy(), weights=mask.numpy().astype(np.float32))
    x_array, y_array = x.numpy(), y.numpy()
    forward: Contenders = {"proxflow": lambda: ours.forward(x), "sigpy A * x": lambda: theirs * x_array}
    adjoint: Contenders = {"proxflow": lambda: ours.adjoint(y), "sigpy A.H * y": lambda: theirs.H * y_array}
    normal: Contenders = {"proxflow": lambda: ours.normal(x), "sigpy A.N * x": lambda: theirs.N * x_array}
    physics = deepinv_operator(mask, maps)
    if physics is not None:
        x_pair, y_pair = as_channels(x), as_channels(y)
        forward["deepinv A(x)"] = lambda: physics.A(x_pair)
        adjoint["deepinv A_adjoint(y)"] = lambda: physics.A_adjoint(y_pair)
        normal["deepinv A_adjoint(A(x))"] = lambda: physics.A_adjoint(physics.A(x_pair))
    return forward, adjoint, normal


def add_fft_limits(contenders: Contenders, coil_images: Tensor, n_transforms: int) -> None:
    """The 2-D FFTs alone: all coils in one call, and two coils at a time, which the cache likes better."""

    def transform(chunk: Tensor) -> None:
        for _ in range(n_transforms):
            chunk = torch.fft.fft2(chunk)

    contenders[f"{n_transforms} x torch.fft.fft2, all coils"] = lambda: transform(coil_images)
    pairs = coil_images.split(2)
    contenders[f"{n_transforms} x torch.fft.fft2, 2 by 2"] = lambda: [transform(pair) for pair in pairs]


def compare_wavelet(x: Tensor, repeats: int) -> None:
    """Print four levels of db4, forward, against PyWavelets."""
    import pywt

    W, array = Wavelet((x.shape[0], x.shape[1])), x.numpy()
    contenders: Contenders = {
        "proxflow": lambda: W.forward(x),
        "pywt.wavedec2": lambda: pywt.wavedec2(array, "db4", "periodization", 4),
    }
    timings = time_interleaved(contenders, repeats)
    print_table("wavelet db4, 4 levels, complex64", timings, "proxflow")


def as_channels(array: Tensor) -> Tensor:
    """deepinv's layout: (1, 2, ...) with real and imaginary part as channels."""
    return torch.view_as_real(array).movedim(-1, 0)[None].contiguous()


def as_complex(result: object) -> Tensor:
    """Any contender's result as a complex tensor without batch."""
    array = torch.as_tensor(result)
    return array if array.is_complex() else torch.view_as_complex(array[0].movedim(0, -1).contiguous())


def check_agreement(contenders: Contenders) -> None:
    """Raise AssertionError unless all contenders compute the same to 1e-6."""
    results = {name: as_complex(call()) for name, call in contenders.items()}
    for name, result in results.items():
        error = float((result - results["proxflow"]).norm() / result.norm())
        if not error < 1e-6:
            raise AssertionError(f"{name} must agree with proxflow to 1e-6, got {error:g}")


if __name__ == "__main__":
    main()

"""Non-uniform fast Fourier transforms in two dimensions, on the CPU by finufft and on CUDA by cufinufft."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxflow.operators.base import check_trailing_axes
from proxflow.operators.threads import run_chunks

# Reached with a fine grid of 1.25 times the image: in single precision the rounding of the points allows
# no more than about 3e-5 on 320 x 320, and asking for less costs finufft a wider kernel or a doubled grid.
SINGLE_TOLERANCE = 3e-5
DOUBLE_TOLERANCE = 1e-12
FINEST_SINGLE = 1e-6  # finufft warns below
MAX_IDLE_PLANS = 16


class Nufft:
    """The sums  y_m = sum_n x_n exp(-i p_m . n)  (type 2) and their adjoint (type 1), for many x at once.

    Args:
        points: float (sample, 2), p in radians per pixel, (y, x) order; the sums have period 2 pi in it.
        shape: (ny, nx) of x; pixel indices n run from -(n // 2), the centre being ``n // 2``.
        tolerance: relative l2 error aimed at; None for 3e-5 in single and 1e-12 in double precision.
            Single precision is never asked for less than 1e-6.

    ``adjoint`` is the transpose of the same computation, so that the pair is adjoint to rounding whatever
    the tolerance. The dtype and the device of the argument decide where and how precisely is computed;
    the points are rounded to that precision. Neither scaled nor differentiable: see ``NonCartesianSense``.

    Each transform runs in one thread and the transforms of a call are shared among our own: finufft's own
    threads were as fast on a quiet machine and several times slower on a busy one. Plans (sorted points,
    FFT tables) are kept and lent to one caller at a time, so any number of threads may call at once;
    copies and pickles leave them behind.

    Raises ImportError where cufinufft is needed and not installed.
    Source: Barnett, Magland & af Klinteberg, SIAM J. Sci. Comput. 41:C479 (2019).
    """

    def __init__(self, points: Tensor, shape: tuple[int, int], tolerance: float | None = None) -> None:
        if tolerance is not None and not 1e-14 <= tolerance <= 0.1:
            raise ValueError(f"tolerance must be between 1e-14 and 0.1, got {tolerance}")
        self.points = points.detach().to("cpu", torch.float64)
        self.shape = (int(shape[0]), int(shape[1]))
        self.tolerance = tolerance
        self._start_pool()

    def forward(self, images: Tensor) -> Tensor:
        """complex (n, ny, nx) -> (n, sample)."""
        check_trailing_axes("images", images, self.shape)
        return self._execute(images, (len(images), len(self.points)), adjoint=False)

    def adjoint(self, samples: Tensor) -> Tensor:
        """complex (n, sample) -> (n, ny, nx)."""
        check_trailing_axes("samples", samples, self.points.shape[:1])
        return self._execute(samples, (len(samples), *self.shape), adjoint=True)

    def _execute(self, source: Tensor, shape: tuple[int, ...], *, adjoint: bool) -> Tensor:
        source, target = source.resolve_conj().contiguous(), source.new_empty(shape)
        if not len(source):
            return target
        if source.device.type == "cuda":
            stream = torch.cuda.current_stream(source.device).cuda_stream
            with self._plan(_Key(source.dtype, len(source), source.device, stream, adjoint)) as plan:
                plan.execute(source, out=target)
            return target

        arrays = source.numpy(), target.numpy()

        def work(start: int, stop: int) -> None:
            with self._plan(_Key(source.dtype, stop - start, source.device)) as plan:
                execute = plan.execute_adjoint if adjoint else plan.execute
                execute(arrays[0][start:stop], out=arrays[1][start:stop])

        run_chunks(work, len(source))
        return target

    @contextmanager
    def _plan(self, key: _Key) -> Iterator[Any]:
        """A plan that nobody else uses meanwhile."""
        with self._lock:
            found = next((entry for entry in self._idle if entry[0] == key), None)
            if found is not None:
                self._idle.remove(found)
        plan = self._make_plan(key) if found is None else found[1]
        yield plan
        with self._lock:
            self._idle.append((key, plan))
            del self._idle[:-MAX_IDLE_PLANS]

    def _make_plan(self, key: _Key) -> Any:
        options = self._options(key.dtype)
        real = torch.float64 if key.dtype == torch.complex128 else torch.float32
        ky, kx = self.points.to(key.device, real).T.contiguous()
        name = str(key.dtype).removeprefix("torch.")
        if key.device.type == "cuda":
            options |= {"gpu_device_id": key.device.index, "gpu_stream": key.stream}
            nufft_type, isign = (1, 1) if key.adjoint else (2, -1)
            plan = _cufinufft().Plan(
                nufft_type, self.shape, key.n_transforms, isign=isign, dtype=name, **options
            )
            plan.setpts(ky, kx)
            return plan
        import finufft

        # maxbatchsize: a fine grid for one image at a time, which is as fast in one thread.
        plan = finufft.Plan(
            2, self.shape, key.n_transforms, isign=-1, dtype=name, nthreads=1, maxbatchsize=1, **options
        )
        plan.setpts(ky.numpy(), kx.numpy())
        return plan

    def _options(self, dtype: torch.dtype) -> dict[str, float]:
        """The tolerance, and the smallest fine grid, as a multiple of the image, that reaches it."""
        if dtype == torch.complex128:
            tolerance = DOUBLE_TOLERANCE if self.tolerance is None else self.tolerance
            return {"eps": tolerance, "upsampfac": 1.25 if tolerance >= 1e-9 else 2.0}
        tolerance = SINGLE_TOLERANCE if self.tolerance is None else max(self.tolerance, FINEST_SINGLE)
        return {"eps": tolerance, "upsampfac": 1.25 if tolerance >= SINGLE_TOLERANCE else 2.0}

    def _start_pool(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[_Key, Any]] = []

    def __getstate__(self) -> dict[str, Any]:
        return {"points": self.points, "shape": self.shape, "tolerance": self.tolerance}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_pool()


class _Key(NamedTuple):
    """What a plan is made for; on the CPU one plan serves both directions and every stream."""

    dtype: torch.dtype
    n_transforms: int
    device: torch.device
    stream: int = 0
    adjoint: bool = False


def _cufinufft() -> Any:
    try:
        import cufinufft
    except ImportError as error:
        raise ImportError(
            "cufinufft must be installed to compute a NUFFT on CUDA, got no such package; "
            "pip install cufinufft, or move the tensors to the CPU"
        ) from error
    return cufinufft

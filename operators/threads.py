"""Work split over threads, for kernels that release the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise

import torch

Work = Callable[[int, int], None]


def n_threads() -> int:
    """Threads an operator may use: torch's number, so that one setting holds for all of them."""
    return torch.get_num_threads()


def run_chunks(work: Work, n: int, *, n_chunks: int | None = None) -> None:
    """``work(start, stop)`` over ``range(n)`` in ``n_chunks`` contiguous parts, one per thread by default.

    More parts than threads even out work of uneven cost. Waits for all of them and raises the first error.
    Raises ValueError if ``n_chunks`` is below one.
    """
    threads = n_threads()
    parts = min(n, threads if n_chunks is None else n_chunks)
    if n_chunks is not None and n_chunks < 1:
        raise ValueError(f"n_chunks must be at least 1, got {n_chunks}")
    bounds = [n * part // max(parts, 1) for part in range(parts + 1)]
    if threads == 1 or parts <= 1:
        for start, stop in pairwise(bounds):
            work(start, stop)
        return
    futures = [_pool(threads).submit(work, start, stop) for start, stop in pairwise(bounds)]
    errors = [future.exception() for future in futures]
    for error in errors:
        if error is not None:
            raise error


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="proxflow-operator")

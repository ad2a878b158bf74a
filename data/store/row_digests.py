"""Digests of the rows of an array, so that each can be checked when it alone is read."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from proxflow.data.store.keys import DIGEST_BYTES


def digest_rows(rows: np.ndarray) -> list[bytes]:
    """BLAKE2b of the bytes of each row along the first axis."""
    contiguous = np.ascontiguousarray(rows)
    return [
        hashlib.blake2b(row.reshape(-1).view(np.uint8), digest_size=DIGEST_BYTES).digest()
        for row in contiguous
    ]


def running_digest(dtype: Any, shape: tuple[int, ...]) -> Any:
    """A hash that has seen an array's type and shape, to be fed its bytes or the digests of its rows."""
    return hashlib.blake2b(f"{np.dtype(dtype)}{tuple(shape)}".encode(), digest_size=DIGEST_BYTES)

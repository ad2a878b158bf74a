"""How the loops of our CPU kernels are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

# Without the interpreter's lock, kept on disk; sums may be reordered, NaN and infinity keep their meaning
kernel: Any = njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})

"""Still pictures in memory: images that are themselves the measurement, or that one is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StillPicture:
    """One or more grey pictures of one size.

    Attributes:
        samples: real float32 (item, y, x), in the unit of the file.
        labels: what each item is, such as "image 3".
        source: where the pictures came from: name, licence, changes, units.
    """

    samples: NDArray[np.float32]
    labels: tuple[str, ...]
    source: Mapping[str, str] = field(default_factory=dict)

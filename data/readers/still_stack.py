"""Stacks of still images, whatever file they lie in."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray


def _nothing() -> None:
    """Of stacks that keep no file open."""


@dataclass(frozen=True)
class StillStack:
    """Images (..., y, x) of a file or folder, each read when it is asked for. A context manager.

    Args:
        shape: of all images together.
        dtype: of the values in the file, or after its scaling.
        plane: the image (y, x) at an index of the axes before these; ScanError where it is damaged.
        whose: the subject of each image, () where the file does not say.
        source: what the file says of itself.
        files: what a folder is made of.
        held_bytes: the most that is kept in memory beside an image, of forms that cannot be read image by
            image.
        close: closes what is open.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    plane: Callable[[tuple[int, ...]], NDArray]
    whose: Sequence[str] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    held_bytes: int = 0
    close: Callable[[], None] = _nothing

    @property
    def n_images(self) -> int:
        return math.prod(self.shape[:-2])

    def image(self, number: int) -> NDArray:
        """Image ``number``, (y, x), the last of the axes before these counting fastest."""
        return self.plane(tuple(int(one) for one in np.unravel_index(number, self.shape[:-2])))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def mapped_stack(array: NDArray) -> StillStack:
    """The images of an array that is mapped into memory: pages of it are read as they are used."""
    return StillStack(array.shape, array.dtype, lambda index: array[index])


def held_stack(
    load: Callable[[], NDArray],
    shape: tuple[int, ...],
    dtype: np.dtype,
    whose: Sequence[str] = (),
    *,
    held_bytes: int,
) -> StillStack:
    """The images of an array that can only be read as a whole: ``load`` does, when the first one is asked
    for, since many open a file for its form alone."""
    whole = functools.cache(load)
    return StillStack(shape, dtype, lambda index: whole()[index], whose, held_bytes=held_bytes)

"""What a simulation is made of: the image asked for, and what the scan's file says of it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.readers.image_source import ImageSource, Stack, read_images
from proxflow.data.samples.catalogue import SCHEME
from proxflow.tasks.errors import RequestError
from proxflow.tasks.simulation.breathing_motion import breathing_motion
from proxflow.tasks.simulation.piecewise_affine_motion import piecewise_affine_motion
from proxflow.tasks.simulation.requests import CtRequest, SimulationRequest

SMALLEST, LARGEST = 16, 1024  # pixels
MOST_VALUES = 1 << 28  # of a series: 2 GiB in double precision
GREATEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Subject:
    """Images real (time, y, x) turned as asked, with the (y, x) size of their pixels in mm or None."""

    images: NDArray[np.float64]
    pixel_mm: tuple[float, float] | None
    read: ImageSource


def read_subject(
    image: str,
    request: SimulationRequest,
    *,
    stack: Stack,
    times: Sequence[int] | None = None,
    unsigned: bool = False,
) -> Subject:
    """The images that ``request`` asks for; ScanError where they cannot be read."""
    read = read_images(
        image, stack=stack, slice_index=request.slice, times=times, key=request.key, unsigned=unsigned
    )
    turned = np.rot90(read.values, request.turn // 90, axes=(1, 2))
    sizes = read.pixel_mm if request.pixel_mm is None else (request.pixel_mm, request.pixel_mm)
    if sizes is not None and request.turn % 180:
        sizes = sizes[::-1]
    return Subject(turned, sizes, read)


def check_request(request: SimulationRequest) -> None:
    """Raise RequestError for numbers that no simulation can be made with."""
    if not SMALLEST <= request.size <= LARGEST:
        raise RequestError(f"--size must lie between {SMALLEST} and {LARGEST} pixels, got {request.size}")
    most = MOST_VALUES // request.size**2
    if not 1 <= request.frames <= most:
        raise RequestError(
            f"--frames must lie between 1 and {most} for {request.size} pixels, got {request.frames}"
        )
    if not 0 <= request.seed <= GREATEST_SEED:
        raise RequestError(f"--seed must lie between 0 and {GREATEST_SEED}, got {request.seed}")
    if request.pixel_mm is not None and not 0 < request.pixel_mm < math.inf:
        raise RequestError(f"--pixel-mm must be positive, got {request.pixel_mm:g}")


def moved(images: NDArray[np.float64], request: SimulationRequest) -> NDArray[np.float64]:
    """Frames (T, y, x) of one image (y, x) or of as many as frames, with the motion asked for.

    Raises RequestError where that does not fit.
    """
    try:
        if request.motion == "breathing":
            return breathing_motion(
                images,
                request.frames,
                amplitude=request.shift,
                cycles=request.cycles,
                still=request.still,
                irregularity=request.irregularity,
                seed=request.seed,
            )
        if request.motion == "none":
            return np.broadcast_to(images, (request.frames, *images.shape[-2:])).copy()
        if images.ndim == 3:
            raise ValueError(f"motion must be breathing or none for a series of images, got {request.motion}")
        waves = request.shift / (request.size / 64)
        squeezed = request.motion == "piecewise-affine"
        return piecewise_affine_motion(images, request.frames, amplitude=waves, squeeze=squeezed)
    except ValueError as error:
        raise RequestError(f"--{error}") from None


def record(image: str, out: Path, request: SimulationRequest, read: ImageSource, done: str) -> dict[str, str]:
    """What the scan's file says of its making: that it is simulated, from what, how, by which command."""
    sample = image.startswith(SCHEME)
    name = image if sample else Path(image).name
    kind = "ct-dynamic" if isinstance(request, CtRequest) else "mri-dynamic"
    command = shlex.join(["proxflow", "simulate", kind, name, "--out", out.name, *request.options()])
    number = f", slice {read.slice_index}" if read.n_slices > 1 else ""
    told = {
        "title": f"simulated {kind}, from {name}{number}",
        "origin": request.origin or read.source.get("origin", ""),
        "licence": request.licence or read.source.get("licence", ""),
        "changes": f"Simulated, not measured. {done}. Command: {command}",
    }
    return {key: text for key, text in told.items() if text}

"""From an image file to a simulated scan of dynamic MRI."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.tasks.errors import RequestError
from proxflow.tasks.simulation.coil_maps import MOST_COILS, real_coil_maps
from proxflow.tasks.simulation.dynamic_mri import simulate_dynamic_mri
from proxflow.tasks.simulation.requests import MriRequest
from proxflow.tasks.simulation.resampling import whole_field
from proxflow.tasks.simulation.series_in_time import interpolated_in_time, smooth_phase
from proxflow.tasks.simulation.subject import check_request, moved, read_subject, record

MOST_SPOKES = 1024


def simulate_mri(image: str, out: Path, request: MriRequest) -> DynamicKSpace:
    """The scan of kind mri-dynamic that ``request`` asks for, of a still or a series of magnitudes.

    The images are placed in a square, interpolated in time to the frames, moved, given a smooth phase and
    seen by real coils. ``out`` is named in the record alone.

    Raises ScanError for an image that cannot be read, RequestError for what does not fit.
    """
    check_request(request)
    _check_coils(request)
    subject = read_subject(
        image, request, stack="times", times=_times(request.times), unsigned=request.unsigned
    )
    if subject.images.min() < 0:
        raise RequestError(
            f"{Path(image).name} must hold magnitudes, which are not negative, got values down to "
            f"{subject.images.min():g} (wrapped integers? --unsigned)"
        )
    if not subject.images.any():
        raise RequestError(f"{Path(image).name} must show something, got only zeros")
    placed = [whole_field(one, subject.pixel_mm or (1.0, 1.0), request.size) for one in subject.images]
    series = interpolated_in_time(np.stack([picture for picture, _ in placed]), request.frames)
    frames = moved(series[0] if len(placed) == 1 else series, request)
    seen = f"{len(placed)} images interpolated in time, " if len(placed) > 1 else ""
    done = (
        f"{seen}resampled to {request.size} x {request.size} pixels; motion {request.motion}; a smooth "
        f"phase; {request.coils} coils with maps from the sample brain-13coil; golden-angle spokes; complex "
        f"Gaussian noise, signal to noise {request.snr:g} in a complete frame"
    )
    return simulate_dynamic_mri(
        frames * np.exp(1j * smooth_phase(request.size)),
        real_coil_maps(request.coils, request.size),
        spokes_per_frame=request.spokes_per_frame,
        snr=request.snr,
        seed=request.seed,
        pixel_size_mm=None if subject.pixel_mm is None else placed[0][1],
        source=record(image, out, request, subject.read, done),
    )


def _check_coils(request: MriRequest) -> None:
    if not 1 <= request.coils <= MOST_COILS:
        raise RequestError(f"--coils must lie between 1 and {MOST_COILS}, got {request.coils}")
    if not 1 <= request.spokes_per_frame <= MOST_SPOKES:
        raise RequestError(
            f"--spokes-per-frame must lie between 1 and {MOST_SPOKES}, got {request.spokes_per_frame}"
        )
    if not request.snr > 0 or math.isnan(request.snr):
        raise RequestError(f"--snr must be positive, got {request.snr:g}")


def _times(text: str | None) -> list[int] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,6}(,\d{1,6})*", text):
        raise RequestError(f"--times must be numbers with commas, as 0,2,4, got {text}")
    return [int(number) for number in text.split(",")]

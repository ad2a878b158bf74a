"""From an image file to a simulated scan of dynamic CT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.dynamic_sinogram import DynamicSinogram
from proxflow.data.samples.catalogue import locate
from proxflow.data.schedules import schedule_angles
from proxflow.tasks.errors import RequestError
from proxflow.tasks.simulation.attenuation import attenuation_of_hu, body_in_field
from proxflow.tasks.simulation.contrast_passage import contrast_passage
from proxflow.tasks.simulation.dynamic_ct import simulate_dynamic_ct
from proxflow.tasks.simulation.requests import CtRequest
from proxflow.tasks.simulation.subject import Subject, check_request, moved, read_subject, record

LEAST_HU = -4096  # scanners mark what they did not see by values down to here
MOST_PER_MM = 1.0  # steel is above; attenuation given in Hounsfield units is far above


def simulate_ct(image: str, out: Path, request: CtRequest) -> DynamicSinogram:
    """The scan of kind ct-dynamic that ``request`` asks for, of a slice of ``image``.

    Hounsfield units become attenuation (water 0.02/mm); the body alone, without table and clothes, is placed
    in the middle of the field with room to move. ``out`` is named in the record alone.

    Raises ScanError for an image that cannot be read, RequestError for what does not fit.
    """
    check_request(request)
    _check_views(request)
    subject = read_subject(image, request, stack="slices")
    if subject.pixel_mm is None:
        raise RequestError(f"--pixel-mm must be given, as {locate(image).name} does not tell its pixel size")
    slice_ = _attenuation(image, subject, request)
    room = request.shift if request.motion in ("breathing", "waves") else 0.0
    body, pixel_mm = body_in_field(slice_, subject.pixel_mm, request.size, abs(room))
    agent = ""
    if request.contrast:
        body, agent = _enhanced(body, request), f"contrast agent, blood up to {request.contrast:g} of water; "
    frames = moved(body, request)
    done = (
        f"Attenuation with water at 0.02/mm; the body alone, resampled to {request.size} x {request.size} "
        f"pixels of {pixel_mm:.4g} mm; {agent}motion {request.motion}; projected by the "
        f"{request.model} model; Gaussian noise of {request.noise:g} of the largest value of the complete "
        f"clean sinogram (every frame along all {request.frames * request.views_per_frame} angles)"
    )
    return simulate_dynamic_ct(
        frames,
        pixel_size_mm=pixel_mm,
        schedule=request.schedule,
        views_per_frame=request.views_per_frame,
        noise=request.noise,
        model=request.model,
        seed=request.seed,
        source=record(image, out, request, subject.read, done),
    )


def _enhanced(body: NDArray[np.float64], request: CtRequest) -> NDArray[np.float64]:
    if request.motion not in ("breathing", "none"):
        raise RequestError(f"--motion must be breathing or none with --contrast, got {request.motion}")
    try:
        return contrast_passage(body, request.frames, enhancement=request.contrast)
    except ValueError as error:
        raise RequestError(f"--{error}") from None


def _check_views(request: CtRequest) -> None:
    if request.views_per_frame < 1:
        raise RequestError(f"--views-per-frame must be at least 1, got {request.views_per_frame}")
    if not 0 <= request.noise <= 1:
        raise RequestError(f"--noise must lie between 0 and 1, got {request.noise:g}")
    try:
        schedule_angles(request.schedule, request.frames * request.views_per_frame)
    except ValueError as error:
        raise RequestError(f"{error} (--frames times --views-per-frame)") from None


def _attenuation(image: str, subject: Subject, request: CtRequest) -> NDArray[np.float64]:
    values, name = subject.images[0], locate(image).name
    per_mm = subject.read.units == "1/mm"
    if per_mm and request.values == "hu":
        raise RequestError(f"--values must be per-mm for {name}, whose units are 1/mm, got hu")
    if not per_mm and request.values != "per-mm":
        if values.min() < LEAST_HU:
            raise RequestError(f"{name} must hold Hounsfield units from {LEAST_HU} up, got {values.min():g}")
        return attenuation_of_hu(values)
    if values.min() < 0 or values.max() > MOST_PER_MM:
        raise RequestError(
            f"{name} must hold attenuation between 0 and {MOST_PER_MM:g}/mm with --values per-mm, "
            f"got {values.min():.4g} to {values.max():.4g}"
        )
    return values

"""All image metrics of one reconstruction at once, each with its convention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from proxflow.models.metrics.compared import are_values
from proxflow.models.metrics.hfen import hfen
from proxflow.models.metrics.nmse import nmse, nrmse_complex
from proxflow.models.metrics.psnr import psnr, reference_range
from proxflow.models.metrics.region import broadcast_region
from proxflow.models.metrics.registry import MEASUREMENT_METRICS, METRICS, convention, metric, metric_value
from proxflow.models.metrics.sharpness import gradient_energy
from proxflow.models.metrics.ssim import ssim
from proxflow.models.metrics.value import MetricValue, Score

IMAGE_METRICS = tuple(name for name in METRICS if name not in MEASUREMENT_METRICS)


class ImageRows(Protocol):
    """An array (item, y, x) that hands out one item at a time, so that it need not sit in memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, item: int) -> np.ndarray: ...


def evaluate_images(
    image: np.ndarray | ImageRows,
    reference: np.ndarray | ImageRows | None,
    *,
    names: Sequence[str],
    region: np.ndarray | None = None,
    data_range: float | None = None,
    region_text: str | None = None,
    planes: int = 1,
    series: bool = False,
) -> dict[str, MetricValue]:
    """The metrics ``names`` of ``image`` against ``reference``, in the order asked for.

    image, reference: real or complex (item, y, x), same unit, read item by item; magnitudes are compared
    unless both are real. region: bool (y, x) or (item|1, y, x), None for every pixel; ``region_text``
    describes it in the conventions. ``data_range`` is the maximum of |reference| unless given.

    Where an item is ``planes`` images, the array is (item * planes, y, x), and an item's number is over all
    of its planes: f of the sums of each, as the number over all items is. In a ``series`` the planes are
    frames in time, which also have numbers of their own (``MetricValue.per_frame``), all with the one range.

    Raises ValueError on unknown names, arrays that do not fit or are not finite, and metrics of a
    reference where there is none.
    """
    _check(image.shape, None if reference is None else reference.shape, names)
    if planes < 1 or image.shape[0] % planes:
        raise ValueError(f"planes must divide the {image.shape[0]} images, got {planes}")
    pixels = broadcast_region(region, image.shape)
    if region_text is None:
        region_text = "full image" if region is None else f"given mask, {pixels.mean():.1%} of the pixels"
    whole = "series" if series else "volume"
    source = f"the maximum of the reference {whole}" if data_range is None else "as given"
    peak = None if reference is None else _peak(reference, data_range)
    real = are_values(image[0]) if reference is None else are_values(image[0], reference[0])
    scores: dict[str, list[Score]] = {name: [] for name in names}
    for item in range(image.shape[0]):
        x, ref = _finite("image", image[item]), None
        if reference is not None:
            ref = _finite("reference", reference[item])[None]
        for name, found in scores.items():
            found.append(_score(name, x[None], ref, pixels[item : item + 1], peak))
    values = {}
    for name, found in scores.items():
        score = Score.joined(found)
        span = f"{peak or 0:.4g}, {source}"
        text = convention(name, region_text=region_text, data_range_text=span, values=real, series=series)
        frames = score.per_item.reshape(-1, planes).tolist() if series else ()
        items = score.grouped(planes).per_item.tolist()
        values[name] = metric_value(name, score.value, items, convention_text=text, per_frame=frames)
    return values


def _peak(reference: np.ndarray | ImageRows, data_range: float | None) -> float:
    items = (_finite("reference", reference[item]) for item in range(reference.shape[0]))
    return reference_range(np.array([np.abs(item).max() for item in items]), data_range)


def _finite(name: str, item: np.ndarray) -> np.ndarray:
    if not np.isfinite(item).all():
        raise ValueError(f"{name} must be finite, got NaN or Inf")
    return item


def _score(
    name: str, image: np.ndarray, reference: np.ndarray | None, pixels: np.ndarray, peak: float | None
) -> Score:
    if reference is None or name == "gradient_energy":
        return gradient_energy(image, region=pixels)
    if METRICS[name].ranged:
        return {"psnr": psnr, "ssim": ssim}[name](image, reference, region=pixels, data_range=peak)
    unranged = {"nmse": nmse, "hfen": hfen, "nrmse_complex": nrmse_complex}
    return unranged[name](image, reference, region=pixels)


def _check(image: tuple[int, ...], reference: tuple[int, ...] | None, names: Sequence[str]) -> None:
    for name in names:
        if metric(name).needs_reference and reference is None:
            raise ValueError(f"metric {name} must have a reference, got none")
        if name in MEASUREMENT_METRICS:
            raise ValueError(f"metric must be one of images ({', '.join(IMAGE_METRICS)}), got {name!r}")
    if len(image) != 3:
        raise ValueError(f"image must have axes (item, y, x), got shape {image}")
    if reference is not None and reference != image:
        raise ValueError(f"reference must have the image's shape {image}, got {reference}")

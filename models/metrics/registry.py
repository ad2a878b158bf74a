"""The metrics by name: label, unit, direction, and the convention to print beside a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxflow.models.metrics.value import MetricValue


@dataclass(frozen=True)
class Metric:
    """What is fixed about one metric. ``higher_is_better`` is None where the number cannot rank; ``{what}``
    in ``text`` stands for what of the images is compared, magnitudes or values, ``{item}`` for what the
    images are: items, or frames of a series."""

    label: str
    unit: str
    higher_is_better: bool | None
    needs_reference: bool
    ranged: bool  # depends on the data range
    text: str


METRICS: dict[str, Metric] = {
    "psnr": Metric(
        "PSNR", "dB", True, True, True, "{what}, mean squared error over all {item}s (fastMRI's formula)"
    ),
    "ssim": Metric(
        "SSIM",
        "",
        True,
        True,
        True,
        "{what}, 7 × 7 uniform window, mean of the map over the region of each {item}, "
        "then over {item}s (fastMRI's formula)",
    ),
    "nmse": Metric(
        "NMSE",
        "",
        False,
        True,
        False,
        "{what}, ‖ref − x‖² / ‖ref‖² over all {item}s (fastMRI's formula)",
    ),
    "hfen": Metric(
        "HFEN",
        "",
        False,
        True,
        False,
        "{what}, ‖LoG(ref) − LoG(x)‖ / ‖LoG(ref)‖ over all {item}s, "
        "Laplacian of Gaussian 15 × 15 pixels, σ 1.5 pixels, mirrored edges",
    ),
    "nrmse_complex": Metric(
        "complex NRMSE",
        "",
        False,
        True,
        False,
        "complex images, ‖x − ref‖ / ‖ref‖ over all {item}s, phase included",
    ),
    "gradient_energy": Metric(
        "gradient energy",
        "",
        None,
        False,
        False,
        "{what}, sum of squared Sobel derivatives / sum of squares, no reference; "
        "noise raises it as edges do, so it does not rank",
    ),
    "data_residual": Metric(
        "data residual",
        "",
        None,
        False,
        False,
        "‖A x − y‖ / ‖y‖ on the samples the method was given; "
        "right near the noise level, smaller means noise was fitted, so it does not rank",
    ),
    "held_out_error": Metric(
        "held-out error",
        "",
        False,
        False,
        False,
        "‖A x − y‖ / ‖y‖ on measured samples kept from the method; their own noise is part of it",
    ),
}
MEASUREMENT_METRICS = ("data_residual", "held_out_error")  # computed on samples, where no region applies


def metric(name: str) -> Metric:
    """The metric called ``name``; ValueError naming those that exist otherwise."""
    if name not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {name!r}")
    return METRICS[name]


def convention(
    name: str,
    *,
    region_text: str = "full image",
    data_range_text: str = "the maximum of the reference volume",
    values: bool = False,
    series: bool = False,
) -> str:
    """One line saying how ``name`` was computed, to print beside the number.

    ``values``: of real images, not of magnitudes.  ``series``: images are frames in time.
    """
    text = metric(name).text.replace("{what}", "values" if values else "magnitudes")
    parts = [text.replace("{item}", "frame" if series else "item")]
    if METRICS[name].ranged:
        parts.append(f"data range {data_range_text}")
    if name not in MEASUREMENT_METRICS:
        parts.append(f"region: {region_text}")
    return "; ".join(parts)


def higher_is_better(name: str) -> bool | None:
    """Whether a larger number is a better image; None where the number alone does not say."""
    return metric(name).higher_is_better


def metric_value(
    name: str,
    value: float,
    per_item: Sequence[float] = (),
    *,
    convention_text: str,
    per_frame: Sequence[Sequence[float]] = (),
) -> MetricValue:
    """A ``MetricValue`` of a known metric computed elsewhere, as the data residual is."""
    known = metric(name)
    return MetricValue(
        name,
        float(value),
        tuple(map(float, per_item)),
        known.unit,
        known.higher_is_better,
        convention_text,
        tuple(tuple(map(float, frames)) for frames in per_frame),
    )

"""Evaluate: reference, region, and every method's figures with their conventions."""

from __future__ import annotations

from typing import Any

import numpy as np

from proxflow.configs.evaluate import EvaluateConfig
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.metrics.evaluate import evaluate_images
from proxflow.models.metrics.registry import METRICS, convention, metric_value
from proxflow.models.metrics.value import MetricValue
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.base import Modality, reference_kind
from proxflow.tasks.modalities.registry import modality
from proxflow.tasks.report.image_labels import image_labels
from proxflow.tasks.stages.cautions import cautions
from proxflow.tasks.stages.documents import centre_crop, geometry_from_json
from proxflow.tasks.stages.planes import PlanesOf

NO_REFERENCE = "No reference image, so no error of the image is known."


def evaluate(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``region`` bool (plane or 1, y, x) and, if there is one, ``reference`` (plane, y, x), both at
    the intended image matrix; documents ``metrics`` (method -> name -> number with convention) and
    ``judging``.

    Inputs: ``prepared``, ``calibrated``, and ``image:M``, ``hold_out:M`` for each method M.
    Raises RequestError for a reference the scan does not have.
    """
    config = EvaluateConfig.model_validate(context.config["evaluate"])
    prepared, calibrated = context.inputs["prepared"], context.inputs["calibrated"]
    scan = prepared.document("scan")
    made, matrix = modality(scan["modality"]), geometry_from_json(scan["geometry"]).matrix
    kind = reference_kind(config, made, prepared)
    reference = _written_reference(kind, made, context, writer)
    images = [context.inputs[f"image:{method}"] for method in context.config["methods"]]
    size = images[0].shape("image")[1:]
    support = centre_crop(made.support(prepared, calibrated, (size[0], size[1])), matrix)
    region = support if config.region == "support" else np.ones_like(support)
    names = [name for name in config.metrics if reference is not None or not METRICS[name].needs_reference]
    if names and not (held := region.any(axis=(1, 2))).all():
        empty = image_labels(scan["labels"], scan["planes"], series=made.series)[int(np.argmin(held))]
        raise RequestError(
            f"evaluate.region support must hold a pixel of every item, got none of {empty}, "
            f"{made.empty_region_text}; leave it out with scan.items, or set evaluate.region to full"
        )
    where = made.region_text if config.region == "support" else "full image"
    text = f"{where}, {region.mean():.1%} of {matrix[0]} x {matrix[1]} pixels"
    figures: dict[str, dict[str, Any]] = {}
    found: list[str] = []
    warned: list[str] = []
    for method, image in zip(context.config["methods"], images, strict=True):
        values: dict[str, MetricValue] = {}
        if names:
            planes = PlanesOf(image, "image", matrix)
            try:
                values = evaluate_images(
                    planes,
                    reference,
                    names=names,
                    region=region,
                    region_text=text,
                    planes=scan["planes"],
                    series=made.series,
                )
            except ValueError as error:  # an image of zeros, or too small for a metric
                raise RequestError(f"evaluate.metrics of {method}: {error}") from None
        values |= _measurement_figures(image, context.inputs.get(f"hold_out:{method}"))
        figures[method] = {name: value.to_json() for name, value in values.items()}
        found += [f"{method}: {sentence}." for sentence in made.findings(prepared, image)]
        unseen = values.get("held_out_error")
        warned += cautions(method, image, unseen.value if unseen else None, made.misfit_text)
    writer.write("region", region)
    writer.document("metrics", figures)
    said = [_reference_text(kind, made), made.calibration_text(calibrated), *_noise_notes(prepared)]
    writer.document("judging", {"reference": kind, "region": text, "notes": [*said, *found, *warned]})


def _written_reference(
    kind: str, made: Modality, context: StageContext, writer: ArtefactWriter
) -> PlanesOf | None:
    """Write ``reference`` item by item; where its planes can be read again, None if there is none."""
    prepared, calibrated = context.inputs["prepared"], context.inputs["calibrated"]
    scan = prepared.document("scan")
    matrix = geometry_from_json(scan["geometry"]).matrix
    if kind == "none":
        return None
    n_items = len(scan["labels"])
    for item in range(n_items):
        if kind == "scan":
            image = prepared.rows("reference", item, item + 1)
        else:
            image = made.full_image(prepared, calibrated, item)
        planes = centre_crop(image.reshape(-1, *image.shape[-2:]), matrix)
        if item == 0:
            writer.create("reference", (n_items * len(planes), *planes.shape[1:]), planes.dtype)
        for plane in planes:
            writer.append("reference", plane[None])
    return PlanesOf(writer, "reference", matrix)


def _reference_text(kind: str, made: Modality) -> str:
    if kind == "scan":
        return made.scan_reference_text
    return made.reference_text() if kind == "fully_sampled" else NO_REFERENCE


def _measurement_figures(image: Artefact, hold_out: Artefact | None) -> dict[str, MetricValue]:
    fits = image.document("fit")
    figures = {"data_residual": _figure("data_residual", fits, "data_residual", "noise_residual")}
    if hold_out is not None:
        figures["held_out_error"] = _figure("held_out_error", hold_out.document("held_out"), "error", "noise")
    return figures


def _figure(name: str, rows: list[dict[str, Any]], value: str, noise: str) -> MetricValue:
    values = [row[value] for row in rows]
    floors = [row[noise] for row in rows if row[noise] is not None]
    text = convention(name)
    if floors:
        text = f"{text}; noise alone would give {float(np.mean(floors)):.4f}"
    return metric_value(name, float(np.mean(values)), values, convention_text=text)


def _noise_notes(prepared: Artefact) -> list[str]:
    document = prepared.document("scan")
    known = [level for level in document["noise_std"] if level is not None]
    level = f"{float(np.mean(known)):.4g} ({document['noise_source']})" if known else document["noise_source"]
    return [f"Noise standard deviation of a sample: {level}.", *document["notes"]]

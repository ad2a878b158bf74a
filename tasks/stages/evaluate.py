"""Evaluate: reference, region, and every method's figures with their conventions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from proxflow.configs.evaluate import EvaluateConfig
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.metrics.evaluate import evaluate_images
from proxflow.models.metrics.region import support_region
from proxflow.models.metrics.registry import METRICS, convention, metric_value
from proxflow.models.metrics.value import MetricValue
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.tasks.errors import RequestError
from proxflow.tasks.stage import StageContext
from proxflow.tasks.stages.calibrate import calibration_text
from proxflow.tasks.stages.cautions import cautions
from proxflow.tasks.stages.documents import centre_crop, geometry_from_json

REGION_TEXT = {"support": "the object, where the coil maps are not zero", "full": "full image"}
REFERENCE_TEXT = {
    "scan": "Reference: the image that came with the scan.",
    "fully_sampled": "Reference: all measured samples, combined with the same coil maps.",
    "none": "No reference image, so no error of the image is known.",
}


def evaluate(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``region`` bool (item, y, x) and, if there is one, ``reference`` (item, y, x), both at the
    intended image matrix; documents ``metrics`` (method -> name -> number with convention) and ``judging``.

    Inputs: ``prepared``, ``maps``, and ``image:M``, ``hold_out:M`` for each method M.
    Raises RequestError for a reference the scan does not have.
    """
    config = EvaluateConfig.model_validate(context.config["evaluate"])
    prepared, maps = context.inputs["prepared"], context.inputs["maps"]
    matrix = geometry_from_json(prepared.document("scan")["geometry"]).matrix
    kind = reference_kind(config, prepared)
    reference = _reference(kind, prepared, maps)
    reference = None if reference is None else centre_crop(reference, matrix)
    support = centre_crop(_support(maps), matrix)
    region = support if config.region == "support" else np.ones_like(support)
    if reference is not None and not (held := region.any(axis=(1, 2))).all():
        empty = prepared.document("scan")["labels"][int(np.argmin(held))]
        raise RequestError(
            f"evaluate.region support must hold a pixel of every item, got none of {empty}, where the coil "
            "maps are zero everywhere; leave it out with scan.items, or set evaluate.region to full"
        )
    names = [name for name in config.metrics if reference is not None or not METRICS[name].needs_reference]
    text = f"{REGION_TEXT[config.region]}, {region.mean():.1%} of {matrix[0]} x {matrix[1]} pixels"
    figures: dict[str, dict[str, Any]] = {}
    warned: list[str] = []
    for method in context.config["methods"]:
        image = context.inputs[f"image:{method}"]
        values = evaluate_images(
            centre_crop(image.array("image"), matrix),
            reference,
            names=names,
            region=region,
            region_text=text,
        )
        values |= _measurement_figures(image, context.inputs.get(f"hold_out:{method}"))
        figures[method] = {name: value.to_json() for name, value in values.items()}
        unseen = values.get("held_out_error")
        warned += cautions(method, image, unseen.value if unseen else None)
    if reference is not None:
        writer.write("reference", reference)
    writer.write("region", region)
    writer.document("metrics", figures)
    notes = [REFERENCE_TEXT[kind], calibration_text(maps), *_noise_notes(prepared), *warned]
    writer.document("judging", {"reference": kind, "region": text, "notes": notes})


def reference_kind(config: EvaluateConfig, prepared: Artefact) -> str:
    """``scan``, ``fully_sampled`` or ``none``; RequestError for a reference the scan does not have."""
    complete = bool(prepared.array("measured").all())
    given = "reference" in prepared
    if config.reference == "scan" and not given:
        raise RequestError("evaluate.reference scan must have an image in the scan's file, got none")
    if config.reference == "fully_sampled" and not complete:
        raise RequestError("evaluate.reference fully_sampled must have every sample measured, got gaps")
    if config.reference != "auto":
        return config.reference
    if complete and prepared.document("scan")["retrospective"]:
        return "fully_sampled"
    return "scan" if given else "none"


def _reference(kind: str, prepared: Artefact, maps: Artefact) -> np.ndarray | None:
    if kind == "none":
        return None
    if kind == "scan":
        return prepared.array("reference")
    n_items, _, ny, nx = prepared.shape("samples")
    everything = torch.ones(ny, nx, dtype=torch.bool)
    images = []
    for item in range(n_items):
        coil_maps = torch.from_numpy(maps.rows("maps", item, item + 1)[0])
        samples = torch.from_numpy(prepared.rows("samples", item, item + 1)[0])
        images.append(CartesianSense(everything, coil_maps).adjoint(samples).numpy())
    return np.stack(images)


def _support(maps: Artefact) -> np.ndarray:
    n_items = maps.shape("maps")[0]
    return np.concatenate([support_region(maps.rows("maps", item, item + 1)) for item in range(n_items)])


def _measurement_figures(image: Artefact, hold_out: Artefact | None) -> dict[str, MetricValue]:
    fits = image.document("fit")
    figures = {"data_residual": _figure("data_residual", fits, "data_residual", "noise_residual")}
    if hold_out is not None:
        figures["held_out_error"] = _figure("held_out_error", hold_out.document("held_out"), "error", "noise")
    return figures


def _figure(name: str, rows: list[dict[str, float]], value: str, noise: str) -> MetricValue:
    values = [row[value] for row in rows]
    floor = float(np.mean([row[noise] for row in rows]))
    text = f"{convention(name)}; noise alone would give {floor:.4f}"
    return metric_value(name, float(np.mean(values)), values, convention_text=text)


def _noise_notes(prepared: Artefact) -> list[str]:
    document = prepared.document("scan")
    level = float(np.mean(document["noise_std"]))
    return [
        f"Noise standard deviation of a sample: {level:.4g} ({document['noise_source']}).",
        *document["notes"],
    ]

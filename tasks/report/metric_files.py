"""metrics.json and metrics.csv: the numbers of a run for other programs."""

from __future__ import annotations

import csv
import io
import json
from itertools import chain
from typing import Any

from proxflow.models.metrics.value import json_number
from proxflow.tasks.report.image_labels import image_labels
from proxflow.tasks.report.inputs import MethodResult, ReportInputs

COLUMNS = ("method", "metric", "item", "value", "unit", "convention")


def metrics_json(document: dict[str, Any]) -> str:
    """The text of metrics.json, whose form is described in docs/metrics.md.

    JSON has no literal for infinity or NaN: they are "inf", "-inf" (strings) and null.
    """
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def metrics_document(inputs: ReportInputs) -> dict[str, Any]:
    """The content of metrics.json: strict JSON types only."""
    return {
        "title": inputs.title,
        "recipe": inputs.recipe_name,
        "modality": inputs.modality,
        "items": list(inputs.item_labels),
        "frames": None if inputs.series is None else inputs.series.n_frames,
        "region": inputs.region_text,
        "acceleration": inputs.acceleration,
        "methods": {method.name: _method(method) for method in inputs.methods},
        "stages": [
            {
                "name": stage.name,
                "key": stage.key,
                "cached": stage.cached,
                "seconds": json_number(stage.seconds),
                "peak_memory_bytes": stage.peak_memory_bytes,
                "bytes_read": stage.bytes_read,
                "bytes_written": stage.bytes_written,
                "device": stage.device,
            }
            for stage in inputs.stages
        ],
        "notes": list(inputs.notes),
        "provenance": dict(inputs.provenance),
    }


def _method(method: MethodResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "metrics": {name: value.to_json() for name, value in method.metrics.items()},
        "n_iter": method.n_iter,
        "seconds": json_number(method.seconds),
    }
    if method.certificates:
        found["certificate"] = [certificate.to_json() for certificate in method.certificates]
    return found


def metrics_csv(document: dict[str, Any]) -> str:
    """The content of metrics.csv from that of metrics.json.

    One row per number: that over the volume under item "all", then one per item that has one, then one per
    frame of a series.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for method, entry in document["methods"].items():
        for name, metric in entry["metrics"].items():
            numbers = [("all", metric["value"]), *zip(document["items"], metric["per_item"], strict=False)]
            frames = metric.get("per_frame", [])
            names = image_labels(document["items"], document["frames"], series=True) if frames else []
            numbers += zip(names, chain.from_iterable(frames), strict=True)
            for item, number in numbers:  # None, for NaN, is written as an empty field
                writer.writerow((method, name, item, number, metric["unit"], metric["convention"]))
    return buffer.getvalue()

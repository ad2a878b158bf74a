"""Report: the page a person reads, with previews and figures, as one artefact."""

from __future__ import annotations

from typing import Any

import numpy as np

from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.models.metrics.value import MetricValue, number_from_json
from proxflow.tasks.calls import StageContext
from proxflow.tasks.modalities.base import Pictures
from proxflow.tasks.modalities.registry import modality
from proxflow.tasks.report.animation import animation
from proxflow.tasks.report.inputs import MapPictures, MethodResult, ReportInputs, StageRecord
from proxflow.tasks.report.metric_files import metrics_document
from proxflow.tasks.report.previews import render_previews
from proxflow.tasks.report.render import render_report
from proxflow.tasks.report.series import Series
from proxflow.tasks.report.volume_section import volume_section
from proxflow.tasks.report.volumes import Volumes
from proxflow.tasks.stages.certificates import certificates_of
from proxflow.tasks.stages.documents import geometry_from_json
from proxflow.tasks.stages.image_maps import MAPS, map_texts
from proxflow.tasks.stages.planes import PlanesOf
from proxflow.tasks.stages.report_pictures import (
    Shown,
    choose_shown,
    picture_names,
    pictures_of,
    volume_of,
)
from proxflow.tasks.stages.report_series import series_of


def report(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``html`` and ``previews/NAME`` as bytes, and the document ``figures`` (metrics.json).

    Timings in it are those of the computation, also where a later run finds the stage in the store.
    """
    inputs = report_inputs(context)
    moving, volume = animation(inputs), volume_section(inputs)
    writer.write("html", np.frombuffer(render_report(inputs, moving, volume).encode(), np.uint8))
    for name, picture in render_previews(inputs, moving, volume).items():
        writer.write(f"previews/{name}", np.frombuffer(picture, np.uint8))
    writer.document("figures", metrics_document(inputs))


def report_inputs(context: StageContext) -> ReportInputs:
    """Gather what the page shows from the artefacts of the run."""
    artefacts, config = context.inputs, context.config
    prepared, calibrated = artefacts["prepared"], artefacts["calibrated"]
    scan = prepared.document("scan")
    kind, geometry = modality(scan["modality"]), geometry_from_json(scan["geometry"])
    figures, planes = artefacts["figures"], scan["planes"]
    judging = figures.document("judging")
    shown = choose_shown(
        scan["labels"],
        planes,
        geometry.matrix,
        sum(1 + len(map_texts(artefacts[f"image:{entry['method']}"])) for entry in config["methods"]),
        "reference" in figures,
        kind,
    )
    flat = not shown.per_volume
    items, labels = picture_names(shown)
    pictures = kind.pictures(prepared, calibrated, shown.items)
    region, reference = None, None
    if flat:
        rows = shown.planes if figures.shape("region")[0] > 1 else (0,)
        region = np.concatenate([figures.rows("region", row, row + 1) for row in rows])
    if "reference" in figures:
        reference = pictures_of(figures, "reference", shown, geometry)
    return ReportInputs(
        title=config["title"] or config["name"],
        recipe_name=config["name"],
        modality=scan["modality"],
        methods=tuple(_method(entry, shown, geometry, artefacts) for entry in config["methods"]),
        reference=reference,
        region=region,
        region_text=judging["region"],
        coil_maps=pictures.coil_maps,
        mask=pictures.mask,
        mask_text=pictures.mask_text,
        samples=pictures.samples,
        samples_text=pictures.samples_text,
        outline=pictures.outline if flat else None,
        outline_text=pictures.outline_text,
        acceleration=scan["acceleration"],
        notes=tuple(judging["notes"]),
        item_labels=tuple(scan["labels"]),
        shown=items,
        shown_labels=labels,
        stages=tuple(_record(artefacts[name]) for name in _in_order(artefacts)),
        provenance=_provenance(artefacts["scan"], scan),
        recipe_yaml=config["recipe"],
        command=config["command"],
        voxel_size_mm=geometry.voxel_size_mm,
        item_shape=geometry.matrix if planes == 1 or kind.series else (planes, *geometry.matrix),
        unit=kind.unit,
        decibels=kind.decibels,
        measured_text=kind.measured_text(prepared),
        series=_series(context) if kind.series else None,
        shown_frames=shown.frames,
        volumes=None if flat else _volumes(context, shown, pictures),
    )


def _volumes(context: StageContext, shown: Shown, pictures: Pictures) -> Volumes:
    """The first volume that is shown, by every method."""
    artefacts, item = context.inputs, shown.items[0]
    figures = artefacts["figures"]
    geometry = geometry_from_json(artefacts["prepared"].document("scan")["geometry"])
    names = [f"image:{entry['method']}" for entry in context.config["methods"]]
    reference = None
    if "reference" in figures:
        reference = volume_of(figures, "reference", item, shown.per_volume)
    return Volumes(
        tuple(volume_of(artefacts[name], "image", item, shown.per_volume) for name in names),
        geometry.voxel_size_mm or (1.0, 1.0, 1.0),
        pictures.centre_mm,
        reference,
        pictures.antennas_mm,
        item,
    )


def _series(context: StageContext) -> Series:
    """The run's first series."""
    artefacts = context.inputs
    scan, figures = artefacts["prepared"].document("scan"), artefacts["figures"]
    matrix = geometry_from_json(scan["geometry"]).matrix
    names = [entry["method"] for entry in context.config["methods"]]
    images = {name: PlanesOf(artefacts[f"image:{name}"], "image", matrix) for name in names}
    reference = PlanesOf(figures, "reference", matrix) if "reference" in figures else None
    return series_of(images, reference, scan["planes"])


def _method(entry: dict[str, Any], shown: Shown, geometry: Geometry, artefacts: Any) -> MethodResult:
    name = entry["method"]
    image = artefacts[f"image:{name}"]
    trace = image.document("trace")[0]
    figures = artefacts["figures"].document("metrics")[name]
    return MethodResult(
        name=name,
        image=pictures_of(image, "image", shown, geometry),
        metrics={key: MetricValue.from_json(value) for key, value in figures.items()},
        trace={key: np.array([number_from_json(value) for value in values]) for key, values in trace.items()},
        config=entry,
        seconds=image.provenance["seconds"],
        n_iter=max(len(one["relative_change"]) for one in image.document("trace")),
        curves=image.document("curves")[0],
        maps={
            name: MapPictures(pictures_of(image, f"{MAPS}/{name}", shown, geometry), text)
            for name, text in map_texts(image).items()
        },
        certificates=certificates_of(image),
    )


def _in_order(artefacts: Any) -> list[str]:
    """Names of the inputs in the order their stages run."""
    images = [name for name in artefacts if ":" in name]
    return ["scan", "prepared", "calibrated", *images, "figures"]


def _record(artefact: Artefact) -> StageRecord:
    made = artefact.provenance
    return StageRecord(
        name=made["label"],
        key=made["key"],
        cached=False,
        seconds=made["seconds"],
        peak_memory_bytes=made["peak_memory_bytes"],
        device=made["device"],
        bytes_read=made["bytes_read"],
        bytes_written=made["bytes_written"],
    )


def _provenance(scan: Artefact, document: dict[str, Any]) -> dict[str, str]:
    made = scan.provenance
    facts = {
        "scan": ", ".join(made["files"].values()),
        "format": document["format"],
        "ingested": made["started"],
        "machine": made["machine"],
        "source digest": made["source"],
    }
    facts |= {f"scan {key}": str(value) for key, value in document["source"].items()}
    return facts | {name: str(text) for name, text in made["versions"].items()}

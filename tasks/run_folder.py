"""The run folder: what a person takes away, written from the artefacts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxflow.configs.loading import dump_recipe
from proxflow.configs.recipe import Recipe
from proxflow.data.kspace import Geometry
from proxflow.data.store.artefact import Artefact
from proxflow.data.store.store import ArtefactStore
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.image_h5 import write_image_h5
from proxflow.tasks.errors import RequestError
from proxflow.tasks.pipeline import RunResult
from proxflow.tasks.report.image_labels import image_labels
from proxflow.tasks.report.metric_files import metrics_csv, metrics_json
from proxflow.tasks.stages.cautions import PREFIX
from proxflow.tasks.stages.documents import geometry_from_json
from proxflow.tasks.stages.image_maps import MAPS, map_texts
from proxflow.tasks.stages.planes import PlanesOf

# Folders a run writes into and files it appends to; all else replaces what has its name, links too.
WRITTEN_INTO = ("previews", "images", "image-dicom", "image-png", "log.txt", "log.jsonl")


@dataclass(frozen=True)
class Written:
    """The report's path, the numbers of metrics.json (method -> name -> number), what to warn of, and how
    many items were reconstructed."""

    report: Path
    metrics: dict[str, dict[str, Any]]
    cautions: tuple[str, ...]
    n_items: int


def new_run_folder(name: str, out: Path | None, report: str = "report.html") -> Path:
    """``out``, or a new ``runs/<time>-<name>``. RequestError if it cannot be made, or leads elsewhere."""
    try:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            refuse_links(out, (*WRITTEN_INTO, report))
            return out
        return _fresh_folder(Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}")
    except OSError as error:
        place = out or Path("runs").resolve()
        raise RequestError(
            f"--out must be a folder that can be made, got {place}: {error.strerror}"
        ) from None


def refuse_links(folder: Path, names: Sequence[str]) -> None:
    """RequestError if a file or folder of ``names`` in ``folder``, or one on the way to it, is a link.

    What is written through it would land outside the run folder.
    """
    for name in names:
        below = folder / name
        while below != folder:
            if below.is_symlink():
                raise RequestError(f"--out must hold no links where a run writes, got {below}")
            below = below.parent


def _fresh_folder(wanted: Path) -> Path:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10_000):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue  # another run started within the same second
    raise FileExistsError(f"{wanted} exists ten thousand times")


def write_run_folder(folder: Path, recipe: Recipe, result: RunResult, store: ArtefactStore) -> Written:
    """Write image.h5 (and ``images/M.h5`` of a comparison), the report, figures, recipe and previews."""
    with store.open(result.ref("report")) as page:
        figures = _with_this_run(page.document("figures"), result)
        report = folder / recipe.report.file
        _write_bytes(report, page.array("html").tobytes())
        for name in page.names("previews"):
            _write_bytes(folder / "previews" / name, page.array(f"previews/{name}").tobytes())
    with store.open(result.ref("prepare")) as prepared:
        document = prepared.document("scan")
    geometry = geometry_from_json(document["geometry"])
    labels = image_labels(document["labels"], document["planes"], series=figures["frames"] is not None)
    for method in result.methods:
        target = folder / "image.h5" if method == result.methods[0] else folder / "images" / f"{method}.h5"
        with store.open(result.ref(f"reconstruct:{method}")) as artefact:
            _write_image(target, artefact, geometry, labels, document["modality"])
    _write_bytes(folder / "metrics.json", metrics_json(figures).encode())
    _write_bytes(folder / "metrics.csv", metrics_csv(figures).encode())
    _write_bytes(folder / "recipe.yaml", dump_recipe(recipe).encode())
    _export(folder, recipe)
    numbers = {
        method: {name: figure["value"] for name, figure in entry["metrics"].items()}
        for method, entry in figures["methods"].items()
    }
    cautions = tuple(note for note in figures["notes"] if note.startswith(PREFIX))
    return Written(report, numbers, cautions, len(figures["items"]))


def _write_image(
    target: Path, artefact: Artefact, geometry: Geometry, labels: list[str], modality: str
) -> None:
    made = artefact.provenance
    write_image_h5(
        target,
        PlanesOf(artefact, "image", geometry.matrix),
        geometry=geometry,
        labels=tuple(labels),
        attributes={
            "program": f"proxflow {made['versions']['proxflow']}",
            "modality": modality,
            "method": json.dumps(made["config"]["method"]),
            "artefact": made["key"],
            "date": made["started"],
            "device": made["device"],
        },
        maps={
            name: (PlanesOf(artefact, f"{MAPS}/{name}", geometry.matrix), text)
            for name, text in map_texts(artefact).items()
        },
    )


def _export(folder: Path, recipe: Recipe) -> None:
    if recipe.report.exports:
        from proxflow.data.writers.export import export_image

        for kind in recipe.report.exports:
            export_image(folder / "image.h5", kind, folder)


def _with_this_run(figures: dict[str, Any], result: RunResult) -> dict[str, Any]:
    """The figures with what this run found in the store and what it computed."""
    stages = [{"name": outcome.label} | outcome.figures() for outcome in result.outcomes]
    return figures | {"stages": stages}


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)

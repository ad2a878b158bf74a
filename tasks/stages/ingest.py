"""Ingest: a scanner's file into an artefact, item by item, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxflow.configs.scan import ScanConfig
from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.data.scan import Measurement, ScanInfo
from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.validate import check_magnitude
from proxflow.tasks.calls import StageContext
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.base import Modality
from proxflow.tasks.modalities.registry import modality


def ingest(context: StageContext, writer: ArtefactWriter) -> None:
    """Write the arrays of the scan, one row per chosen item (``samples`` and what else its kind has), and
    those of the scan as a whole (as ``noise``); document ``scan``.

    Raises ScanError where the file makes no sense, RequestError where ``items`` do not exist.
    """
    config = ScanConfig.model_validate({**context.config, "path": str(context.files["scan"])})
    with open_scan(
        context.files["scan"],  # with its links resolved, and found before: never to be cut at "::"
        config.reader,
        kind=config.kind,
        schedule=config.schedule,
        array=config.array or "",
    ) as scan:
        info = scan.info
        _check_files(context.files, info)
        checked_kind(config, info)
        items, kind = chosen(config, info.n_items), modality(info.modality)
        step, facts = kind.block(info, context.machine.memory_bytes), dict[str, Any]()
        for start in range(0, len(items), step):
            measurement = scan.read(items[start : start + step])
            facts = _write_block(kind, info, measurement, writer, start, len(items))
            del measurement  # the next block is read before the name is bound anew
        writer.document(
            "scan",
            {
                "format": info.format,
                "modality": info.modality,
                "labels": [info.labels[item] for item in items],
                "items": items,
                "notes": list(info.notes),
                "source": dict(info.source),
            }
            | kind.describe(info, items)
            | facts,
        )


def _check_files(files: Mapping[str, Path], info: ScanInfo) -> None:
    """ScanError where the scan now has other companions than those that are part of the key."""
    known = {path.resolve() for name, path in files.items() if name != "scan"}
    found = {path.resolve() for path in info.companions}
    if known != found:
        other = ", ".join(sorted(path.name for path in known ^ found))
        raise ScanError(
            f"{info.path} must stay as it is while it is read, got other files beside it: {other}"
        )


def _write_block(
    kind: Modality, info: ScanInfo, measurement: Measurement, writer: ArtefactWriter, start: int, n_items: int
) -> dict[str, Any]:
    """Check and write items from ``start`` on, which then leave memory; what holds for the whole scan."""
    for samples in measurement.samples:
        check_magnitude(info.path, samples)
    arrays = kind.arrays(measurement)
    for name, rows in arrays.rows.items():
        if start == 0:
            writer.create(name, (n_items, *rows.shape[1:]), rows.dtype)
        writer.append(name, rows)
    if start == 0:
        for name, array in arrays.once.items():
            writer.write(name, array)
    return dict(arrays.facts)


def checked_kind(config: ScanConfig, info: ScanInfo) -> None:
    """RequestError where the recipe is for another kind of scan than the file holds."""
    if info.modality != config.kind:
        raise RequestError(
            f"scan.kind must be {info.modality}, which {info.path.name} holds, got {config.kind}"
        )


def chosen(config: ScanConfig, n_items: int) -> list[int]:
    """The items the recipe asks for; RequestError where they do not exist."""
    try:
        return config.select(n_items)
    except ValueError as error:
        raise RequestError(str(error)) from None

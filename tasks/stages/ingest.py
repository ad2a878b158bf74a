"""Ingest: a scanner's file into an artefact, item by item, checked."""

from __future__ import annotations

import numpy as np

from proxflow.configs.scan import ScanConfig
from proxflow.data.open_scan import open_scan
from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.validate import check_magnitude
from proxflow.tasks.errors import RequestError
from proxflow.tasks.stage import StageContext
from proxflow.tasks.stages.documents import geometry_to_json


def ingest(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``samples`` complex64 (item, coil, ky, kx), ``mask`` bool (item, ky, kx), and where the scan
    has them ``noise`` (coil, n) and ``reference`` (item, y, x); document ``scan``.

    Raises ScanError where the file makes no sense, RequestError where ``items`` do not exist.
    """
    config = ScanConfig.model_validate({**context.config, "path": str(context.files["scan"])})
    with open_scan(context.files["scan"], reader=config.reader) as scan:
        info = scan.info
        items = _chosen(config, info.n_items)
        shape = (len(items), *info.shape[1:])
        writer.create("samples", shape, np.complex64)
        writer.create("mask", (shape[0], *shape[2:]), np.bool_)
        references = []
        for index, item in enumerate(items):
            kspace = scan.read([item])
            check_magnitude(info.path, kspace.samples)
            writer.append("samples", kspace.samples)
            writer.append("mask", kspace.mask)
            if kspace.reference is not None:
                references.append(kspace.reference)
            if index == 0 and kspace.noise is not None:
                writer.write("noise", kspace.noise)
        if references:
            writer.write("reference", np.concatenate(references))
        writer.document(
            "scan",
            {
                "format": info.format,
                "modality": info.modality,
                "labels": [info.labels[item] for item in items],
                "geometry": geometry_to_json(info.geometry.select(items)),
                "notes": list(info.notes),
                "source": dict(info.source),
            },
        )


def _chosen(config: ScanConfig, n_items: int) -> list[int]:
    try:
        return config.select(n_items)
    except ValueError as error:
        raise RequestError(str(error)) from None

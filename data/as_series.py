"""Scans of single images read as series of frames in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from proxflow.data.dynamic_kspace import DynamicKSpace
from proxflow.data.kspace import KSpace
from proxflow.data.radial_kspace import RadialKSpace
from proxflow.data.scan import Modality, Scan, chosen_items
from proxflow.data.validate_dynamic_kspace import checked_series


def as_kind(scan: Scan, kind: Modality | None) -> Scan:
    """``scan`` as a scan of ``kind`` where it can be read as one, else itself.

    As ``mri-dynamic``: the items of a Cartesian scan are the frames of one series; each item of a radial scan
    is a series of one frame that holds all of its spokes, to be cut into frames.
    """
    if kind != "mri-dynamic":
        return scan
    if scan.info.modality == "mri-cartesian":
        return ItemsAsFrames(scan)
    return SpokesAsSeries(scan) if scan.info.modality == "mri-radial" else scan


class ItemsAsFrames(Scan):
    """A Cartesian scan whose items are the frames of one series; it has the position of the first."""

    def __init__(self, scan: Scan) -> None:
        info, self._scan = scan.info, scan
        first = info.image_geometry.select([0])
        self.info = replace(
            info,
            shape=(1, *info.shape),
            labels=(f"{info.n_items} frames",),
            frame_labels=info.labels,
            modality="mri-dynamic",
            geometry=first,
            notes=(*info.notes, f"the {info.n_items} items of the scan are taken as frames in time"),
        )

    def read(self, items: Sequence[int] | None = None) -> DynamicKSpace:
        chosen_items(self.info, items)
        kspace = self._scan.read()
        assert isinstance(kspace, KSpace)
        n_frames, _, ny, nx = kspace.samples.shape
        series = DynamicKSpace(
            samples=kspace.samples[None],
            geometry=self.info.image_geometry,
            labels=self.info.labels,
            mask=np.broadcast_to(kspace.mask, (n_frames, ny, nx)),
            frame_labels=kspace.labels,
            noise=kspace.noise,
            reference=None if kspace.reference is None else kspace.reference[None],
            source=kspace.source,
        )
        return checked_series(self.info.path, series, [0])

    def close(self) -> None:
        self._scan.close()


class SpokesAsSeries(Scan):
    """A radial scan, each item of which is one frame, the first and only one of its series."""

    def __init__(self, scan: Scan) -> None:
        info, self._scan = scan.info, scan
        self.info = replace(
            info,
            shape=(info.shape[0], 1, *info.shape[1:]),
            modality="mri-dynamic",
            has_trajectory=True,
        )

    def read(self, items: Sequence[int] | None = None) -> DynamicKSpace:
        kspace = self._scan.read(items)
        assert isinstance(kspace, RadialKSpace)
        series = DynamicKSpace(
            samples=kspace.samples[:, None],
            geometry=kspace.geometry,
            labels=kspace.labels,
            trajectory=kspace.trajectory[None],
            noise=kspace.noise,
            reference=None if kspace.reference is None else kspace.reference[:, None],
            source=kspace.source,
        )
        return checked_series(self.info.path, series, chosen_items(self.info, items))

    def close(self) -> None:
        self._scan.close()

"""Look at a scan of any kind."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from proxflow.data.scan import Scan
from proxflow.tasks.looks.base import Look

LOOKS = {
    "mri-cartesian": "proxflow.tasks.looks.cartesian:look_at_cartesian",
    "mri-radial": "proxflow.tasks.looks.radial:look_at_radial",
    "mri-dynamic": "proxflow.tasks.looks.dynamic_mri:look_at_dynamic_mri",
    "ct": "proxflow.tasks.looks.tomography:look_at_tomography",
    "ct-dynamic": "proxflow.tasks.looks.dynamic_tomography:look_at_dynamic_tomography",
    "radar": "proxflow.tasks.looks.radar:look_at_radar",
    "image": "proxflow.tasks.looks.image:look_at_image",
}


def look_at(scan: Scan, item: int | None = None) -> Look:
    """Look at ``item`` of an open scan, the middle one if none is named; ScanError if it is unsound."""
    module, _, name = LOOKS[scan.info.modality].partition(":")
    function: Callable[[Scan, int], Look] = getattr(import_module(module), name)
    return function(scan, scan.info.n_items // 2 if item is None else item)

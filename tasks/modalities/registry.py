"""The kinds of scan, one line each."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxflow.tasks.modalities.base import Modality

MODALITIES = {
    "mri-cartesian": "proxflow.tasks.modalities.cartesian.modality:Cartesian",
    "mri-radial": "proxflow.tasks.modalities.radial.modality:Radial",
    "mri-dynamic": "proxflow.tasks.modalities.dynamic_mri.modality:DynamicMri",
    "ct": "proxflow.tasks.modalities.tomography.modality:Tomography",
    "ct-dynamic": "proxflow.tasks.modalities.dynamic_tomography.modality:DynamicTomography",
    "radar": "proxflow.tasks.modalities.radar.modality:Radar",
    "image": "proxflow.tasks.modalities.image.modality:StillImage",
}


@cache
def modality(kind: str) -> Modality:
    """The kind of scan of that name; its libraries are imported now."""
    module, _, name = MODALITIES[kind].partition(":")
    made: Modality = getattr(import_module(module), name)()
    return made

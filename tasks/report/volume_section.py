"""What the page shows of volumes beyond their projections: slices and surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from proxflow.tasks.report.drawing import Drawing, svg
from proxflow.tasks.report.inputs import ReportInputs
from proxflow.tasks.report.isosurface import isosurface
from proxflow.tasks.report.rendering import Box, Surface, common_height, rendering
from proxflow.tasks.report.scale_ticks import number_label
from proxflow.tasks.report.viewpoint import Viewpoint
from proxflow.tasks.report.volume_slices import slice_drawing
from proxflow.tasks.report.volumes import Volumes

SHELL_DB, CORE_DB = -10.0, -3.0  # levels of the surfaces, below each volume's own peak
SHELL, CORE = (0.42, 0.70, 1.0), (1.0, 0.74, 0.36)
SHELL_OPACITY = 0.32
VIEWS = (Viewpoint(-55.0, 24.0), Viewpoint(35.0, 24.0))
MOST_ANTENNAS = 240  # dots
NEAR, RIM = 1.7, 1.25  # half diagonals of the box: antennas within are where they are, others at the rim


@dataclass(frozen=True)
class VolumeView:
    """One volume; ``series`` is the index of its method, None for the reference. ``renderings`` are empty for
    a volume that is flat. ``caption`` says how much lies within the surfaces."""

    name: str
    series: int | None
    slices: Drawing
    renderings: tuple[Drawing, ...]
    caption: str


@dataclass(frozen=True)
class VolumeSection:
    """Drawings of every volume, and the words beside them. ``label`` names the item of several."""

    label: str
    views: tuple[VolumeView, ...]
    place: str
    placed_by: str
    antennas: str

    def svg(self, drawing: Drawing) -> Markup:
        """For the template."""
        return svg(drawing)


def volume_section(inputs: ReportInputs) -> VolumeSection | None:
    """Slices and renderings of the reference and every method; None for a run without volumes."""
    volumes, decibels = inputs.volumes, inputs.decibels
    if volumes is None or decibels is None:
        return None
    marks, antennas = antenna_marks(volumes)
    box = Box(volumes.bounds_mm, marks)
    named: list[tuple[str, int | None]] = [(method.name, k) for k, method in enumerate(inputs.methods)]
    if volumes.reference is not None:
        named.insert(0, ("reference", None))
    views = []
    for (name, series), volume in zip(named, volumes.all, strict=True):
        cut = slice_drawing(volume, volumes, decibels, f"Slices of {name} in dB through {_place(volumes)}")
        drawn: tuple[Drawing, ...] = ()
        caption = ""
        if min(volumes.shape) > 1:
            drawn, caption = renderings(volume, volumes, box, name), contents(volume)
        views.append(VolumeView(name, series, cut, drawn, caption))
    return VolumeSection(
        label=inputs.item_labels[volumes.item] if inputs.n_items > 1 else "",
        views=tuple(views),
        place=_place(volumes),
        placed_by=_placed_by(named, volumes),
        antennas=antennas,
    )


def renderings(volume: np.ndarray, volumes: Volumes, box: Box, name: str) -> tuple[Drawing, ...]:
    """The surfaces at -3 and -10 dB of a ``volume`` of ``volumes``, from both viewpoints."""
    peak = float(volume.max())
    surfaces = []
    if peak > 0:
        for decibels, colour, opacity in ((CORE_DB, CORE, 1.0), (SHELL_DB, SHELL, SHELL_OPACITY)):
            level = 10 ** (decibels / 20)
            mesh = isosurface(volume / peak, level, volumes.voxel_mm, volumes.centre_mm)
            surfaces.append(Surface(mesh, colour, opacity))
    label = f"Surfaces of {name} at {number_label(CORE_DB)} and {number_label(SHELL_DB)} dB in their box"
    height = common_height(box, VIEWS)
    return tuple(
        rendering(surfaces, box, view, f"{label}, seen from azimuth {number_label(view.azimuth)}°", height)
        for view in VIEWS
    )


def contents(volume: np.ndarray) -> str:
    """How many voxels lie at or above either level."""
    peak = float(volume.max())
    if peak == 0:
        return "empty"
    core, shell = (int((volume >= peak * 10 ** (level / 20)).sum()) for level in (CORE_DB, SHELL_DB))
    plural = "s" if core > 1 else ""
    return f"{core} voxel{plural} ≥ {number_label(CORE_DB)} dB, {shell} ≥ {number_label(SHELL_DB)} dB"


def antenna_marks(volumes: Volumes) -> tuple[np.ndarray, str]:
    """Points (mark, 3) where antennas are drawn, and what they mean.

    All where they are, if none is far; else all in the directions in which they lie, at one distance.
    """
    if volumes.antennas_mm is None or not len(volumes.antennas_mm):
        return np.zeros((0, 3)), ""
    antennas = np.unique(volumes.antennas_mm, axis=0)
    spread = np.linspace(0, len(antennas) - 1, min(len(antennas), MOST_ANTENNAS))
    antennas = antennas[spread.round().astype(int)]
    bounds = np.array(volumes.bounds_mm)
    middle, half = bounds.mean(axis=1), float(np.linalg.norm(np.ptp(bounds, axis=1)) / 2)
    away = antennas - middle
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    if distance.max() <= NEAR * half:
        return antennas, "antennas"
    ends = " to ".join(dict.fromkeys(f"{end:.3g}" for end in (distance.min(), distance.max())))
    rim = middle + away / np.maximum(distance, 1e-9 * half) * RIM * half
    return rim, f"directions of the antennas, which are {ends} mm from the middle of the box"


def _placed_by(named: list[tuple[str, int | None]], volumes: Volumes) -> str:
    if volumes.marked is None:
        return "in the middle of the box, as every volume is empty"
    name, series = named[volumes.marked]
    return f"where {'the reference' if series is None else name} has its largest magnitude"


def _place(volumes: Volumes) -> str:
    numbers = ", ".join(number_label(float(f"{value:.4g}")) for value in volumes.point_mm(volumes.place))
    return f"(x, y, z) = ({numbers}) mm"

"""A volume in three dimensions: surfaces of equal level in its box, from one viewpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from proxflow.tasks.report.depth_buffer import nearest_surface
from proxflow.tasks.report.drawing import FAINT, INK, QUIET, Dot, Drawing, Line, Picture, Text
from proxflow.tasks.report.isosurface import Mesh
from proxflow.tasks.report.scale_ticks import inner_ticks, number_label
from proxflow.tasks.report.viewpoint import Projection, Viewpoint, corners_of, edges_of, fitting

WIDTH, MOST_HEIGHT, MARGIN = 320.0, 272.0, 38.0  # units of the drawing; ticks and names lie in the margin
PIXELS = 2  # a unit: sharp on fine screens
LIGHT = np.array([-0.45, 0.6, 0.66])  # right, up, towards the viewer
TICK, NUMBER, NAME = 4.0, 12.0, 28.0  # how far from an edge
ANTENNA, ANTENNA_BEHIND = "#52c48f", "#2b5c46"
AXES = ("x", "y", "z")


class Surface(NamedTuple):
    """A mesh with its colour (red, green, blue) of 0 to 1; ``opacity`` where it is seen face on."""

    mesh: Mesh
    colour: tuple[float, float, float]
    opacity: float


class Box(NamedTuple):
    """What is drawn around the surfaces: the ``bounds`` along x, y and z, and dots at ``marks`` (mark, 3)."""

    bounds: tuple[tuple[float, float], ...]
    marks: np.ndarray

    @property
    def shown(self) -> np.ndarray:
        """All points (point, 3) that a drawing must have in it."""
        return np.concatenate([corners_of(self.bounds), self.marks])


def common_height(box: Box, views: Sequence[Viewpoint]) -> float:
    """How high drawings of a box must be so that none of these views of it is smaller than it could be."""
    heights = []
    for view in views:
        rows = fitting(box.shown, view, (WIDTH, MOST_HEIGHT), MARGIN)(box.shown)[:, 1]
        heights.append(float(np.ptp(rows)) + 2 * MARGIN)
    return float(np.ceil(max(heights)))


def rendering(
    surfaces: Sequence[Surface], box: Box, view: Viewpoint, label: str, height: float = MOST_HEIGHT
) -> Drawing:
    """The ``surfaces``, each within the next, in their box; z up, axes with ticks in mm."""
    project = fitting(box.shown, view, (WIDTH, height), MARGIN)
    rear, front = edges_of(box.bounds, view)
    middle = project(np.mean(box.bounds, axis=1))
    dots = [(place, place[2] >= middle[2]) for place in project(box.marks)]
    return Drawing(
        WIDTH,
        height,
        label,
        (
            *(Dot(x, y, 2.2, ANTENNA_BEHIND) for (x, y, _), before in dots if not before),
            *(_edge(project, edge, FAINT) for edge in rear),
            Picture(0, 0, WIDTH, height, shaded(surfaces, project, height), smooth=True),
            *(_edge(project, edge, QUIET) for edge in front),
            *(Dot(x, y, 2.2, ANTENNA) for (x, y, _), before in dots if before),
            *_scales(project, box.bounds, view),
        ),
    )


def shaded(surfaces: Sequence[Surface], project: Projection, height: float = MOST_HEIGHT) -> Image.Image:
    """RGBA: the nearest side of each surface under one lamp, an outer one over those within it."""
    size = round(height * PIXELS), round(WIDTH * PIXELS)
    premultiplied, cover = np.zeros((*size, 3), np.float32), np.zeros((*size, 1), np.float32)
    for surface in surfaces:
        points = project(surface.mesh.points) * PIXELS
        seen = nearest_surface(points, surface.mesh.normals @ project.turn.T, surface.mesh.faces, size)
        hit = np.isfinite(seen.depth)
        colour, alpha = _lit(seen.normals[hit], surface)
        premultiplied[hit] = colour * alpha + premultiplied[hit] * (1 - alpha)
        cover[hit] = alpha + cover[hit] * (1 - alpha)
    straight = premultiplied / np.maximum(cover, 1e-6)
    pixels = np.concatenate([straight, cover], axis=2)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def _lit(normals: np.ndarray, surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Colour (pixel, 3) and opacity (pixel, 1) of a surface with these normals (pixel, 3) in the picture."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    unit = normals / np.maximum(length, 1e-6)
    unit = np.where(unit[:, 2:] < 0, -unit, unit)  # what is seen looks at the viewer
    light = 0.4 + 0.6 * np.maximum(unit @ LIGHT, 0)
    gloss = 0.35 * np.maximum(unit @ _halfway(), 0) ** 24
    colour = np.clip(np.multiply.outer(light, surface.colour) + gloss[:, None], 0, 1)
    slant = (1 - unit[:, 2:]) ** 2  # a shell's rim is thicker
    return colour, surface.opacity + (1 - surface.opacity) * 0.8 * slant


def _halfway() -> np.ndarray:
    """Between lamp and viewer: a surface that looks there shines."""
    halfway = LIGHT / np.linalg.norm(LIGHT) + (0, 0, 1)
    return np.asarray(halfway / np.linalg.norm(halfway))


def _edge(project: Projection, edge: np.ndarray, colour: str) -> Line:
    (x1, y1, _), (x2, y2, _) = project(edge)
    return Line((x1, y1), (x2, y2), colour)


def _scales(
    project: Projection, bounds: tuple[tuple[float, float], ...], view: Viewpoint
) -> list[Line | Text]:
    """Ticks, their numbers and the name of each axis, on the edges at the rim of the picture."""
    towards = view.axes()[2]
    near = np.array([high if t > 0 else low for t, (low, high) in zip(towards, bounds, strict=True)])
    floor = bounds[2][0] if towards[2] >= 0 else bounds[2][1]
    middle = project(np.mean(bounds, axis=1))[:2]
    parts: list[Line | Text] = []
    for axis, (low, high) in enumerate(bounds):
        at = np.array([near[0], near[1], floor])
        if axis == 2:  # the upright edge farthest to the left
            at = min(corners_of(bounds), key=lambda corner: project(corner)[0])
        ends = np.stack([at, at])
        ends[:, axis] = low, high
        start, end = project(ends)[:, :2]
        length = max(float(np.linalg.norm(end - start)), 1e-9)
        outwards = np.array([end[1] - start[1], start[0] - end[0]]) / length
        outwards = outwards * np.sign(outwards @ ((start + end) / 2 - middle) or 1.0)
        for tick in inner_ticks(low, high, length, apart=18.0):
            place = start + (end - start) * (tick - low) / (high - low)
            x, y = place + TICK * outwards
            parts.append(Line((place[0], place[1]), (x, y), QUIET))
            parts.append(_text(place, outwards, NUMBER, number_label(tick), QUIET))
        if axis == 2:  # above the edge: beside it there is no room for words
            parts.append(Text(end[0] - 10, end[1] - NUMBER, f"{AXES[axis]} / mm", "middle", INK))
        else:
            parts.append(_text((start + end) / 2, outwards, NAME, f"{AXES[axis]} / mm", INK))
    return parts


def _text(place: np.ndarray, outwards: np.ndarray, away: float, text: str, colour: str) -> Text:
    """Words ``away`` from a place, flush with it where they stand beside it, else centred."""
    x, y = place + away * outwards
    beside = abs(outwards[0]) > (0.3 if away > NUMBER else 0.8)
    anchor = ("start" if outwards[0] > 0 else "end") if beside else "middle"
    return Text(float(x), float(y), text, anchor, colour)

"""A box of voxels to start from, guessed from where the antennas of a radar scan stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proxflow.operators.wave_phasors import SPEED_OF_LIGHT
from proxflow.tasks.looks.radar import RadarLook

MOST_VOXELS, FEWEST_VOXELS = 80_000, 1_000
MOST_FACTORS = 1.3e8  # that the operator keeps, 1 GiB: made anew for each product they take minutes
USED_FREQUENCIES = 40  # at most, of many: the recipe keeps a part
FINEST, COARSEST = 1 / 12, 1 / 4  # of the shortest wavelength in air: 1 / 12 is 1 / 4 where permittivity is 9
INSIDE = 0.85  # of the antennas' extent: voxels near an antenna outshine the rest
SCENE_M = 100.0  # of a scene flown past, across
MOST_TERMS = 3e8  # frequencies x pairs x voxels: about a second for each product
ALONE = 20.0  # resolutions or wavelengths across, where one antenna has no extent to go by


@dataclass(frozen=True)
class Box:
    """A grid in mm, its axes (z, y, x), and what it is, in words."""

    matrix: tuple[int, int, int]
    voxel_mm: float
    centre_mm: tuple[float, float, float]
    text: str


def guess_box(look: RadarLook) -> Box:
    """Inside an array that surrounds the scene, before one that looks at it, or on the ground of a scene
    flown past."""
    arrangement = look.antennas.arrangement
    if arrangement == "flown past":
        return _ground(look)
    if arrangement == "around":
        extent = INSIDE * look.antennas.extent_m
        return _box(look, extent, look.antennas.middle_m, "inside the array")
    return _before(look)


def shortest_wavelength_m(look: RadarLook) -> float:
    """In air."""
    return SPEED_OF_LIGHT / float(look.geometry.frequencies_hz[-1])


def _before(look: RadarLook) -> Box:
    """As wide as the array and half as deep, at the array's size from it, on the side of larger numbers."""
    antennas, axis = look.antennas, look.antennas.normal_axis
    size = float(antennas.extent_m.max()) or ALONE * (look.resolution_m or shortest_wavelength_m(look))
    extent = np.maximum(antennas.extent_m, size / 2)
    extent[axis] = size / 2
    centre = antennas.middle_m.copy()
    centre[axis] = antennas.upper_m[axis] + size
    name = "xyz"[axis]
    text = f"in front of the array, at its size from it towards larger {name} (change it if the scene lies"
    return _box(look, extent, centre, f"{text} elsewhere)")


def _ground(look: RadarLook) -> Box:
    """The plane z = 0 around the origin, in pixels of the range resolution on the ground."""
    antennas = look.antennas
    sight = antennas.middle_m / np.linalg.norm(antennas.middle_m)
    along_ground = max(float(np.hypot(sight[0], sight[1])), 0.1)  # slant range over range on the ground
    pixel = (look.resolution_m or shortest_wavelength_m(look)) / along_ground
    side = min(SCENE_M, int(np.sqrt(MOST_VOXELS)) * pixel)
    if look.unambiguous_m is not None:
        range_m = look.unambiguous_m / along_ground
        side = min(side, range_m)
        # Both voxels, squared, and the frequencies that a scene of this range takes grow with its side.
        terms = look.samples.size * (side / range_m) * (side / pixel) ** 2
        side *= min(1.0, (MOST_TERMS / terms) ** (1 / 3))
    n = max(1, int(side / pixel))
    return Box((1, n, n), pixel * 1e3, (0.0, 0.0, 0.0), "the ground, z = 0, around the scene's centre")


def _box(look: RadarLook, extent_m: NDArray[np.float64], centre_m: NDArray[np.float64], text: str) -> Box:
    """Voxels as fine as a medium may need and ``_most_voxels`` allow; a smaller box before coarse ones."""
    wavelength, most = shortest_wavelength_m(look), _most_voxels(look)
    voxel = FINEST * wavelength
    while _n_voxels(extent_m, voxel) > most and voxel < COARSEST * wavelength:
        voxel *= 1.05
    while _n_voxels(extent_m, voxel) > most:
        extent_m = 0.95 * extent_m
        text = f"{text.removesuffix(', made smaller')}, made smaller"
    nx, ny, nz = (int(n) for n in _sizes(extent_m, voxel))
    x, y, z = (round(float(value) * 1e3, 1) for value in centre_m)
    return Box((nz, ny, nx), voxel * 1e3, (z, y, x), text)


def _most_voxels(look: RadarLook) -> int:
    """As many as a first try takes seconds for, with all antennas."""
    pairs = look.geometry.pairs
    n_frequencies = min(len(look.geometry.frequencies_hz), USED_FREQUENCIES)
    by_antenna = n_frequencies * sum(len(np.unique(pairs[:, side])) for side in (0, 1))
    by_pair = len(pairs) * min(2 * np.sqrt(n_frequencies), n_frequencies)
    terms = MOST_TERMS / (n_frequencies * len(pairs))
    return int(max(FEWEST_VOXELS, min(MOST_VOXELS, terms, MOST_FACTORS / min(by_antenna, by_pair))))


def _sizes(extent_m: NDArray[np.float64], voxel_m: float) -> NDArray[np.int64]:
    return np.maximum(1, np.round(extent_m / voxel_m)).astype(np.int64)


def _n_voxels(extent_m: NDArray[np.float64], voxel_m: float) -> int:
    return int(np.prod(_sizes(extent_m, voxel_m)))

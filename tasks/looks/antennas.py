"""How the antennas of a radar scan stand, in numbers and words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proxflow.data.radar_cube import AntennaGeometry

Arrangement = Literal["around", "in front", "flown past"]
FLAT = 0.05  # least over largest extent of an array in a plane
HOLLOW = 0.3  # distance of the nearest antenna to the middle, over half the largest extent
DEEP, SHALLOW_HOLLOW = 0.3, 0.6  # least over largest extent, below which that distance has to be larger
WIDEST_GAP = 2 * np.pi / 3  # between neighbouring antennas, seen from the middle of what they surround
RING = 0.1  # spread of a ring's radii over their mean
RING_ANTENNAS, RING_GAP = 6, np.deg2rad(75)
METRES_FROM = 10.0  # a longer array is given in metres


@dataclass(frozen=True)
class Antennas:
    """The antennas that take part in a measurement."""

    geometry: AntennaGeometry

    @cached_property
    def positions_m(self) -> NDArray[np.float64]:
        """(antenna, 3): where one sends or receives, each place once."""
        pairs = self.geometry.pairs
        both = [self.geometry.transmitters_m[pairs[:, 0]], self.geometry.receivers_m[pairs[:, 1]]]
        return np.unique(np.concatenate(both), axis=0)

    @property
    def lower_m(self) -> NDArray[np.float64]:
        return self.positions_m.min(axis=0)

    @property
    def upper_m(self) -> NDArray[np.float64]:
        return self.positions_m.max(axis=0)

    @property
    def extent_m(self) -> NDArray[np.float64]:
        """(3,) along x, y, z."""
        return self.upper_m - self.lower_m

    @property
    def middle_m(self) -> NDArray[np.float64]:
        return (self.upper_m + self.lower_m) / 2

    @property
    def monostatic(self) -> bool:
        """Whether each pair sends and receives in one place."""
        pairs = self.geometry.pairs
        sent, received = self.geometry.transmitters_m[pairs[:, 0]], self.geometry.receivers_m[pairs[:, 1]]
        return bool(np.array_equal(sent, received))

    @property
    def normal_axis(self) -> int:
        """The axis, 0 for x to 2 for z, along which the array is thinnest; z before the others."""
        return 2 - int(np.argmin(self.extent_m[::-1]))

    @property
    def planar(self) -> bool:
        """Whether the array lies in a plane across ``normal_axis``."""
        largest = float(self.extent_m.max())
        return largest > 0 and self.extent_m.min() < FLAT * largest

    @property
    def arrangement(self) -> Arrangement:
        """Around the scene, in front of it, or flown past it (a scan compensated for a scene centre)."""
        if self.geometry.reference_range_m is not None:
            return "flown past"
        largest = float(self.extent_m.max())
        if largest == 0:
            return "in front"
        if self.planar:
            return "around" if self._is_ring() else "in front"
        nearest = float(np.linalg.norm(self.positions_m - self.middle_m, axis=1).min())
        hollow = HOLLOW if self.extent_m.min() >= DEEP * largest else SHALLOW_HOLLOW
        return "around" if nearest >= hollow * largest / 2 and self._surrounds() else "in front"

    def _is_ring(self) -> bool:
        axes = [axis for axis in range(3) if axis != self.normal_axis]
        offsets = (self.positions_m - self.middle_m)[:, axes]
        radii = np.linalg.norm(offsets, axis=1)
        return bool(
            len(radii) >= RING_ANTENNAS
            and np.ptp(radii) <= 2 * RING * radii.mean()
            and _widest_gap(offsets) <= RING_GAP
        )

    def _surrounds(self) -> bool:
        offsets = self.positions_m - self.middle_m
        return any(_widest_gap(offsets[:, [a, b]]) <= WIDEST_GAP for a, b in ((0, 1), (0, 2), (1, 2)))

    def count_text(self) -> str:
        """``24 antennas, 96 pairs, multistatic``."""
        geometry = self.geometry
        n_pairs, n_places = len(geometry.pairs), len(self.positions_m)
        if self.monostatic:
            return f"{n_places} places, each sends and receives (monostatic), {n_pairs} channels"
        n_sent, n_received = (len(np.unique(geometry.pairs[:, axis])) for axis in (0, 1))
        return f"{n_places} in all, {n_sent} send, {n_received} receive, {n_pairs} pairs (multistatic)"

    def box_text(self) -> str:
        """Their bounding box along x, y and z, in mm, or in m where it is large."""
        far = max(float(np.abs(self.positions_m).max()), float(self.extent_m.max()))
        scale, unit = (1.0, "m") if far > METRES_FROM else (1e3, "mm")
        spans = [
            f"{name} {low * scale:.5g} to {high * scale:.5g}"
            for name, low, high in zip("xyz", self.lower_m, self.upper_m, strict=True)
        ]
        return f"{', '.join(spans)} {unit}"


def _widest_gap(offsets: NDArray[np.float64]) -> float:
    """Largest angle between neighbours of (antenna, 2), seen from the origin; radians."""
    angles = np.sort(np.arctan2(offsets[:, 1], offsets[:, 0]))
    return float(np.append(np.diff(angles), angles[0] + 2 * np.pi - angles[-1]).max())

"""A look at near-field radar: frequencies, antennas, resolution, responses over frequency and range."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.scan import Scan
from proxflow.operators.wave_phasors import SPEED_OF_LIGHT
from proxflow.tasks.looks.antennas import Antennas
from proxflow.tasks.looks.base import Facts, Look, shape_text
from proxflow.tasks.looks.panel import Panel, chart, log_grey, measurement_panel

RANGES = 512  # points of the impulse response shown
DECIBELS = 60.0  # of responses over frequency shown, from the peak down
RANGE_DECIBELS = 40.0  # of those over range
RESOLUTIONS, ARRAYS = 20.0, 4.0  # shown range, in range resolutions or extents of the array
EVEN = 0.01  # frequency steps that differ by less than this part are even
ARRANGEMENTS = {
    "around": "around the scene",
    "in front": "in front of the scene",
    "flown past": "past a scene, whose centre the phases are compensated for",
}


@dataclass(frozen=True)
class RadarLook(Look):
    """One scene.

    Attributes:
        samples, background: complex (frequency, pair); background None where the scan has none.
    """

    geometry: AntennaGeometry
    samples: NDArray[np.complexfloating]
    background: NDArray[np.complexfloating] | None

    @cached_property
    def antennas(self) -> Antennas:
        return Antennas(self.geometry)

    @property
    def bandwidth_hz(self) -> float:
        return float(np.ptp(self.geometry.frequencies_hz))

    @property
    def step_hz(self) -> float:
        """The usual step between frequencies, 0 for a single one."""
        steps = np.diff(self.geometry.frequencies_hz)
        return float(np.median(steps)) if len(steps) else 0.0

    @property
    def resolution_m(self) -> float | None:
        """c / 2B in air; None for a single frequency."""
        return SPEED_OF_LIGHT / (2 * self.bandwidth_hz) if self.bandwidth_hz else None

    @property
    def unambiguous_m(self) -> float | None:
        """c / (2 df) in air; None for a single frequency."""
        return SPEED_OF_LIGHT / (2 * self.step_hz) if self.step_hz else None

    @property
    def signal(self) -> NDArray[np.complexfloating]:
        """The samples less the background."""
        return self.samples if self.background is None else self.samples - self.background

    def own_facts(self) -> Facts:
        facts = [
            ("responses", shape_text(self.info)),
            ("frequencies", self._frequencies()),
            ("antennas", f"{self.antennas.count_text()}, {ARRANGEMENTS[self.antennas.arrangement]}"),
            ("bounding box", self.antennas.box_text()),
            ("range", self._range()),
        ]
        ranges = self.geometry.reference_range_m
        if ranges is not None:
            text = f"phases compensated for {ranges.min():.6g} to {ranges.max():.6g} m to the scene centre"
            facts.append(("reference range", text))
        return [*facts, ("background", self._background()), ("strongest", _decibels(self.samples))]

    def own_numbers(self) -> dict[str, Any]:
        frequencies, antennas = self.geometry.frequencies_hz, self.antennas
        return {
            "frequencies_hz": [float(frequencies[0]), float(frequencies[-1])],
            "n_frequencies": len(frequencies),
            "n_antennas": len(antennas.positions_m),
            "n_pairs": len(self.geometry.pairs),
            "monostatic": antennas.monostatic,
            "arrangement": antennas.arrangement,
            "antennas_lower_m": antennas.lower_m.tolist(),
            "antennas_upper_m": antennas.upper_m.tolist(),
            "range_resolution_m": self.resolution_m,
            "unambiguous_range_m": self.unambiguous_m,
            "compensated": self.geometry.reference_range_m is not None,
            "has_background": self.background is not None,
        }

    def reference_text(self) -> str:
        return "none in the file"

    def panels(self) -> tuple[Panel, ...]:
        decades, less = DECIBELS / 20, "" if self.background is None else " less background"
        spectrum = measurement_panel(
            f"|S|{less}, {DECIBELS:g} dB, frequencies down, pairs across",
            log_grey(np.abs(self.signal), decades),
        )
        if self.resolution_m is None:
            return (spectrum,)
        ranges, response = self.impulse_response()
        level = 20 * np.log10(np.maximum(response / response.max(), 10 ** (-RANGE_DECIBELS / 20)))
        caption = f"mean response, {RANGE_DECIBELS:g} dB, {ranges[0]:.3g} to {ranges[-1]:.3g} m in air"
        return spectrum, measurement_panel(
            caption, chart(1 + level / RANGE_DECIBELS, int(RANGE_DECIBELS // 10))
        )

    def impulse_response(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ranges in air (range,), metres, and the mean over pairs of the responses' magnitudes there.

            h(r) = |sum over f of w(f) S(f) exp(+j 4 pi f r / c)|,   w: Hann

        Ranges are half the way a wave travels; those of a compensated scan count from the scene centre.
        """
        assert self.resolution_m is not None and self.unambiguous_m is not None
        if self.geometry.reference_range_m is not None:
            ranges = np.linspace(-0.5, 0.5, RANGES) * self.unambiguous_m
        else:
            shown = max(RESOLUTIONS * self.resolution_m, ARRAYS * float(self.antennas.extent_m.max()))
            ranges = np.linspace(0, min(shown, self.unambiguous_m), RANGES)
        frequencies = self.geometry.frequencies_hz
        window = np.hanning(len(frequencies) + 2)[1:-1]
        delays = 2 * ranges / SPEED_OF_LIGHT
        turned = np.exp(2j * np.pi * delays[:, None] * frequencies) * window
        return ranges, np.abs(turned @ self.signal).mean(axis=1)

    def _frequencies(self) -> str:
        frequencies = self.geometry.frequencies_hz / 1e9
        if len(frequencies) == 1:
            return f"1, {frequencies[0]:.5g} GHz"
        steps = np.diff(frequencies)
        even = np.ptp(steps) <= EVEN * steps.mean()
        how = f"in steps of {steps.mean() * 1e3:.4g} MHz" if even else "in uneven steps"
        return f"{len(frequencies)} from {frequencies[0]:.5g} to {frequencies[-1]:.5g} GHz {how}"

    def _range(self) -> str:
        if self.resolution_m is None or self.unambiguous_m is None:
            return "one frequency resolves no range"
        text = (
            f"resolution {_length(self.resolution_m)} (c/2B), unambiguous over {_length(self.unambiguous_m)}"
        )
        if self.antennas.arrangement == "flown past":
            return text
        return f"{text} in air; divide by the square root of a medium's permittivity"

    def _background(self) -> str:
        if self.background is None:
            return "none in the file"
        left = float(np.linalg.norm(self.signal) ** 2 / np.linalg.norm(self.samples) ** 2)
        return f"came with the scan; less it, {left:.2%} of the energy are left"


def look_at_radar(scan: Scan, item: int) -> RadarLook:
    """Look at one item; ScanError if it is unsound."""
    cube = scan.read([item])
    assert isinstance(cube, RadarCube)
    background = None if cube.background is None else cube.background[0]
    return RadarLook(scan.info, item, cube.geometry, cube.samples[0], background)


def _length(metres: float) -> str:
    return f"{metres:.4g} m" if metres >= 1 else f"{metres * 1e3:.4g} mm"


def _decibels(samples: NDArray[np.complexfloating]) -> str:
    return f"a magnitude of {20 * np.log10(float(np.abs(samples).max())):.1f} dB, 0 dB is 1"

"""Read circular SAR phase histories of the AFRL Gotcha volumetric data set (MATLAB)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.readers.mat_struct import field, is_mat, mat_names, read_mat
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate_radar import check_antennas, check_radar_samples, checked_radar

FIELDS = ("fp", "freq", "x", "y", "z", "r0")


def is_gotcha(path: Path) -> bool:
    """Whether ``path`` is a MATLAB file whose only variable is a struct ``data`` with Gotcha's fields."""
    if not is_mat(path) or mat_names(path) != {"data": "struct"}:
        return False
    content = read_mat(path, ["data"])["data"]
    return isinstance(content, Mapping) and set(FIELDS) <= set(content)


class GotchaScan(Scan):
    """One degree of azimuth: ``data.fp`` (frequency, pulse), antenna positions in metres, frequencies in Hz.

    Monostatic: pulse i is the pair (i, i). The phase is compensated to the scene's centre at range
    r0: a point at distance d from the antenna has the phase exp(-2jk (d - r0)), so that
    ``reference_range_m`` is r0. Where the file has the autofocus solution ``data.af``,

        r = r0 + af.r_correct,    samples = fp exp(+j af.ph_correct)    of each pulse.

    The readme does not state these signs. Over the first three degrees they focus best: the contrast
    <I^2> / <I>^2 of the intensity I is 1637, with both reversed 1188, with one 6, without autofocus 1604. The
    sign of the phase itself hardly shows, since reversing it mirrors so distant a scene at its centre: it is
    Gorham & Moore's.
    Frequencies that single precision has rounded off an even grid are put back on it, in double precision:
    the forward model of an even grid is many times cheaper.

    Raises ScanError if a field is missing or they do not fit each other.
    Source: readme of the Gotcha Volumetric SAR Data Set, Version 1.0, AFRL/SNAS (2007); Gorham & Moore, Proc.
    SPIE 7699:769906 (2010).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        content = read_mat(path, ["data"])
        self._samples = _samples(path, content)
        n_pulses = self._samples.shape[2]
        positions = np.stack([_per_pulse(path, content, f"data.{axis}", n_pulses) for axis in "xyz"], axis=1)
        ranges = _per_pulse(path, content, "data.r0", n_pulses)
        notes, phase = [], None
        if "af" in content["data"]:
            ranges = ranges + _per_pulse(path, content, "data.af.r_correct", n_pulses)
            phase = _per_pulse(path, content, "data.af.ph_correct", n_pulses)
            notes.append("The file's autofocus is applied: range correction and phase of each pulse.")
        frequencies, moved = _on_even_grid(np.atleast_1d(field(path, content, "data.freq")))
        if moved:
            notes.append(
                f"Frequencies put back on the even grid that single precision rounded them off: moved by "
                f"{moved:.3g} Hz at most."
            )
        self._geometry = AntennaGeometry(
            transmitters_m=positions,
            receivers_m=positions,
            pairs=np.repeat(np.arange(n_pulses, dtype=np.int64)[:, None], 2, axis=1),
            frequencies_hz=frequencies,
            reference_range_m=ranges,
        )
        check_antennas(path, self._geometry)
        check_radar_samples(path, "data.fp", self._samples.shape, self._samples.dtype, self._geometry)
        if phase is not None:
            with np.errstate(invalid="ignore"):  # NaN is refused later, with its place
                self._samples = self._samples * np.exp(1j * phase).astype(self._samples.dtype)
        self.info = ScanInfo(
            path=path,
            format="gotcha",
            shape=self._samples.shape,
            dtype=self._samples.dtype.name,
            labels=(path.stem,),
            file_bytes=path.stat().st_size,
            modality="radar",
            acquisition=self._geometry,
            notes=tuple(notes),
        )

    def read(self, items: Sequence[int] | None = None) -> RadarCube:
        rows = chosen_items(self.info, items)
        labels = tuple(self.info.labels[i] for i in rows)
        return checked_radar(self._path, RadarCube(self._samples[rows], self._geometry, labels), rows)

    def close(self) -> None:
        """Nothing stays open: MATLAB structs are read whole."""


def _samples(path: Path, content: Mapping[str, Any]) -> NDArray:
    """``data.fp`` as (1, frequency, pulse)."""
    samples = field(path, content, "data.fp")
    if samples.ndim != 2:
        raise ScanError(f"{path.name}: data.fp must have axes (frequency, pulse), got shape {samples.shape}")
    expected = tuple(field(path, content, name).size for name in ("data.freq", "data.x"))
    if samples.shape != expected and samples.shape == expected[::-1]:
        raise ScanError(
            f"{path.name}: data.fp must have axes (frequency, pulse) of shape {expected} as freq and x, got "
            f"{samples.shape} (frequency and pulse swapped?)"
        )
    return samples[None]


def _on_even_grid(frequencies: NDArray) -> tuple[NDArray[np.float64], float]:
    """(frequency,) in double precision, and by how much the farthest moved; 0 where none had to.

    Only float32 ones that are even to their rounding move: to the least-squares line through them.
    """
    stored = frequencies.astype(np.float64)
    if (
        frequencies.dtype != np.float32
        or stored.ndim != 1
        or len(stored) < 3
        or not np.isfinite(stored).all()
    ):
        return stored, 0.0
    step, first = np.polyfit(np.arange(len(stored)), stored, 1)
    even = np.linspace(first, first + step * (len(stored) - 1), len(stored))
    moved = float(np.abs(even - stored).max())
    return (even, moved) if moved <= np.spacing(np.abs(frequencies).max()) else (stored, 0.0)


def _per_pulse(path: Path, content: Mapping[str, Any], name: str, n_pulses: int) -> NDArray[np.float64]:
    values = np.atleast_1d(field(path, content, name))
    if values.shape != (n_pulses,):
        raise ScanError(
            f"{path.name}: {name} must hold one value for each of {n_pulses} pulses, got shape {values.shape}"
        )
    if values.dtype.kind == "c" or not np.isfinite(values).all():
        raise ScanError(f"{path.name}: {name} must be finite real numbers, got NaN, Inf or complex ones")
    return values.astype(np.float64)

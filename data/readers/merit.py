"""Read multistatic scans as the MERIT microwave imaging toolbox stores them: CSV tables in a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.radar_cube import AntennaGeometry, RadarCube
from proxflow.data.readers.complex_csv import ends_with_line_end, read_complex_csv, read_real_csv
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate_radar import check_antennas, check_radar_samples, checked_radar

COMPANIONS = ("frequencies.csv", "antenna_locations.csv", "channel_names.csv")
ROTATION = re.compile(r"(?P<stem>.+)_p(?P<degrees>\d{3})\.csv$")


def is_merit(path: Path) -> bool:
    """Whether ``path`` is a CSV table beside frequencies.csv, antenna_locations.csv and channel_names.csv."""
    if path.suffix.lower() != ".csv" or path.name in COMPANIONS:
        return False
    return path.is_file() and all((path.parent / name).is_file() for name in COMPANIONS)


class MeritScan(Scan):
    """One scan: a table (frequency, channel) of ``a+bi``, and in its folder what it means.

    ``frequencies.csv`` (Hz, one a line), ``antenna_locations.csv`` (x, y, z in metres, one antenna a
    line), ``channel_names.csv`` (transmitter, receiver of each channel, counted from 1). Every antenna
    transmits and receives.

    Args:
        path: the table.
        background: a table of the same array without the target, or rotated, which becomes the
            ``background``. None: the only other rotation beside a table named ``NAME_p000.csv``, such as
            ``NAME_p036.csv``, if there is one; ``info.notes`` then says so.

    Raises ScanError if a table is missing or they do not fit each other.
    Source: O'Loughlin et al., "Open-source software for microwave radar-based image reconstruction",
    12th European Conference on Antennas and Propagation (2018).
    """

    def __init__(self, path: Path, background: Path | None = None) -> None:
        self._path = path
        companions = [path.parent / name for name in COMPANIONS]
        for file in (path, *companions, *([background] if background else [])):
            if not file.is_file():
                raise ScanError(f"{path.name} must have {file.name} beside it, got no such file")
        self._geometry = _geometry(companions)
        check_antennas(path, self._geometry)
        self._samples = self._table(path)
        notes = []
        if background is None:
            background = _other_rotation(path)
            if background:
                notes.append(f"Background: {background.name}, the other rotation beside the scan.")
        self._background = self._table(background) if background else None
        notes += [
            f"The last line of {file.name} has no end; was the file cut short?"
            for file in companions
            if not ends_with_line_end(file)
        ]
        files = [*companions, *([background] if background else [])]
        self.info = ScanInfo(
            path=path,
            format="merit",
            shape=self._samples.shape,
            dtype=self._samples.dtype.name,
            labels=(path.stem,),
            file_bytes=sum(file.stat().st_size for file in (path, *files)),
            modality="radar",
            acquisition=self._geometry,
            has_fields=background is not None,
            notes=tuple(notes),
            companions=tuple(files),
        )

    def read(self, items: Sequence[int] | None = None) -> RadarCube:
        rows = chosen_items(self.info, items)
        cube = RadarCube(
            samples=self._samples[rows],
            geometry=self._geometry,
            labels=tuple(self.info.labels[i] for i in rows),
            background=None if self._background is None else self._background[rows],
            source=self.info.source,
        )
        return checked_radar(self._path, cube, rows)

    def close(self) -> None:
        """Nothing stays open: the tables are small and read at once."""

    def _table(self, path: Path) -> NDArray[np.complex64]:
        samples = read_complex_csv(path)[None]
        check_radar_samples(path, "samples", samples.shape, samples.dtype, self._geometry)
        return samples


def _geometry(companions: Sequence[Path]) -> AntennaGeometry:
    frequencies, locations, channels = companions
    positions = read_real_csv(locations, 3)
    names = read_real_csv(channels, 2)
    if not (names == np.round(names)).all():
        bad = int(np.argmax((names != np.round(names)).any(axis=1)))
        raise ScanError(
            f"{channels.name}: antenna numbers must be whole, got {names[bad].tolist()} in channel {bad + 1}"
        )
    outside = (names < 1) | (names > len(positions))
    if outside.any():
        bad = int(np.argmax(outside.any(axis=1)))
        raise ScanError(
            f"{channels.name}: antenna numbers must be in 1 to {len(positions)}, got "
            f"{names[bad].astype(int).tolist()} in channel {bad + 1}"
        )
    return AntennaGeometry(
        transmitters_m=positions,
        receivers_m=positions,
        pairs=names.astype(np.int64) - 1,
        frequencies_hz=read_real_csv(frequencies, 1)[:, 0],
    )


def _other_rotation(path: Path) -> Path | None:
    """The only sibling ``NAME_pNNN.csv`` of ``NAME_p000.csv``, else None."""
    mine = ROTATION.match(path.name)
    if mine is None or int(mine["degrees"]) != 0:
        return None
    others = [
        other
        for other in sorted(path.parent.iterdir())
        if (found := ROTATION.match(other.name)) and found["stem"] == mine["stem"] and other.name != path.name
    ]
    return others[0] if len(others) == 1 and others[0].is_file() else None

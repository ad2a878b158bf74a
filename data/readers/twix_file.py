"""Walk the measurement blocks of a Siemens Twix file, checking each before the next is looked for."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError

Header = dict[str, Any]


@dataclass(frozen=True)
class TwixLine:
    """One readout: its header as twixtools' structure, and where its channels lie in the file.

    Each channel has ``skip`` bytes of header before its samples.
    """

    head: Any
    start: int
    skip: int
    flags: frozenset[str]

    @property
    def n_coils(self) -> int:
        return int(self.head.UsedChannels)

    @property
    def n_samples(self) -> int:
        return int(self.head.SamplesInScan)

    def read(self, path: Path, file: BinaryIO) -> NDArray[np.complex64]:
        """(coil, sample); raises ScanError if the file ends before."""
        layout = np.dtype([("head", np.void, self.skip), ("data", "<c8", self.n_samples)])
        file.seek(self.start)
        raw = file.read(layout.itemsize * self.n_coils)
        if len(raw) < layout.itemsize * self.n_coils:
            raise ScanError(f"{path.name} must be a complete Twix file, got its end within a line")
        return np.frombuffer(raw, dtype=layout)["data"]


def twixtools_for(path: Path) -> ModuleType:
    """twixtools, to read ``path``; raises ScanError telling how to install it."""
    try:
        import twixtools.mdb
        import twixtools.twixprot
    except ImportError:
        raise ScanError(
            f"{path.name}: twixtools must be installed to read Twix files, got none: "
            "pip install 'proxflow[twix]'"
        ) from None
    return twixtools


def read_twix_lines(path: Path) -> tuple[Header, list[TwixLine], tuple[str, ...]]:
    """Header and readouts of the last measurement in the file, and notes on what else it holds.

    Noise lines, and blocks of physiological data, are left out. Raises ScanError if the file is no Twix
    file or is cut short.
    """
    twixtools = twixtools_for(path)
    with path.open("rb") as file:
        is_ve, start, end, n_measurements = _last_measurement(path, file, twixtools)
        try:
            file.seek(start)
            header = twixtools.twixprot.parse_twix_hdr(file)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, MemoryError, OSError) as error:
            reason = " ".join(str(error).split())
            raise ScanError(f"{path.name}: header must be readable, got an error: {reason}") from error
        file.seek(start)
        first = start + int(np.frombuffer(file.read(4), "<u4")[0])
        lines, n_noise = _walk(path, file, twixtools, is_ve, first, end)
    notes = []
    if n_measurements > 1:
        notes.append(f"The last of {n_measurements} measurements in the file; the others are left out.")
    if n_noise:
        notes.append(f"{n_noise} noise lines left out: the file does not state their bandwidth.")
    return header, lines, tuple(notes)


def _last_measurement(path: Path, file: BinaryIO, twixtools: ModuleType) -> tuple[bool, int, int, int]:
    """Whether it is VD or VE, where the last measurement starts and ends, how many there are."""
    size = path.stat().st_size
    if size < 32:
        raise ScanError(f"{path.name} must be a Twix file, got {size} bytes")
    is_ve, count = twixtools.helpers.idea_version_check(file)
    if not is_ve:
        return False, 0, size, 1
    table = twixtools.hdr_def.MultiRaidFileHeader
    if size < table.itemsize or count < 1:
        raise ScanError(f"{path.name} must be a Twix file, got {int(count)} measurements in {size} bytes")
    file.seek(0)
    entry = np.frombuffer(file.read(table.itemsize), table)[0]["entry"][int(count) - 1]
    start = int(entry["off_"])
    end = start + int(entry["len_"]) if entry["len_"] else size
    if start + 8 > size or end > size:
        raise ScanError(f"{path.name} must be a complete Twix file of {end} bytes, got {size}")
    return True, start, end, int(count)


def _walk(
    path: Path, file: BinaryIO, twixtools: ModuleType, is_ve: bool, position: int, end: int
) -> tuple[list[TwixLine], int]:
    """Imaging lines and the number of noise lines between ``position`` and the block that ends the scan."""
    definitions = twixtools.mdh_def
    kind = definitions.Scan_header if is_ve else definitions.VB17_header
    per_channel = ctypes.sizeof(definitions.Channel_header if is_ve else definitions.VB17_header)
    shared = ctypes.sizeof(kind) if is_ve else 0
    lines: list[TwixLine] = []
    n_noise = 0
    while position + ctypes.sizeof(kind) <= end:
        file.seek(position)
        head = kind.from_buffer_copy(file.read(ctypes.sizeof(kind)))
        mask = int(head.EvalInfoMask)
        flags = frozenset(name for name, bit in definitions.mask_dict.items() if mask >> bit & 1)
        if "ACQEND" in flags:
            return lines, n_noise
        length = int(definitions.get_dma_len(head))
        if "SYNCDATA" not in flags:
            # The stored length is wrong where blocks are packed; the samples tell it.
            length = shared + head.UsedChannels * (per_channel + 8 * head.SamplesInScan)
            if head.UsedChannels < 1 or head.SamplesInScan < 1 or position + length > end:
                break
            if "NOISEADJSCAN" in flags:
                n_noise += 1
            else:
                lines.append(TwixLine(head, position + shared, per_channel, flags))
        if length < ctypes.sizeof(kind):
            break
        position += length
    raise ScanError(
        f"{path.name} must be a complete Twix file, got no end of the scan after {len(lines)} lines "
        f"(damaged or cut at byte {position})"
    )

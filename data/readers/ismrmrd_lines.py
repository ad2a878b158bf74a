"""Which ISMRMRD acquisition is which line of which image: bookkeeping on the headers alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ismrmrd import constants
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.ismrmrd_header import Encoding

# What fills no line of the image: navigators, phase correction, feedback, dummies, coil correction.
NOT_IMAGING = (
    constants.ACQ_IS_NAVIGATION_DATA,
    constants.ACQ_IS_PHASECORR_DATA,
    constants.ACQ_IS_HPFEEDBACK_DATA,
    constants.ACQ_IS_DUMMYSCAN_DATA,
    constants.ACQ_IS_RTFEEDBACK_DATA,
    constants.ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
    constants.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
    constants.ACQ_IS_PHASE_STABILIZATION,
)
# Each combination is one 2-D image or 3-D volume; the slice counter runs fastest.
COUNTERS = ("contrast", "phase", "repetition", "set", "slice")


@dataclass(frozen=True)
class Lines:
    """The acquisitions that make the images, one entry per line, in file order.

    Attributes:
        acquisition: number of each line in ``dataset/data``.
        volume: image or volume each line belongs to, 0 to ``len(counters) - 1``.
        row, partition: its place along ky and kz, DC at n // 2.
        calibration: True for lines measured for calibration only; used where no imaging line lies.
        counters: (volume, 5) counter values, columns as ``COUNTERS``.
        noise: acquisitions of the noise scan.
        heads: the imaging lines' headers.
        notes: sentences on what was left out.
    """

    acquisition: NDArray[np.intp]
    volume: NDArray[np.intp]
    row: NDArray[np.intp]
    partition: NDArray[np.intp]
    calibration: NDArray[np.bool_]
    counters: NDArray[np.integer]
    noise: NDArray[np.intp]
    heads: NDArray[np.void]
    notes: tuple[str, ...]


def sort_lines(path: Path, heads: NDArray[np.void], encoding: Encoding) -> Lines:
    """Sort acquisition headers into lines; raises ScanError if none images or they cannot form a grid."""
    noise = _flagged(heads, constants.ACQ_IS_NOISE_MEASUREMENT)
    other = _flagged(heads, *NOT_IMAGING) & ~noise
    foreign = (heads["encoding_space_ref"] != 0) & ~noise & ~other
    calibration = _flagged(heads, constants.ACQ_IS_PARALLEL_CALIBRATION)
    calibration &= ~_flagged(heads, constants.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING)
    # A separate calibration scan differs in contrast: its lines would corrupt the image's k-space.
    separate = calibration & (encoding.calibration in ("separate", "external")) & ~noise & ~other & ~foreign
    imaging = np.flatnonzero(~(noise | other | foreign | separate))
    if len(imaging) == 0:
        raise ScanError(
            f"{path.name}: dataset/data must hold imaging lines, got none in {len(heads)} acquisitions"
        )
    chosen = heads[imaging]
    _check_uniform(path, chosen)
    row, partition = _grid_position(path, chosen, encoding)
    keys = np.stack([chosen["idx"][name] for name in COUNTERS], axis=1)
    counters, volume = np.unique(keys, axis=0, return_inverse=True)
    left_out = {
        "navigator, correction, feedback or dummy": other,
        "other encoding spaces'": foreign,
        "separate calibration": separate,
    }
    return Lines(
        acquisition=imaging,
        volume=volume.reshape(-1),
        row=row,
        partition=partition,
        calibration=calibration[imaging],
        counters=counters,
        noise=np.flatnonzero(noise),
        heads=chosen,
        notes=tuple(
            f"{int(c.sum())} {what} acquisitions left out." for what, c in left_out.items() if c.any()
        ),
    )


def volume_labels(counters: NDArray[np.integer]) -> list[str]:
    """One label per volume from the counters that vary, such as "contrast 1, slice 0"."""
    varying = [i for i in range(len(COUNTERS)) if len(np.unique(counters[:, i])) > 1]
    shown = varying or [COUNTERS.index("slice")]
    return [", ".join(f"{COUNTERS[i]} {row[i]}" for i in shown) for row in counters]


def _flagged(heads: NDArray[np.void], *flags: int) -> NDArray[np.bool_]:
    bits = np.uint64(sum(1 << (flag - 1) for flag in flags))
    return (heads["flags"] & bits) != 0


def _check_uniform(path: Path, heads: NDArray[np.void]) -> None:
    for name in ("active_channels", "number_of_samples", "center_sample", "discard_pre", "discard_post"):
        found = np.unique(heads[name])
        if len(found) > 1:
            values = ", ".join(map(str, found[:4]))
            raise ScanError(f"{path.name}: {name} must be the same in every imaging line, got {values}")


def _grid_position(
    path: Path, heads: NDArray[np.void], encoding: Encoding
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    positions = []
    for step, axis, centre in (("1", 1, encoding.centre_1), ("2", 0, encoding.centre_2)):
        size = encoding.encoded_matrix[axis]
        counter = heads["idx"][f"kspace_encode_step_{step}"].astype(np.intp)
        place = counter - centre + size // 2
        if place.min() < 0 or place.max() >= size:
            raise ScanError(
                f"{path.name}: kspace_encode_step_{step} must lie in the encoded matrix of {size} around "
                f"its centre {centre}, got {counter.min()} to {counter.max()}"
            )
        positions.append(place)
    return positions[0], positions[1]

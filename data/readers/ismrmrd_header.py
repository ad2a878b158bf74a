"""The ISMRMRD XML header, reduced to what a Cartesian reconstruction needs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ismrmrd

from proxflow.data.errors import ScanError
from proxflow.data.validate import check_field_of_view

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Encoding:
    """One encoding space; triples are (z, y, x), x along the readout, lengths in mm.

    ``centre_1`` and ``centre_2`` are the k-space-centre values of the line and partition counters;
    ``calibration`` is the parallel-imaging calibration mode ("embedded", "separate", ...) or "".
    """

    encoded_matrix: tuple[int, int, int]
    encoded_fov_mm: Triple
    recon_matrix: tuple[int, int, int]
    recon_fov_mm: Triple
    trajectory: str
    centre_1: int
    centre_2: int
    calibration: str

    @property
    def image_matrix(self) -> tuple[int, int, int]:
        """(z, y, x) of the recon field of view at the encoded resolution: cropped, not interpolated."""
        sizes = zip(
            self.encoded_matrix, self.encoded_fov_mm, self.recon_matrix, self.recon_fov_mm, strict=True
        )
        cut = [round(n * fov / whole) if fov > 0 and whole > 0 else m for n, whole, m, fov in sizes]
        z, y, x = (min(max(c, 1), n) for c, n in zip(cut, self.encoded_matrix, strict=True))
        return z, y, x

    @property
    def voxel_size_mm(self) -> Triple | None:
        """(z, y, x) in mm, None where the header gives no field of view."""
        if min(self.encoded_fov_mm) <= 0:
            return None
        z, y, x = (fov / n for fov, n in zip(self.encoded_fov_mm, self.encoded_matrix, strict=True))
        return z, y, x


def parse_header(path: Path, xml: bytes | str) -> list[Encoding]:
    """The encoding spaces of an ISMRMRD header; raises ScanError naming what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a value that does not convert fails below, in a sentence
            header = ismrmrd.xsd.CreateFromDocument(xml)
        encodings = [_encoding(part) for part in header.encoding]
    except (ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ScanError(f"{path.name}: XML header must follow the ISMRMRD schema, got {reason}") from error
    if not encodings:
        raise ScanError(f"{path.name}: XML header must describe at least one encoding, got none")
    for encoding in encodings:
        if min(*encoding.encoded_matrix, *encoding.recon_matrix) < 1:
            raise ScanError(
                f"{path.name}: matrixSize must be at least 1, got {encoding.encoded_matrix} (z, y, x)"
            )
        check_field_of_view(path, encoding.encoded_fov_mm)
        check_field_of_view(path, encoding.recon_fov_mm)
    return encodings


def _encoding(part: Any) -> Encoding:
    space, recon, limits = part.encodedSpace, part.reconSpace, part.encodingLimits
    matrix = _whole(space.matrixSize)
    mode = part.parallelImaging.calibrationMode if part.parallelImaging else None
    return Encoding(
        encoded_matrix=matrix,
        encoded_fov_mm=_lengths(space.fieldOfView_mm),
        recon_matrix=_whole(recon.matrixSize),
        recon_fov_mm=_lengths(recon.fieldOfView_mm),
        trajectory=part.trajectory.value,
        centre_1=_centre(limits.kspace_encoding_step_1 if limits else None, matrix[1]),
        centre_2=_centre(limits.kspace_encoding_step_2 if limits else None, matrix[0]),
        calibration=mode.value if mode else "",
    )


def _whole(size: Any) -> tuple[int, int, int]:
    return int(size.z), int(size.y), int(size.x)


def _lengths(size: Any) -> Triple:
    return float(size.z), float(size.y), float(size.x)


def _centre(limit: Any, size: int) -> int:
    # Without limits the counter runs over the whole matrix.
    return size // 2 if limit is None or limit.center is None else int(limit.center)

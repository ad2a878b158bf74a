"""A Twix protocol and line headers in ISMRMRD's terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ismrmrd import constants
from ismrmrd.hdf5 import acquisition_header_dtype
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.ismrmrd_header import Encoding
from proxflow.data.readers.twix_file import Header, TwixLine
from proxflow.data.validate import check_field_of_view

CARTESIAN = 1  # ucTrajectory
EVENLY = 1  # alRegridMode of readouts at a constant gradient
VOLUME = 4  # ucDimension of a 3-D scan; 2 is 2-D

FLAGS = {
    "RTFEEDBACK": constants.ACQ_IS_RTFEEDBACK_DATA,
    "HPFEEDBACK": constants.ACQ_IS_HPFEEDBACK_DATA,
    "PHASCOR": constants.ACQ_IS_PHASECORR_DATA,
    "REFPHASESTABSCAN": constants.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
    "PHASESTABSCAN": constants.ACQ_IS_PHASE_STABILIZATION,
    "noname60": constants.ACQ_IS_NAVIGATION_DATA,  # fat navigators
    "REFLECT": constants.ACQ_IS_REVERSE,
}
# ISMRMRD's counters by Twix's.
COUNTERS = {
    "kspace_encode_step_1": "Lin",
    "kspace_encode_step_2": "Par",
    "average": "Ave",
    "slice": "Sli",
    "contrast": "Eco",
    "phase": "Phs",
    "repetition": "Rep",
    "set": "Set",
    "segment": "Seg",
}


def twix_heads(lines: Sequence[TwixLine]) -> NDArray[np.void]:
    """ISMRMRD acquisition headers of the lines, as far as a Cartesian reconstruction needs them."""
    heads = np.zeros(len(lines), dtype=acquisition_header_dtype)
    for target, line in zip(heads, lines, strict=True):
        head = line.head
        target["number_of_samples"], target["active_channels"] = line.n_samples, line.n_coils
        target["center_sample"] = head.CenterCol
        target["discard_pre"], target["discard_post"] = head.CutOff.Pre, head.CutOff.Post
        for name, counter in COUNTERS.items():
            target["idx"][name] = getattr(head.Counter, counter)
        target["flags"] = sum(1 << (FLAGS[name] - 1) for name in FLAGS if name in line.flags)
        if "PATREFANDIMASCAN" in line.flags:
            target["flags"] |= np.uint64(1 << (constants.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING - 1))
        elif "PATREFSCAN" in line.flags:
            target["flags"] |= np.uint64(1 << (constants.ACQ_IS_PARALLEL_CALIBRATION - 1))
    return heads


def twix_encoding(path: Path, header: Header, lines: Sequence[TwixLine]) -> Encoding:
    """The encoding of the scan; raises ScanError if the protocol is incomplete or not Cartesian."""
    if not lines:
        raise ScanError(f"{path.name} must hold imaging lines, got none")
    first = next((line for line in lines if not line.flags & FLAGS.keys() - {"REFLECT"}), lines[0]).head
    trajectory = _number(path, header, "sKSpace", "ucTrajectory")
    if trajectory != CARTESIAN:
        raise ScanError(f"{path.name}: trajectory must be cartesian (1), got ucTrajectory {trajectory:g}")
    regrid = (header.get("Meas", {}).get("alRegridMode") or [EVENLY])[0]
    if regrid != EVENLY:
        raise ScanError(
            f"{path.name}: readouts must be sampled evenly, got alRegridMode {regrid} (EPI ramps)"
        )
    columns = int(_number(path, header, "sKSpace", "lBaseResolution"))
    rows = int(_number(path, header, "sKSpace", "lPhaseEncodingLines"))
    volume = _number(path, header, "sKSpace", "ucDimension") == VOLUME
    partitions = int(_number(path, header, "sKSpace", "lPartitions")) if volume else 1
    kept = int(first.SamplesInScan) - int(first.CutOff.Pre) - int(first.CutOff.Post)
    # Scanners sample twice the field of view along the readout; some sequences do not.
    oversampling = 2 if kept > columns else 1
    more_rows = 1 + _number(path, header, "sKSpace", "dPhaseOversamplingForDialog", 0.0)
    more_partitions = 1 + _number(path, header, "sKSpace", "dSliceOversamplingForDialog", 0.0)
    width, height, depth = (
        _number(path, header, "sSliceArray", "asSlice", 0, name)
        for name in ("dReadoutFOV", "dPhaseFOV", "dThickness")
    )
    if not volume:
        more_partitions = 1.0
    recon = (max(1, round(partitions / more_partitions)), max(1, round(rows / more_rows)), columns)
    check_field_of_view(path, (depth, height, width))
    if min(*recon, rows, partitions) < 1:
        raise ScanError(f"{path.name}: matrix must be at least 1, got {recon} (z, y, x)")
    return Encoding(
        encoded_matrix=(partitions, rows, columns * oversampling),
        encoded_fov_mm=(depth * more_partitions, height * more_rows, width * oversampling),
        recon_matrix=recon,
        recon_fov_mm=(depth, height, width),
        trajectory="cartesian",
        centre_1=int(first.CenterLin),
        centre_2=int(first.CenterPar) if volume else 0,
        calibration="embedded",
    )


def _number(path: Path, header: Header, *place: str | int | float) -> float:
    """A number of the protocol (MeasYaps); a last float in ``place`` is what an absent one stands for."""
    default = place[-1] if isinstance(place[-1], float) else None
    names = place[:-1] if default is not None else place
    value: Any = header.get("MeasYaps")
    for name in names:
        try:
            value = value[name]
        except (KeyError, IndexError, TypeError):
            value = None
            break
    if value is None and default is not None:
        return float(default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        shown = ".".join(map(str, names))
        raise ScanError(f"{path.name}: protocol must state {shown} as a number, got {value}")
    return float(value)

"""The small scan as plain arrays and tables, most with a sidecar that says what they are."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import tifffile

from tests.data.forms.form_arrays import PAIRS


def sidecar(path: Path, **fields: Any) -> Path:
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in fields.items() if v is not None}
    path.with_suffix(".json").write_text(json.dumps(plain))
    return path


def ct_fields(a: SimpleNamespace) -> dict[str, Any]:
    return {"modality": "ct", "axes": ["angle", "row", "column"], f"angles_{a.unit}": a.angles}


def radar_fields(a: SimpleNamespace, **more: Any) -> dict[str, Any]:
    antennas = {"transmitters_m": a.transmitters, "receivers_m": a.receivers}
    axes = ["frequency", "transmitter", "receiver"]
    return {"modality": "radar", "axes": axes, "frequencies_hz": a.frequencies, **antennas, **more}


def tiff(folder: Path, a: SimpleNamespace) -> Path:
    tifffile.imwrite(folder / "stack.tif", a.attenuation, photometric="minisblack", metadata=None)
    return sidecar(folder / "stack.tif", quantity="attenuation", **ct_fields(a))


def numpy_kspace(folder: Path, a: SimpleNamespace) -> Path:
    np.save(folder / "k.npy", a.kspace)
    return sidecar(folder / "k.npy", axes=["item", "coil", "ky", "kx"], field_of_view_mm=list(a.fov_mm))


def numpy_radial(folder: Path, a: SimpleNamespace) -> Path:
    np.savez(folder / "r.npz", kspace=a.spokes, trajectory=a.trajectory * getattr(a, "reach", 1.0))
    axes = {"axes": ["item", "coil", "spoke", "readout"], "trajectory_axes": "kx, ky", "grid": [32, 32]}
    path = folder / "r.npz"
    units = {"trajectory_units": "cycles/sample", "field_of_view_mm": list(a.fov_mm)}
    return sidecar(path, modality="mri-radial", **axes, **units)


def numpy_ct(folder: Path, a: SimpleNamespace) -> Path:
    np.save(folder / "ct.npy", a.attenuation)
    detector = a.source_detector
    lengths = {"column_size_mm": 1.0, "source_origin_mm": 0.7 * detector, "source_detector_mm": detector}
    return sidecar(folder / "ct.npy", quantity="attenuation", beam="fan", **ct_fields(a), **lengths)


def numpy_dynamic(folder: Path, a: SimpleNamespace) -> Path:
    np.save(folder / "d.npy", a.series)
    axes = ["item", "frame", "view", "column"]
    fields = {"modality": "ct-dynamic", "axes": axes, "column_size_mm": 1.0}
    return sidecar(folder / "d.npy", **fields, **{f"angles_{a.unit}": a.series_angles})


def numpy_radar(folder: Path, a: SimpleNamespace) -> Path:
    np.savez(folder / "w.npz", s=a.cube)
    return sidecar(folder / "w.npz", samples="s", **radar_fields(a))


def table(path: Path, values: np.ndarray) -> None:
    rows = values.reshape(len(values), -1)
    text = (",".join(f"{v.real:.9g}{v.imag:+.9g}i" for v in map(complex, row)) for row in rows)
    path.write_text("\n".join(text) + "\n")


def csv(folder: Path, a: SimpleNamespace) -> Path:
    table(folder / "w.csv", a.cube)
    pairs = {"axes": ["frequency", "pair"], "pairs": PAIRS, "pairs_from": 0}
    return sidecar(folder / "w.csv", **radar_fields(a) | pairs)


def merit(folder: Path, a: SimpleNamespace) -> Path:
    table(folder / "B0.csv", a.cube)
    np.savetxt(folder / "frequencies.csv", a.frequencies)
    places = np.concatenate([a.transmitters, a.receivers])
    np.savetxt(folder / "antenna_locations.csv", places, delimiter=",")
    np.savetxt(folder / "channel_names.csv", np.add(PAIRS, [1, 3]), fmt="%d", delimiter=",")
    return folder / "B0.csv"


def nifti(folder: Path, a: SimpleNamespace) -> Path:
    volume = nibabel.Nifti1Image(a.pictures.transpose(2, 1, 0), np.eye(4))  # type: ignore[no-untyped-call,attr-defined]
    volume.to_filename(folder / "p.nii")
    return folder / "p.nii"

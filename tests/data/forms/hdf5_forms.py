"""The small scan in HDF5: Proxflow's own schema, fastMRI, DXchange, NXtomo."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np

from tests.data.forms.form_arrays import PAIRS


def h5(path: Path, root: dict[str, Any], **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs.update(root)
        for name, value in datasets.items():
            file[name.replace("__", "/")] = value
    return path


def own(modality: str, **more: Any) -> dict[str, Any]:
    return {"proxflow_format": "measurement", "format_version": 1, "modality": modality} | more


def proxflow_cartesian(folder: Path, a: SimpleNamespace) -> Path:
    mask = np.ones((1, *a.kspace.shape[-2:]), bool)
    fov = np.array(a.fov_mm)
    labels = ["one", "two"]
    root = own("mri-cartesian")
    return h5(folder / "c.h5", root, kspace=a.kspace, mask=mask, labels=labels, geometry__field_of_view=fov)


def proxflow_radial(folder: Path, a: SimpleNamespace) -> Path:
    geometry = {"geometry__matrix": [32, 32], "geometry__field_of_view": np.array(a.fov_mm)}
    trajectory = a.trajectory[..., ::-1] * a.reach if hasattr(a, "reach") else a.trajectory[..., ::-1] * 32.0
    arrays = {"kspace": a.spokes, "trajectory": trajectory, "labels": ["one", "two"]}
    return h5(folder / "r.h5", own("mri-radial"), **arrays, **geometry)


def proxflow_ct(folder: Path, a: SimpleNamespace) -> Path:
    angles = a.angles if a.unit == "stated rad" else np.deg2rad(a.angles)
    samples = np.moveaxis(a.attenuation, 1, 0)
    lengths = {"column_size": 1.0, "source_origin": 0.9 * a.source_detector}
    geometry = {f"geometry__{k}": v for k, v in lengths.items()}
    geometry["geometry__source_detector"] = a.source_detector
    labels = ["row"] * len(samples)
    root = own("ct", quantity="attenuation", beam="fan")
    return h5(folder / "t.h5", root, samples=samples, labels=labels, geometry__angles=angles, **geometry)


def proxflow_dynamic(folder: Path, a: SimpleNamespace) -> Path:
    angles = a.series_angles if a.unit == "stated rad" else np.deg2rad(a.series_angles)
    geometry = {"geometry__angles": angles, "geometry__column_size": 1.0}
    arrays = {"samples": a.series, "labels": ["one", "two"]}
    return h5(folder / "d.h5", own("ct-dynamic"), **arrays, **geometry)


def proxflow_frames(folder: Path, a: SimpleNamespace) -> Path:
    mask = np.ones((a.frames.shape[1], *a.frames.shape[3:]), bool)
    arrays = {"kspace": a.frames, "mask": mask, "labels": ["one", "two"]}
    return h5(folder / "g.h5", own("mri-dynamic"), **arrays, geometry__field_of_view=np.array(a.fov_mm))


def proxflow_frame_spokes(folder: Path, a: SimpleNamespace) -> Path:
    trajectory = a.frame_trajectory * getattr(a, "reach", 1.0)
    arrays = {"kspace": a.frame_spokes, "trajectory": trajectory, "labels": ["one", "two"]}
    geometry = {"geometry__matrix": [32, 32], "geometry__field_of_view": np.array(a.fov_mm)}
    return h5(folder / "s.h5", own("mri-dynamic"), **arrays, **geometry)


def proxflow_radar(folder: Path, a: SimpleNamespace) -> Path:
    cube = a.cube.reshape(1, a.cube.shape[0], -1)
    names = {"transmitters": a.transmitters, "receivers": a.receivers, "frequencies": a.frequencies}
    acquisition = {f"acquisition__{k}": v for k, v in {**names, "pairs": PAIRS}.items()}
    return h5(folder / "w.h5", own("radar"), samples=cube, labels=["scene"], **acquisition)


def fastmri(folder: Path, a: SimpleNamespace) -> Path:
    return h5(folder / "fast.h5", {}, kspace=a.kspace)


def dxchange(folder: Path, a: SimpleNamespace) -> Path:
    pixel = {"measurement__instrument__detector__x_pixel_size": getattr(a, "pixel", 1e-5)}
    path = h5(folder / "dx.h5", {}, exchange__data=a.counts, exchange__theta=a.angles, **pixel)
    with h5py.File(path, "r+") as file:
        file["exchange/theta"].attrs["units"] = a.unit
    return path


def nxtomo(folder: Path, a: SimpleNamespace) -> Path:
    names = {"entry": "NXentry", "entry/d": "NXdetector", "entry/s": "NXsample"}
    arrays = {
        "d__data": a.counts,
        "d__image_key": np.zeros(len(a.counts), int),
        "s__rotation_angle": a.angles,
    }
    arrays["d__x_pixel_size"] = getattr(a, "pixel", 1e-5)
    datasets = {f"entry__{k}": v for k, v in arrays.items()}
    path = h5(folder / "nx.nxs", {}, entry__definition="NXtomo", **datasets)
    with h5py.File(path, "r+") as file:
        for name, kind in names.items():
            file[name].attrs["NX_class"] = kind
        file["entry/s/rotation_angle"].attrs["units"] = a.unit
    return path

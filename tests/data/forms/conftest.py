"""One small scan in every form, written without our writers where another program would write it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import nibabel
import numpy as np
import pytest
import scipy.io
import tifffile

RANDOM = np.random.default_rng(11)
TURNS = np.linspace(0, np.pi, 7, endpoint=False)[:, None]
EDGE = np.clip(3 - np.abs(np.linspace(-5, 5, 40)), 0, None)  # attenuation of a slab, 0 beside it


def noise(*shape: int) -> np.ndarray:
    return (RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)).astype(np.complex64)


# Arrays a form is made of; a test replaces some. No two axes of an array are of one size.
BASE: dict[str, Any] = {
    "kspace": noise(2, 3, 12, 10),
    "fov_mm": (5.0, 240.0, 200.0),
    "spokes": noise(2, 3, 7, 32),
    "trajectory": np.stack([np.cos(TURNS), np.sin(TURNS)], -1) * np.linspace(-0.5, 0.5, 32)[:, None],
    "attenuation": np.broadcast_to(EDGE, (12, 3, 40)).astype(np.float32),
    "counts": np.broadcast_to(100 + 9900 * np.exp(-EDGE), (12, 3, 40)).astype(np.uint16),
    "angles": np.arange(12) * 15.0,
    "unit": "deg",
    "source_detector": 700.0,
    "series": np.broadcast_to(EDGE, (2, 8, 3, 40)).astype(np.float32),
    "series_angles": np.arange(24).reshape(8, 3) * 7.5,
    "frames": noise(2, 4, 3, 12, 10),  # item, frame, coil, ky, kx
    "frame_spokes": noise(2, 4, 3, 7, 32),
    "frame_trajectory": np.stack([np.stack([np.sin(TURNS + t), np.cos(TURNS + t)], -1) for t in range(4)])
    * np.linspace(-16, 16, 32)[:, None],
    "pictures": RANDOM.uniform(1, 2, (2, 12, 10)).astype(np.float32),
    "cube": noise(4, 2, 5),  # frequency, transmitter, receiver
    "frequencies": np.array([2e9, 3e9, 4e9, 5e9]),
    "transmitters": RANDOM.uniform(-0.2, 0.2, (2, 3)),
    "receivers": RANDOM.uniform(-0.2, 0.2, (5, 3)),
}
PAIRS = np.stack(np.divmod(np.arange(10), 5), axis=1)


def h5(path: Path, root: dict[str, Any], **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs.update(root)
        for name, value in datasets.items():
            file[name.replace("__", "/")] = value
    return path


def own(modality: str, **more: Any) -> dict[str, Any]:
    return {"proxflow_format": "measurement", "format_version": 1, "modality": modality} | more


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


def htc2022(folder: Path, a: SimpleNamespace) -> Path:
    lengths = {"distanceSourceOrigin": 0.7 * a.source_detector, "distanceSourceDetector": a.source_detector}
    parameters = {"angles": a.angles, "pixelSizePost": 1.0, "distanceUnit": "mm", **lengths}
    content = {"type": "2d", "sinogram": a.attenuation[:, 0].astype(float), "parameters": parameters}
    scipy.io.savemat(folder / "htc.mat", {"CtDataFull": content})
    return folder / "htc.mat"


def gotcha(folder: Path, a: SimpleNamespace) -> Path:
    place = dict(zip("xyz", np.linspace(7e3, 7.1e3, 12).reshape(3, 4), strict=True))
    fp = getattr(a, "phases", noise(6, 4))
    content = {"fp": fp, "freq": np.linspace(*a.frequencies[[0, -1]], 6), "r0": np.full(4, 1e4), **place}
    scipy.io.savemat(folder / "gotcha.mat", {"data": content})
    return folder / "gotcha.mat"


def mimo(folder: Path, a: SimpleNamespace) -> Path:
    antennas = {
        side: dict(zip("XYZ", places.T, strict=True))
        for side, places in (("Transmitter", a.transmitters), ("Receiver", a.receivers))
    }
    values = a.cube.transpose(2, 1, 0)
    content = {"EMData": {"Values": values}, "MIMOArray": antennas, "OperateFreq": a.frequencies}
    scipy.io.savemat(folder / "mimo.mat", content)
    return folder / "mimo.mat"


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


def twix(folder: Path, a: SimpleNamespace) -> Path:
    pytest.importorskip("twixtools", reason="twixtools is an optional extra: pip install 'proxflow[twix]'")
    from twixtools import mdh_def

    depth, height, width = a.fov_mm
    protocol = {"sKSpace.lBaseResolution": 10, "sKSpace.lPhaseEncodingLines": 12, "sKSpace.lPartitions": 1}
    protocol |= {"sKSpace.ucDimension": 2, "sKSpace.ucTrajectory": 1}
    extent = {"dThickness": depth, "dPhaseFOV": height, "dReadoutFOV": width}
    protocol |= {f"sSliceArray.asSlice[0].{name}": value for name, value in extent.items()}
    text = "".join(f"{name}\t = \t{value}\n" for name, value in protocol.items())
    parts = {
        b"Config": b"<XProtocol> {}",
        b"MeasYaps": f"### ASCCONV BEGIN ###\n{text}\n### ASCCONV END ###\n",
    }
    parts[b"MeasYaps"] = parts[b"MeasYaps"].encode()
    head = b"".join(k + b"\0" + struct.pack("<I", len(v)) + v for k, v in parts.items()).ljust(10240, b" ")
    body = struct.pack("<II", 8 + len(head), 2) + head
    for item, row in np.ndindex(2, 12):
        line = mdh_def.VB17_header()
        line.UsedChannels, line.SamplesInScan, line.CenterCol, line.CenterLin = 3, 10, 5, 6
        line.Counter.Lin, line.Counter.Sli = row, item
        body += b"".join(bytes(line) + coil.tobytes() for coil in a.kspace[item, :, row])
    last = mdh_def.VB17_header()
    mdh_def.add_flag(last, "ACQEND")
    (folder / "meas.dat").write_bytes(body + bytes(last) + bytes(160))
    return folder / "meas.dat"


def nifti(folder: Path, a: SimpleNamespace) -> Path:
    volume = nibabel.Nifti1Image(a.pictures.transpose(2, 1, 0), np.eye(4))  # type: ignore[no-untyped-call,attr-defined]
    volume.to_filename(folder / "p.nii")
    return folder / "p.nii"


FORMS: dict[str, tuple[str, Callable[[Path, SimpleNamespace], Path]]] = {
    name: (reader, write)
    for reader, name, write in (
        ("proxflow", "proxflow-cartesian", proxflow_cartesian),
        ("proxflow", "proxflow-radial", proxflow_radial),
        ("proxflow", "proxflow-ct", proxflow_ct),
        ("proxflow", "proxflow-dynamic", proxflow_dynamic),
        ("proxflow", "proxflow-frames", proxflow_frames),
        ("proxflow", "proxflow-frame-spokes", proxflow_frame_spokes),
        ("proxflow", "proxflow-radar", proxflow_radar),
        ("fastmri", "fastmri", fastmri),
        ("dxchange", "dxchange", dxchange),
        ("nxtomo", "nxtomo", nxtomo),
        ("htc2022", "htc2022", htc2022),
        ("gotcha", "gotcha", gotcha),
        ("matlab", "mimo", mimo),
        ("tiff", "tiff", tiff),
        ("numpy", "numpy-kspace", numpy_kspace),
        ("numpy", "numpy-radial", numpy_radial),
        ("numpy", "numpy-ct", numpy_ct),
        ("numpy", "numpy-dynamic", numpy_dynamic),
        ("numpy", "numpy-radar", numpy_radar),
        ("csv", "csv", csv),
        ("merit", "merit", merit),
        ("twix", "twix", twix),
        ("image", "nifti", nifti),
    )
}


READERS_OF = {name: reader for name, (reader, _) in FORMS.items()} | {
    "bart": "bart",
    "ismrmrd": "ismrmrd",
    "ismrmrd-radial": "ismrmrd",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a ``form``, and names none itself, once for every form."""
    named = any("form" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "form" in metafunc.fixturenames and not named:
        metafunc.parametrize("form", READERS_OF)


@pytest.fixture
def forms() -> dict[str, str]:
    """Names of all forms with the reader of each."""
    return dict(READERS_OF)


@pytest.fixture
def base() -> dict[str, Any]:
    """The arrays a form is made of where a test replaces none."""
    return dict(BASE)


@pytest.fixture
def make(tmp_path: Path, foreign: SimpleNamespace) -> Callable[..., Path]:
    """Write a scan of a form into a folder of its own, with some of the BASE arrays replaced."""

    def write(form: str, **changes: Any) -> Path:
        folder = tmp_path / f"{form}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        a = SimpleNamespace(**(BASE | changes))
        if form == "bart":
            dims = a.kspace.transpose(3, 2, 1, 0)[:, :, None].reshape(10, 12, 1, 3, 1, 2)
            return foreign.bart(folder / "b", dims).with_suffix(".cfl")
        if not form.startswith("ismrmrd"):
            return FORMS[form][1](folder, a)
        voxel = (a.fov_mm[0], a.fov_mm[1] / 12, a.fov_mm[2] / 10)
        if form == "ismrmrd":
            lines = [
                foreign.acquisition(a.kspace[i, :, r], kspace_encode_step_1=r, slice=i)
                for i, r in np.ndindex(2, 12)
            ]
            return foreign.ismrmrd(folder / "m.h5", foreign.header((1, 12, 10), voxel=voxel), lines)
        voxel = (a.fov_mm[0], a.fov_mm[1] / 32, a.fov_mm[2] / 32)
        header = foreign.header((1, 32, 32), voxel=voxel, trajectory="radial")
        trajectory = (a.trajectory * getattr(a, "reach", 1.0)).astype(np.float32)
        lines = []
        for item, spoke in np.ndindex(2, 7):
            line = foreign.acquisition(a.spokes[item, :, spoke], kspace_encode_step_1=spoke, slice=item)
            line.resize(trajectory.shape[1], 3, trajectory_dimensions=2)
            line.data[:] = a.spokes[item, :, spoke]
            line.traj[:] = trajectory[spoke]
            lines.append(line)
        return foreign.ismrmrd(folder / "mr.h5", header, lines)

    return write

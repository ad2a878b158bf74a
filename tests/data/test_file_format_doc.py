"""docs/file-format.md says what the readers do: its sidecars open, its code runs, it names every key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
import yaml

from proxflow.data.forms import READERS
from proxflow.data.open_scan import open_scan
from proxflow.data.readers import dynamic_sidecar, kspace_sidecar, radar_sidecar, radial_npz, sinogram_sidecar
from proxflow.data.samples.catalogue import SAMPLES, sample_path

DOC = (Path(__file__).parents[2] / "docs" / "file-format.md").read_text(encoding="utf-8")
SIDECARS = {text.split(".yaml")[0]: text for text in re.findall(r"```yaml\n# (.+?)```", DOC, re.DOTALL)}
RANDOM = np.random.default_rng(4)
SLAB = np.clip(3 - np.abs(np.linspace(-5, 5, 560)), 0, None)


def noise(*shape: int) -> np.ndarray:
    return (RANDOM.normal(size=shape) + 1j * RANDOM.normal(size=shape)).astype(np.complex64)


def kspace(folder: Path) -> Path:
    images = {"reference": np.ones((2, 256, 256)), "mask": np.ones((264, 256), bool)}
    np.savez(folder / "kspace.npz", kspace=noise(2, 3, 264, 256), noise=noise(3, 50), **images)
    return folder / "kspace.npz"


def spokes(folder: Path) -> Path:
    turns = np.linspace(0, np.pi, 7, endpoint=False)[:, None]
    trajectory = np.stack([np.cos(turns), np.sin(turns)], -1) * np.linspace(-0.5, 0.5, 512)[:, None]
    np.savez(folder / "spokes.npz", kdata=noise(3, 7, 512), traj=trajectory)
    return folder / "spokes.npz"


def sinogram(folder: Path) -> Path:
    np.save(folder / "sinogram.npy", np.tile(SLAB, (720, 1)))
    return folder / "sinogram.npy"


def projections(folder: Path) -> Path:
    (folder / "projections").mkdir()
    (folder / "fields").mkdir()
    counts = np.tile(100 + 9900 * np.exp(-SLAB), (4, 1)).astype(np.uint16)
    for number in range(6):
        tifffile.imwrite(folder / "projections" / f"p{number}.tif", counts)
    tifffile.imwrite(folder / "fields" / "dark.tif", np.full((2, 4, 560), 100, np.uint16))
    tifffile.imwrite(folder / "fields" / "flat.tif", np.full((4, 560), 10000, np.uint16))
    return folder / "projections"


def series(folder: Path) -> Path:
    np.save(folder / "series.npy", np.tile(SLAB, (4, 2, 1)))
    np.save(folder / "truth.npy", np.ones((4, 9, 9)))
    return folder / "series.npy"


def stream(folder: Path) -> Path:
    np.savez(folder / "stream.npz", g=np.tile(SLAB, (12, 1)))
    return folder / "stream.npz"


def scene(folder: Path) -> Path:
    arrays = {"s21": noise(2, 5, 31), "empty": noise(2, 5, 31)}
    places = {"tx": RANDOM.uniform(-0.2, 0.2, (2, 3)), "rx": RANDOM.uniform(-0.2, 0.2, (5, 3))}
    np.savez(folder / "scene.npz", **arrays, **places)
    scipy.io.savemat(folder / "scene.mat", arrays | places)
    return folder / "scene.npz"


def table(folder: Path) -> Path:
    for name in ("table", "empty"):
        rows = (",".join(f"{v.real:.6f}{v.imag:+.6f}i" for v in row) for row in noise(3, 3))
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return folder / "table.csv"


FILES: dict[str, tuple[Callable[[Path], Path], tuple[int, ...]]] = {
    "kspace": (kspace, (2, 3, 264, 256)),
    "spokes": (spokes, (1, 3, 7, 512)),
    "sinogram": (sinogram, (1, 720, 560)),
    "projections": (projections, (4, 6, 560)),
    "series": (series, (1, 4, 2, 560)),
    "stream": (stream, (1, 3, 4, 560)),
    "scene": (scene, (1, 31, 10)),
    "table": (table, (1, 3, 3)),
}


def test_the_document_has_a_sidecar_of_every_kind() -> None:
    assert set(SIDECARS) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_sidecar_of_the_document_opens(name: str, tmp_path: Path) -> None:
    write, shape = FILES[name]
    path = write(tmp_path)
    (tmp_path / f"{name}.yaml").write_text("# " + SIDECARS[name], encoding="utf-8")
    with open_scan(path) as scan:
        assert scan.read().samples.shape == scan.info.shape == shape
        modality = scan.info.modality
    assert modality == yaml.safe_load("# " + SIDECARS[name]).get("modality", "mri-cartesian")
    if name == "scene":
        with open_scan(tmp_path / "scene.mat") as scan:
            assert scan.info.shape == shape


def test_code_of_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.+?)```", DOC, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "file-format.md", "exec"), {})
    with open_scan("scan.h5") as scan:
        assert scan.info.modality == "ct"


def test_every_reader_stands_in_the_table() -> None:
    for name, kind in READERS.items():
        assert f"`{name}` |" in DOC and kind.container in DOC


def test_every_sidecar_key_is_named() -> None:
    for module in (kspace_sidecar, radial_npz, sinogram_sidecar, dynamic_sidecar, radar_sidecar):
        missing = [key for key in module.KEYS if not re.search(rf"\b{key}\b", DOC)]
        assert not missing, module.__name__


def test_every_dataset_of_our_samples_is_named() -> None:
    ours = [name for name in SAMPLES if sample_path(name).suffix == ".h5"]
    for name in ours:
        with h5py.File(sample_path(name)) as file:
            if file.attrs.get("proxflow_format") != "measurement":
                continue
            names: list[str] = []
            file.visit(names.append)
            for path in names:
                assert path.split("/")[-1] in DOC, (name, path)

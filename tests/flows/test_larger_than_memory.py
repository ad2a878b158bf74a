"""A scan of four times the memory given is reconstructed slice by slice, and fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.writers.sinogram_h5 import write_sinogram_h5

BUDGET = 32 << 20
N_VIEWS, N_COLUMNS, N_ROWS = 512, 512, 128  # 1 MiB a row
RADIUS_MM, VALUE = 150.0, 0.01
RECIPE = """name: large
scan: {{kind: ct, path: {scan}}}
prepare: [{{kind: keep_angles, every: 2}}]  # the image of all views is the reference
image: {{matrix: [64, 64], voxel_mm: 8}}
reconstruct: {{method: fbp}}
evaluate: {{held_out_fraction: 0.1}}
runtime: {{device: cpu, store: {store}, memory: 32MiB}}
"""


def write_scan(path: Path, n_rows: int) -> Path:
    """A cylinder, denser from row to row: 2 value sqrt(r^2 - u^2) (1 + row / rows)."""
    u = np.arange(N_COLUMNS) - (N_COLUMNS - 1) / 2
    chord = 2 * VALUE * np.sqrt(np.maximum(RADIUS_MM**2 - u**2, 0))
    one = np.broadcast_to(chord.astype(np.float32), (1, N_VIEWS, N_COLUMNS)).copy()
    angles = np.arange(N_VIEWS) * np.pi / N_VIEWS
    geometry = ScanGeometry("parallel", angles, column_size_mm=1.0, axis_column=(N_COLUMNS - 1) / 2)
    write_sinogram_h5(path, Sinogram(one, "attenuation", geometry, ("row 0",)))
    with h5py.File(path, "r+") as file:
        del file["samples"], file["labels"]
        samples = file.create_dataset("samples", (n_rows, *one.shape[1:]), np.float32, chunks=one.shape)
        for row in range(n_rows):
            samples[row] = one[0] * (1 + row / N_ROWS)
        file["labels"] = [f"row {row}" for row in range(n_rows)]
    return path


def run_in_own_process(spawn: Any, folder: Path, n_rows: int) -> tuple[dict[str, Any], dict[str, int]]:
    """The closing object of a run, and the peak of each of its stages."""
    scan = write_scan(folder / f"rows{n_rows}.h5", n_rows)
    recipe = folder / f"rows{n_rows}.yaml"
    recipe.write_text(RECIPE.format(scan=scan, store=folder / "store"))
    process = spawn("run", recipe)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    run = json.loads(out.splitlines()[-1])
    stages = json.loads((Path(run["run_dir"]) / "metrics.json").read_text())["stages"]
    return run, {stage["name"]: stage["peak_memory_bytes"] for stage in stages}


def test_a_scan_of_four_times_the_memory_is_reconstructed_within_it(spawn: Any, tmp_path: Path) -> None:
    _, base = run_in_own_process(spawn, tmp_path, 1)
    run, peaks = run_in_own_process(spawn, tmp_path, N_ROWS)
    assert (tmp_path / f"rows{N_ROWS}.h5").stat().st_size >= 4 * BUDGET
    above = {name: (peaks[name] - base[name]) / BUDGET for name in peaks}
    assert set(above) == {
        "ingest",
        "prepare",
        "calibrate",
        "reconstruct:fbp",
        "hold_out:fbp",
        "evaluate",
        "report",
    }
    assert max(above.values()) <= 1, above
    assert run["peak_memory_bytes"] >= max(peaks.values())  # of the whole run, not of its last stage
    assert run["peak_memory_bytes"] - max(base.values()) <= BUDGET
    with h5py.File(run["image"]) as file:
        assert file["image"].shape == (N_ROWS, 64, 64)
        for row in (0, N_ROWS - 1):
            middle = file["image"][row, 22:42, 22:42]  # 160 mm across
            np.testing.assert_allclose(middle, VALUE * (1 + row / N_ROWS), rtol=0.02)
            beside = file["image"][row, 30:34, 2:8]  # 200 to 240 mm from the axis
            assert np.abs(beside).max() < 0.05 * VALUE
    assert run["metrics"]["psnr"] > 40
    assert run["metrics"]["held_out_error"] < 0.1

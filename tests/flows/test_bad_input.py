"""Bad input: one clear sentence, exit code 2, no traceback, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.samples.catalogue import sample_path

Make = Callable[[Path], Path]


def fastmri(path: Path, kspace: np.ndarray, **more: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace
        for name, value in more.items():
            file[name] = value
    return path


def noise(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def with_nan(path: Path) -> Path:
    kspace = noise(1, 2, 32, 24)
    kspace[0, 1, 3, 4] = np.nan
    return fastmri(path, kspace)


def truncated(path: Path) -> Path:
    content = sample_path("brain-13coil").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


SCANS: dict[str, tuple[Make, str]] = {
    "missing file": (lambda path: path, "existing file"),
    "folder": (lambda path: path.mkdir() or path, "must hold TIFF files"),  # type: ignore[func-returns-value]
    "not a scan": (lambda path: fastmri(path.with_suffix(".x"), np.zeros(3)).rename(path), "kspace"),
    "other HDF5": (lambda path: (h5py.File(path, "w").create_group("weights"), path)[1], "weights"),
    "truncated HDF5": (truncated, "truncated"),
    "text": (lambda path: (path.write_text("hello there"), path)[1], "unknown content"),
    "real k-space": (lambda path: fastmri(path, np.ones((1, 2, 32, 24), np.float32)), "complex"),
    "NaN": (with_nan, "NaN"),
    "numbers too small": (lambda path: fastmri(path, 1e-24 * noise(1, 2, 32, 24)), "largest magnitude"),
    "mask shape": (lambda path: fastmri(path, noise(1, 2, 32, 24), mask=np.ones(7)), "mask"),
}


@pytest.mark.parametrize("case", SCANS)
def test_bad_scans(proxflow: Any, recipe: Path, tmp_path: Path, store: Path, case: str) -> None:
    make, word = SCANS[case]
    scan = make(tmp_path / "scan.h5")
    code, run, err = proxflow("run", recipe, "--set", f"scan.path={scan}", "--out", "result")
    assert_one_sentence(code, run, err, word)
    assert not (tmp_path / "result").exists()
    assert [path.parent for path in store.rglob("*") if path.is_file()] == [
        store / "runs"
    ]  # the ledger's line


SETTINGS = {
    "unknown method": ("reconstruct.method=tvv", "did you mean tv?"),
    "out of range": ("reconstruct.lam=-1", "reconstruct.lam must be greater than or equal to 0, got -1"),
    "unknown key": ("reconstruct.lambda=1", "did you mean lam?"),
    "unknown sample": ("scan.path=sample://brain-13coils", "did you mean brain-13coil?"),
    "leaves the run folder": ("report.file=../report.html", "inside the run folder"),
    "absent CUDA device": ("runtime.device=cuda:9", "runtime.device must be on this machine, got cuda:9"),
    "item": ("scan.items=[3]", "scan.items must choose from 0 to 0"),
    "crop": ("prepare.0.matrix=[500, 96]", "matrix must fit in 224 x 224, got 500 x 96"),
    "coils": ("prepare.1.n_coils=50", "n_coils must be at most 13, got 50"),
    "acs": ("prepare.2.acs=[200, 16]", "acs must fit in 112 x 96"),
    "acceleration": ("prepare.2.acceleration=60", "acceleration must"),
    "small acs": ("calibrate.acs=[4, 4]", "at least 6 x 6"),
    "gaps in acs": ("calibrate.acs=[60, 60]", "calibrate.acs must be fully sampled"),
    "reference": ("evaluate.reference=scan", "must have an image in the scan's file"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_bad_settings(proxflow: Any, recipe: Path, tmp_path: Path, case: str) -> None:
    setting, sentence = SETTINGS[case]
    code, run, err = proxflow("run", recipe, "--set", setting, "--out", "result")
    assert_one_sentence(code, run, err, sentence)
    assert not (tmp_path / "result").exists()


def test_no_folder_is_left_above_the_run_folder(proxflow: Any, recipe: Path, tmp_path: Path) -> None:
    for more in ([], ["--out", "deep/er/result"]):
        code, _, err = proxflow("run", recipe, "--set", "calibrate.acs=[4, 4]", *more)
        assert code == 2, err
        assert not (tmp_path / "runs").exists()
        assert not (tmp_path / "deep").exists()


def test_what_lay_in_the_run_folder_stays(proxflow: Any, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "mine.txt").write_text("keep")
    code, _, _ = proxflow("run", recipe, "--set", "calibrate.acs=[4, 4]", "--out", "result")
    assert code == 2
    assert [path.name for path in (tmp_path / "result").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (["run", "none.yaml"], "recipe must be an existing file or a ready recipe, got 'none.yaml'"),
        (["run", "mri-brain-poison4"], "did you mean mri-brain-poisson4?"),
        (["rnu"], 'Did you mean "run"?'),
        (["run", "mri-brain-poisson4", "--divice", "cpu"], "Did you mean --device?"),
        (["compare", "mri-brain-poisson4", "--methods", "cg_snese"], "did you mean cg_sense?"),
        (["compare", "mri-brain-poisson4", "--methods", ","], "--methods must name at least one method"),
        (["run", "mri-brain-poisson4", "again"], "run takes no further argument, got 'again'"),
        (["run", "mri-brain-poisson4", "--out", 300 * "a"], "--out must be a folder that can be made"),
    ],
)
def test_bad_command_lines(proxflow: Any, tokens: list[str], sentence: str) -> None:
    assert_one_sentence(*proxflow(*tokens), sentence)


def test_a_run_folder_that_is_a_file_is_refused(proxflow: Any, recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "result").write_text("x")
    assert_one_sentence(*proxflow("run", recipe, "--out", "result"), "--out must be a folder")


def assert_one_sentence(code: int, run: dict[str, Any], err: str, sentence: str) -> None:
    assert code == 2, err
    assert run["status"] == "bad_input"
    assert sentence in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1

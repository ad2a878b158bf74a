"""Series of MRI frames from the command line: suggested, judged, resumed to the bit, refused if bad."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.configs.loading import load_recipe
from proxflow.flows.launch import Finished, launch
from proxflow.models.solvers.iteration import Iteration
from proxflow.tasks.reporting import SilentReporter

QUICK = ("reconstruct.n_iter=3", "compare=[]", "runtime.device=cpu")
N_ITER, STOP_AT = 7, 4


class Interrupting(SilentReporter):
    """Interrupts at an iteration, as Ctrl-C would, and counts those it heard of."""

    def __init__(self, stop_at: int) -> None:
        self._stop_at, self.heard = stop_at, list[int]()

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        self.heard.append(iteration.index)
        if iteration.index == self._stop_at:
            raise KeyboardInterrupt


def image(finished: Finished) -> np.ndarray:
    with h5py.File(finished.folder / "image.h5") as file:
        return np.asarray(file["image"][()])


def settings(store: Path, *changes: str) -> list[str]:
    return [part for change in (f"runtime.store={store}", *changes) for part in ("--set", change)]


@pytest.mark.parametrize("spokes", [0, 6])
def test_a_suggested_recipe_is_checked_and_runs(
    proxflow: Any, frames_scan: Callable[..., Path], store: Path, tmp_path: Path, spokes: int
) -> None:
    scan, path = frames_scan(spokes=spokes), tmp_path / "recipe.yaml"
    code, _, err = proxflow("new", scan, "--out", path)
    assert code == 0, err
    assert load_recipe(path).reconstruct.method == "red_psm"
    quick = settings(store, *QUICK)
    code, _, err = proxflow("check", path, *quick)
    assert code == 0, err
    code, ran, err = proxflow("run", path, *quick)
    assert code == 0, err
    with h5py.File(ran["image"]) as file:
        assert file["image"].shape == (8, 24, 24)
        assert file["image"].dtype == np.complex64
    assert ran["metrics"]["psnr"] > 15 and 0 < ran["metrics"]["held_out_error"] < 1
    text = (Path(ran["run_dir"]) / "report.html").read_text()
    assert "averaged over the frames" in text
    assert ("all measured samples of each frame" if not spokes else "came with the scan") in text


def test_inspect_tells_frames_and_sampling(proxflow: Any, frames_scan: Callable[..., Path]) -> None:
    code, told, err = proxflow("inspect", frames_scan(spokes=5, maps=True))
    assert code == 0, err
    assert (told["modality"], told["n_frames"], told["trajectory"], told["has_maps"]) == (
        "mri-dynamic",
        8,
        True,
        True,
    )
    assert told["axes"] == ["item", "frame", "coil", "spoke", "readout"]
    assert told["acceleration"] == pytest.approx(np.pi / 2 * 24 / 5)


@pytest.mark.parametrize(
    "method", ["psm, n_functions: 3, n_knots: 5", "low_rank_sparse", "framewise_cg_sense"]
)
def test_interrupted_and_resumed_gives_the_bits_of_an_undisturbed_run(
    proxflow: Any, frames_scan: Callable[..., Path], tmp_path: Path, method: str
) -> None:
    path = tmp_path / "recipe.yaml"
    assert proxflow("new", frames_scan(spokes=5), "--out", path)[0] == 0

    def run(store: Path, listener: Interrupting) -> Any:
        changes = [f"reconstruct={{method: {method}, n_iter: {N_ITER}, tol: 0}}", "compare=[]"]
        changes += ["evaluate.held_out_fraction=0", "runtime.device=cpu", f"runtime.store={store}"]
        loaded = load_recipe(path, [*changes, "runtime.checkpoint_seconds=0.000001"])
        return launch(loaded, (loaded.reconstruct,), command="", out=store / "result", listener=listener)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "disturbed", Interrupting(STOP_AT))
    second = Interrupting(N_ITER + 1)
    resumed = image(run(tmp_path / "disturbed", second))
    whole = image(run(tmp_path / "whole", Interrupting(N_ITER + 1)))
    assert min(second.heard) == STOP_AT
    np.testing.assert_array_equal(resumed, whole)
    assert np.abs(whole).max() > 0


def test_a_radial_scan_is_a_series_once_it_is_cut(
    proxflow: Any, radial_scan: Callable[..., Path], store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"name: cut\nscan: {{kind: mri-dynamic, path: {radial_scan()}}}\n"
        "prepare: [{kind: bin_spokes, spokes_per_frame: 8}]\n"
        "reconstruct: {method: framewise_cg_sense, n_iter: 3}\n"
    )
    code, ran, err = proxflow("run", path, *settings(store, "runtime.device=cpu"))
    assert code == 0, err
    with h5py.File(ran["image"]) as file:
        assert file["image"].shape == (5, 32, 32)


def spoilt(path: Path, how: str) -> None:
    if how == "cut short":
        path.write_bytes(path.read_bytes()[:2000])
        return
    with h5py.File(path, "r+") as file:
        kspace = file["kspace"][()]
        if how == "mislabelled":
            file.attrs["modality"] = "mri-radial"
            return
        if how == "not finite":
            kspace[0, 2, 1, 0, 3] = np.nan
        del file["kspace"]
        file["kspace"] = kspace.swapaxes(1, 2) if how == "turned" else kspace


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (
            "not finite",
            "kspace must be finite, got 1 NaN or Inf samples in item 0, frame 2, the first in coil 1",
        ),
        ("turned", "trajectory must have axes (frame, spoke, readout, 2) of shape (4, 5, 48, 2)"),
        ("cut short", "must be a complete HDF5 file"),
        ("mislabelled", "kspace must have axes (item, coil, spoke, readout)"),
    ],
)
def test_a_bad_scan_is_one_sentence(
    proxflow: Any, frames_scan: Callable[..., Path], store: Path, tmp_path: Path, how: str, sentence: str
) -> None:
    scan, path = frames_scan(spokes=5), tmp_path / "recipe.yaml"
    assert proxflow("new", scan, "--out", path)[0] == 0
    spoilt(scan, how)
    code, _, err = proxflow("run", path, *settings(store, *QUICK))
    assert code == 2 and sentence in err, err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["reconstruct.n_functions=9", "reconstruct.n_knots=9"], "must"),
        (["prepare=[{kind: bin_spokes, spokes_per_frame: 50}]"], "spokes_per_frame must be at most 40"),
        (["prepare=[{kind: undersample_frames}]"], "undersample_frames must have a scan on a grid"),
        (["prepare=[{kind: undersample}]"], "must go with scan.kind mri-dynamic, got undersample"),
        (["scan.kind=mri-radial"], "must"),
        (["calibrate={kind: given}"], "calibrate.path must be a file with maps where the scan holds none"),
        (["reconstruct={method: tv}"], "must go with scan.kind mri-dynamic, got tv"),
    ],
)
def test_a_bad_request_is_one_sentence(
    proxflow: Any,
    frames_scan: Callable[..., Path],
    store: Path,
    tmp_path: Path,
    changes: list[str],
    sentence: str,
) -> None:
    path = tmp_path / "recipe.yaml"
    assert proxflow("new", frames_scan(spokes=5), "--out", path)[0] == 0
    code, _, err = proxflow("run", path, *settings(store, *changes))
    assert code == 2 and sentence in err, err
    assert "Traceback" not in err

"""Maps beside the image: the spread of samples, from the sampler to the files that a person takes away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.store.artefact import Artefact

TEXT = "spread of samples, NOT calibrated: too small, docs/methods/dds.md"
QUICK = ("reconstruct.n_iter=4", "evaluate.held_out_fraction=0", "runtime.device=cpu")


@pytest.fixture
def brain(proxflow: Any, store: Path) -> Any:
    """``mri-dds`` with a few noise levels, and a number of samples; the closing object of the run."""

    def run(samples: int, *more: str, out: str) -> dict[str, Any]:
        changes = (*QUICK, f"runtime.store={store}", f"reconstruct.samples={samples}", *more)
        tokens = [part for change in changes for part in ("--set", change)]
        code, found, err = proxflow("run", "mri-dds", *tokens, "--out", out)
        assert code == 0, err
        return dict(found)

    return run


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def artefact(store: Path, method: str = "dds") -> Artefact:
    """The reconstruction in the store that was made last."""
    paths = sorted((store / "artefacts").glob("??/*.h5"), key=lambda path: path.stat().st_mtime_ns)
    made = [found for found in map(Artefact, paths) if found.provenance["label"] == f"reconstruct:{method}"]
    return made[-1]


def test_the_map_of_a_run_is_the_deviation_of_its_samples(brain: Any, proxflow: Any, store: Path) -> None:
    """Sample s of N is the same for every N, so means of one, two and three samples tell each of them."""
    one, two, three = (brain(n, out=str(n)) for n in (1, 2, 3))
    means = [image(run).astype(np.complex128) for run in (one, two, three)]
    samples = np.stack([means[0], 2 * means[1] - means[0], 3 * means[2] - 2 * means[1]])
    expected = np.sqrt((np.abs(samples - samples.mean(0)) ** 2).sum(0) / 2)
    with h5py.File(three["image"]) as file:
        stored = file["maps/std"]
        found = stored[()]
        assert stored.attrs["description"] == TEXT and stored.attrs["axes"] == "item, y, x"
        assert stored.dtype == np.float32 and stored.shape == file["image"].shape
    assert expected.max() > 0.01 * np.abs(means[2]).max()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * expected.max())
    with artefact(store) as made:
        spread = made.document("trace")[0]["spread_of_samples"][-1]
        assert made.document("maps") == {"std": TEXT}
    assert spread == pytest.approx(np.linalg.norm(found) / np.linalg.norm(image(three)), rel=1e-4)

    folder = Path(three["run_dir"])
    report = (folder / "report.html").read_text()
    assert f"{TEXT}; grey from 0 to " in report and "dds: std" in report
    assert (folder / "previews" / "dds-std.png").is_file()
    code, written, err = proxflow("export", folder, "--to", "npy", "--map", "std")
    assert code == 0, err
    assert Path(written["path"]).name == "image-std.npy"
    np.testing.assert_array_equal(np.load(written["path"]), found)

    with h5py.File(one["image"]) as file:
        assert sorted(file) == ["attributes", "geometry", "image", "labels"]
    assert "NOT calibrated" not in (Path(one["run_dir"]) / "report.html").read_text()
    code, _, err = proxflow("export", one["run_dir"], "--to", "npy", "--map", "std")
    assert code == 2 and "must hold a map std, got one without maps" in err


SLICES = """name: slices
scan: {path: 'sample://phantom-lowfield', items: '2:5'}
prepare:
  - {kind: undersample, acceleration: 2, acs: [16, 16], seed: 1}
reconstruct: {method: dds, prior: fourier-wiener, n_iter: 4, samples: 2}
evaluate: {held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""


def test_workers_keep_the_maps_of_their_items(proxflow: Any, tmp_path: Path) -> None:
    """What other processes solved comes through the checkpoints of finished items."""
    found = []
    for name, more in (("here", ()), ("spread", ("runtime.runner=processes", "runtime.workers=2"))):
        path = tmp_path / f"{name}.yaml"
        path.write_text(SLICES.replace("STORE", str(tmp_path / name)))
        changes = [part for change in more for part in ("--set", change)]
        code, _, err = proxflow("run", path, *changes, "--out", f"{name}-out")
        assert code == 0, err
        with artefact(tmp_path / name) as made:
            found.append(made.array("maps/std"))
            assert made.shape("image")[0] == len(found[-1]) == 3
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0].reshape(3, -1).max(1) > 0).all()

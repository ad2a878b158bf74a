"""CT runs on the measured disc, made small: precision, the stored matrix and company."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.store.artefact import Artefact
from proxflow.operators import sparse_projector

RECIPE = """name: disc
scan: {{kind: ct, path: 'sample://htc2022-ta'}}
prepare: [{{kind: keep_angles, every: 12}}]
image: {{matrix: [64, 60], voxel_mm: 1.25}}
reconstruct: {{method: cgls, n_iter: 6, tol: 0}}
evaluate: {{held_out_fraction: 0.1, reference: none}}
runtime: {{device: cpu, store: {store}}}
"""
Command = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def disc(tmp_path: Path, store: Path) -> Path:
    path = tmp_path / "disc.yaml"
    path.write_text(RECIPE.format(store=store))
    return path


def image(run: dict[str, Any]) -> np.ndarray:
    with h5py.File(run["image"]) as file:
        return np.asarray(file["image"][()])


def cached(run: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in run["stages"] if stage["cached"]]


def stored_matrices(store: Path) -> dict[Path, str]:
    """Artefacts that hold a projection matrix, and the digest of what is in each."""
    found = {}
    for path in store.glob("artefacts/*/*.h5"):
        with Artefact(path) as artefact:
            if artefact.provenance["stage"] == "projector":
                found[path] = artefact.digest
    return found


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of rays of each matrix that is built."""
    build, sizes = sparse_projector.ray_matrix, list[int]()

    def counted(marched: Any, n_rays: int) -> Any:
        sizes.append(n_rays)
        return build(marched, n_rays)

    monkeypatch.setattr(sparse_projector, "ray_matrix", counted)
    return sizes


def test_double_precision_is_honoured(proxflow: Command, disc: Path) -> None:
    code, single, err = proxflow("run", disc)
    assert code == 0, err
    _, double, _ = proxflow("run", disc, "--set", "runtime.precision=double")
    assert image(single).dtype == np.float32 and image(double).dtype == np.float64
    assert cached(double) == ["ingest", "prepare", "calibrate"]
    difference = np.linalg.norm(image(double) - image(single)) / np.linalg.norm(image(single))
    assert 0 < difference < 1e-4


def test_a_second_method_takes_the_matrix_from_the_store(
    proxflow: Command, disc: Path, store: Path, built: list[int]
) -> None:
    matrix = ("--set", "calibrate.backend=matrix")
    proxflow("run", disc)
    assert not stored_matrices(store) and not built
    code, _, err = proxflow("run", disc, *matrix)
    assert code == 0, err
    assert len(stored_matrices(store)) == 1  # of the views given; those of a hold-out are used once
    assert built == [61 * 560, 55 * 560, 6 * 560]
    built.clear()
    sirt = ("--set", "reconstruct={method: sirt, n_iter: 4, tol: 0}")
    code, second, err = proxflow("run", disc, *matrix, *sirt)
    assert code == 0, err
    assert built == [55 * 560, 6 * 560]
    assert cached(second) == ["ingest", "prepare", "calibrate"]
    _, rays, _ = proxflow("run", disc, *sirt)
    np.testing.assert_allclose(image(second), image(rays), atol=1e-4 * float(image(rays).max()))


def test_a_damaged_matrix_is_built_again(
    proxflow: Command, disc: Path, store: Path, built: list[int]
) -> None:
    alone = ("--set", "calibrate.backend=matrix", "--set", "evaluate.held_out_fraction=0")
    proxflow("run", disc, *alone)
    kept = stored_matrices(store)
    (path,) = kept
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :])
    code, again, err = proxflow("run", disc, *alone, "--set", "reconstruct.n_iter=7")
    assert code == 0, err
    assert "damaged artefact" in err
    assert built == [61 * 560] * 2 and stored_matrices(store) == kept
    assert np.isfinite(image(again)).all()


def test_two_runs_at_once_on_one_store_share_it(spawn: Any, disc: Path) -> None:
    """Two methods from one scan: each stage before them is computed by one of the two, once."""
    sirt = ("--set", "reconstruct={method: sirt, n_iter: 4, tol: 0}")
    matrix = ("--set", "calibrate.backend=matrix")
    processes = [spawn("run", disc, *matrix), spawn("run", disc, *matrix, *sirt)]
    outputs = [process.communicate(timeout=180) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    runs = [json.loads(out.splitlines()[-1]) for out, _ in outputs]
    for name in ("ingest", "prepare", "calibrate"):
        assert sorted(name in cached(run) for run in runs) == [False, True], name
    assert image(runs[0]).shape == image(runs[1]).shape == (1, 64, 60)

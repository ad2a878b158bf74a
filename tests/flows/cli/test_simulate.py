"""``proxflow simulate``: files that open and say that they are simulated; equal ones for equal seeds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from proxflow.data.open_scan import open_scan

SHORT = {"--frames": 8, "--size": 32, "--cycles": 1}
CT = ("simulate", "ct-dynamic", "sample://dynamic-ct-lung")
MRI = ("simulate", "mri-dynamic", "series.npz")


def short(**changes: object) -> list[object]:
    """Options for little work, changed."""
    options = SHORT | {"--" + name.replace("_", "-"): value for name, value in changes.items()}
    return [word for option in options.items() for word in option if word is not None]


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Three magnitudes of a disc, 30 x 26 pixels of 2 mm."""
    y, x = np.mgrid[:30, :26]
    disc = ((y - 15) ** 2 + (x - 13) ** 2 < 80).astype(np.float32)
    np.savez(tmp_path / "series.npz", images=np.stack([disc, 3 * disc, 2 * disc]), pixel_mm=2.0)
    return tmp_path / "series.npz"


def test_simulate_ct_dynamic_writes_a_scan(cli, tmp_path) -> None:
    ended = cli(*CT, "--out", "scan.h5", *short(views_per_frame=2, motion="waves"), "--json")
    assert ended.code == 0, ended.err
    assert Path(ended.json["scan"]) == tmp_path / "scan.h5"
    with open_scan(tmp_path / "scan.h5") as opened:
        scan = opened.read([0])
        assert opened.info.modality == "ct-dynamic"
    assert scan.samples.shape == (1, 8, 2, 32)
    assert scan.reference.shape == (1, 8, 32, 32)
    assert 0.02 < scan.reference.max() < 0.05
    assert scan.source["licence"] == "BSD-3-Clause"  # of the sample that it was made from
    command = scan.source["changes"].split("Command: ")[1]
    assert scan.source["changes"].startswith("Simulated, not measured.")
    assert command == (
        "proxflow simulate ct-dynamic sample://dynamic-ct-lung --out scan.h5 "
        "--frames 8 --size 32 --motion waves --cycles 1 --views-per-frame 2"
    )


def test_simulate_passes_contrast_agent_through_a_chest_that_need_not_move(cli, tmp_path) -> None:
    ended = cli(*CT, "--out", "scan.h5", "--frames", 8, "--size", 64, "--contrast", 0.4, "--motion", "none")
    assert ended.code == 0, ended.err
    with open_scan(tmp_path / "scan.h5") as opened:
        scan = opened.read([0])
    frames = scan.reference[0]
    gain = (frames - frames[0]) / 0.02
    assert gain.min() >= 0
    assert 0.3 < gain.max() < 0.45
    assert gain.reshape(8, -1).max(axis=1).argmax() == 3  # of 8 frames, the heart's peak is at 0.39
    assert "blood up to 0.4 of water; motion none" in scan.source["changes"]


def test_simulate_mri_dynamic_writes_a_scan(cli, tmp_path, series) -> None:
    ended = cli(*MRI, "--out", "scan.h5", *short(coils=3, spokes_per_frame=2, times="0,2"))
    assert ended.code == 0, ended.err
    assert "next  proxflow inspect scan.h5" in ended.out
    with open_scan(tmp_path / "scan.h5") as opened:
        scan = opened.read([0])
        assert opened.info.modality == "mri-dynamic"
    assert scan.samples.shape == (1, 8, 3, 2, 64)
    assert scan.geometry.field_of_view_mm[1:] == pytest.approx((60, 60))
    mean = np.abs(scan.reference[0]).max(axis=(1, 2))
    assert 1 < mean[-1] / mean[0] < 2.05  # the disc of the first image to that of the third
    assert "2 images interpolated in time" in scan.source["changes"]


def test_simulate_gives_equal_files_for_equal_seeds(cli, tmp_path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        assert cli(*CT, "--out", f"{name}/scan.h5", *short(seed=seed)).code == 0
    first, same, other = ((tmp_path / name / "scan.h5").read_bytes() for name in "abc")
    assert first == same
    assert first != other


@pytest.mark.parametrize(
    ("command", "options", "sentence"),
    [
        (CT, {"frames": 12}, "schedule bit_reversed must have a power of two of projections, got 12"),
        (CT, {"size": 8}, "--size must lie between 16 and 1024 pixels, got 8"),
        (CT, {"frames": 0}, "--frames must lie between 1 and 262144 for 32 pixels, got 0"),
        (CT, {"views_per_frame": 0}, "--views-per-frame must be at least 1, got 0"),
        (CT, {"noise": "nan"}, "--noise must lie between 0 and 1, got nan"),
        (CT, {"amplitude": 14}, "--size must leave room for a body that moves by 14 pixels, got 32"),
        (CT, {"cycles": 9}, "--cycles must lie between 0 and half the frames, 4, got 9"),
        (
            CT,
            {"values": "hu"},
            "--values must be per-mm for dynamic-ct-lung.h5, whose units are 1/mm, got hu",
        ),
        (CT, {"motion": "walk"}, "walk"),
        (CT, {"contrast": 3}, "--contrast must lie between 0 and 2, got 3"),
        (CT, {"contrast": 0.4, "motion": "waves"}, "--motion must be breathing or none with --contrast, got"),
        (MRI, {"coils": 9}, "--coils must lie between 1 and 8, got 9"),
        (MRI, {"snr": 0}, "--snr must be positive, got 0"),
        (MRI, {"times": "one"}, "--times must be numbers with commas, as 0,2,4, got one"),
        (MRI, {"motion": "waves"}, "--motion must be breathing or none for a series of images, got waves"),
        (
            MRI,
            {"unsigned": None},
            "series.npz must hold signed integers to be taken as unsigned, got float32",
        ),
        (MRI, {"seed": -1}, "--seed must lie between 0 and 4294967295, got -1"),
    ],
)
def test_simulate_refuses_in_one_sentence(cli, tmp_path, series, command, options, sentence) -> None:
    ended = cli(*command, "--out", "scan.h5", *short(**options))
    assert ended.code == 2
    assert sentence in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "scan.h5").exists()


def test_simulate_refuses_images_that_do_not_fit(cli, tmp_path) -> None:
    np.save(tmp_path / "hu.npy", np.zeros((40, 40), np.int16))
    np.save(tmp_path / "negative.npy", np.full((40, 40), -1.0))
    for kind, name, sentence in (
        ("ct-dynamic", "hu.npy", "--pixel-mm must be given, as hu.npy does not tell its pixel size"),
        (
            "mri-dynamic",
            "negative.npy",
            "negative.npy must hold magnitudes, which are not negative, got values",
        ),
        ("mri-dynamic", "hu.npy", "hu.npy must show something, got only zeros"),
        ("mri-dynamic", "none.npy", "none.npy must be an existing image file, got none there"),
    ):
        ended = cli("simulate", kind, name, "--out", "scan.h5")
        assert (ended.code, sentence in ended.err) == (2, True), ended.err
    assert not (tmp_path / "scan.h5").exists()


def test_simulate_overwrites_only_when_told_to(cli, tmp_path) -> None:
    (tmp_path / "scan.h5").write_text("mine")
    ended = cli(*CT, "--out", "scan.h5", *short())
    assert ended.code == 2 and "exists; --force overwrites it" in ended.err
    assert (tmp_path / "scan.h5").read_text() == "mine"
    assert cli(*CT, "--out", "scan.h5", "--force", *short()).code == 0
    assert cli(*CT, "--out", tmp_path, "--force").code == 2


def test_simulate_help_imports_neither_prefect_nor_torch() -> None:
    script = (
        "import sys; from proxflow.flows.cli.main import build_app; "
        "build_app()(['simulate', 'ct-dynamic', '--help'], exit_on_error=False); "
        "sys.exit(bool({'prefect', 'torch', 'h5py', 'scipy'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "--views-per-frame" in ended.stdout

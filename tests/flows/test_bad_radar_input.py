"""Bad radar scans and images: one clear sentence from check and from run, exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.radar_scans import FOUR_ANTENNAS

RECIPE = """name: bad
scan: {kind: radar, path: scan.npy}
image: {matrix: [1, 15, 15], voxel_mm: 10, centre_mm: [100, 0, 0]}
reconstruct: {method: kirchhoff}
evaluate: {reference: none, held_out_fraction: 0}
runtime: {device: cpu, store: STORE}
"""
ON_ANTENNA = "image: grid must have no voxel on an antenna, got one on that at (0.07, 0, 0) m"


@pytest.fixture
def radar(tmp_path: Path, store: Path) -> Path:
    """A recipe and a scan of 3 frequencies and 4 pairs that run."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "scan.npy", rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4)))
    (tmp_path / "scan.yaml").write_text(FOUR_ANTENNAS)
    path = tmp_path / "bad.yaml"
    path.write_text(RECIPE.replace("STORE", str(store)))
    return path


def test_the_scan_these_tests_spoil_is_sound(proxflow: Any, radar: Path) -> None:
    code, _, err = proxflow("run", radar, "--out", "result")
    assert code == 0, err


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("3.0e+9, 4.0e+9", "4.0e+9, 3.0e+9", "frequencies must ascend, got 4e+09 then 3e+09 Hz at index 2"),
        ("3.0e+9, 4.0e+9", "3.0e+9, 3.0e+9", "frequencies must ascend, got 3e+09 then 3e+09 Hz at index 2"),
        (", 4.0e+9", "", "samples must have axes (frequency 2, pair 4), got shape (3, 4)"),
        (", [3, 0]]", "]", "samples must have axes (frequency 3, pair 3), got shape (3, 4)"),
        (
            "[3, 0]]",
            "[3, 7]]",
            "pairs must name one of 4 receivers, counted from 0, got receiver 7 in pair 3",
        ),
    ],
)
def test_scans_that_do_not_fit(
    proxflow: Any, radar: Path, command: str, old: str, new: str, sentence: str
) -> None:
    assert old in FOUR_ANTENNAS
    radar.with_name("scan.yaml").write_text(FOUR_ANTENNAS.replace(old, new))
    refused(proxflow(command, radar), sentence, radar)


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("amplitude", ["spreading", "none"])
def test_a_voxel_on_an_antenna(proxflow: Any, radar: Path, command: str, amplitude: str) -> None:
    """Without the loss with distance too: the weights of other methods divide by it."""
    changes = f"calibrate={{kind: medium, amplitude: {amplitude}}}", "image.centre_mm=[0, 0, 0]"
    settings = [part for change in changes for part in ("--set", change)]
    refused(proxflow(command, radar, *settings), ON_ANTENNA, radar)


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("pnp_magnitude, kappa: -1", "reconstruct.kappa must be greater than 0, got -1"),
        ("pnp_magnitude, kappa: 0", "reconstruct.kappa must be greater than 0, got 0"),
        ("l1, kappa: -0.013", "reconstruct.kappa must be greater than 0, got -0.013"),
        *(
            (
                f"{name}, epsilon: 0",
                f"reconstruct.epsilon must be above 0, since measurements hold noise{otherwise}, got 0",
            )
            for name, otherwise in (("pnp_magnitude", ", or null"), ("l1", ""), ("tv_magnitude", ""))
        ),
        (
            "pnp_magnitude, epsilon: -0.1",
            "reconstruct.epsilon must be above 0, since measurements hold noise",
        ),
        ("pnp_magnitude, sigma: -0.1", "reconstruct.sigma must be greater than or equal to 0, got -0.1"),
    ],
)
def test_numbers_that_make_no_sense(
    proxflow: Any, radar: Path, command: str, method: str, sentence: str
) -> None:
    refused(proxflow(command, radar, "--set", f"reconstruct={{method: {method}}}"), sentence, radar)


def refused(ended: tuple[int, dict[str, Any], str], sentence: str, recipe: Path) -> None:
    code, _, err = ended
    assert code == 2, err
    assert sentence in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert not (recipe.parent / "runs").exists()

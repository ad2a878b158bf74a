"""Sentences of a run's figures and page that must be true of the kind of scan."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

CT = """\
name: ct
scan: {path: scan.h5, kind: ct}
prepare: [{kind: keep_angles, every: 3}]
reconstruct: {method: fbp}
compare: [{method: sirt, n_iter: 4, tol: 0.0001}]
"""
MRI = """\
name: mri
scan: {path: scan.h5}
prepare: [{kind: undersample, acceleration: 2, acs: [12, 12], seed: 1}]
reconstruct: {method: cg_sense, n_iter: 3}
"""


def compared(cli: Any, folder: Path, recipe: str) -> tuple[dict[str, Any], str]:
    """``metrics.json`` and the text of the page."""
    (folder / "recipe.yaml").write_text(recipe)
    ended = cli("compare", "recipe.yaml", "--out", "out")
    assert ended.code == 0, ended.err
    page = (folder / "out" / "report.html").read_text()
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
    return json.loads((folder / "out" / "metrics.json").read_text()), text


def conventions(document: Any) -> list[str]:
    """Every ``convention`` in a JSON document."""
    if isinstance(document, dict):
        own = [document["convention"]] if "convention" in document else []
        return own + [text for value in document.values() for text in conventions(value)]
    return [text for value in document for text in conventions(value)] if isinstance(document, list) else []


def test_attenuation_is_compared_by_its_values(cli: Any, ct_scan: Any, tmp_path: Path) -> None:
    ct_scan()
    document, page = compared(cli, tmp_path, CT)
    said = conventions(document)
    assert any(text.startswith("values, ") for text in said)
    assert not any("magnitude" in text for text in said) and "agnitude" not in page
    assert "the methods were given 20 of these views" in page
    assert "filtered back-projection of all measured views" in page
    assert "coil" not in page and "k-space" not in page
    assert "stopped at its limit" not in page  # of SIRT, where that is meant


def test_complex_images_are_compared_by_magnitude_and_the_mask_tells_its_factor(
    cli: Any, make_scan: Any, tmp_path: Path
) -> None:
    make_scan()
    document, page = compared(cli, tmp_path, MRI)
    assert any(text.startswith("magnitudes, ") for text in conventions(document))
    assert "960 of 1920 positions of k-space, R = 2.000; ky down, kx across" in page


def test_radar_page_speaks_of_antennas(cli: Any, radar_scan: Any, tmp_path: Path) -> None:
    radar_scan()
    box = "image: {matrix: [6, 7, 8], voxel_mm: 15, centre_mm: [250, -30, 20]}\n"
    recipe = f"name: r\nscan: {{path: scan.h5, kind: radar}}\n{box}reconstruct: {{method: back_projection}}\n"
    document, page = compared(cli, tmp_path, recipe)
    assert "120 pairs of antennas, 12 frequencies from 2 to 6 GHz" in page
    assert "coil" not in page and "k-space" not in page
    assert conventions(document)

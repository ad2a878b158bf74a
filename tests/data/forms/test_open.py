"""Every form that a reader knows opens by its content alone, whatever its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxflow.data.forms import READERS, SIGNATURES
from proxflow.data.open_scan import open_scan
from proxflow.data.scan import AXES, Measurement

Outcome = Callable[..., Measurement | str]
MODALITIES = {
    **dict.fromkeys(
        ("proxflow-cartesian", "fastmri", "numpy-kspace", "bart", "ismrmrd", "twix"), "mri-cartesian"
    ),
    **dict.fromkeys(("proxflow-radial", "numpy-radial", "ismrmrd-radial"), "mri-radial"),
    **dict.fromkeys(("proxflow-ct", "dxchange", "nxtomo", "htc2022", "tiff", "numpy-ct"), "ct"),
    **dict.fromkeys(("proxflow-frames", "proxflow-frame-spokes"), "mri-dynamic"),
    **dict.fromkeys(("proxflow-dynamic", "numpy-dynamic"), "ct-dynamic"),
    **dict.fromkeys(("proxflow-radar", "gotcha", "mimo", "numpy-radar", "csv", "merit"), "radar"),
    "nifti": "image",
}


def test_every_reader_has_a_form_here(forms: dict[str, str]) -> None:
    assert set(forms.values()) == set(READERS)
    assert set(forms) == set(MODALITIES)
    assert set(MODALITIES.values()) == set(AXES)


def test_a_form_opens_by_content(form: str, forms: dict[str, str], make: Callable[..., Path]) -> None:
    with open_scan(make(form)) as scan:
        info = scan.info
        assert info.modality == MODALITIES[form]
        measurement: Any = scan.read()
        samples = measurement.samples
        assert (samples.shape, samples.dtype.name) == (info.shape, info.dtype)
        assert len(measurement.labels) == info.n_items
        assert np.isfinite(samples).all()
        np.testing.assert_array_equal(scan.read([info.n_items - 1]).samples[0], samples[-1])


def test_a_form_opens_with_its_reader_named(
    form: str, forms: dict[str, str], make: Callable[..., Path], outcome: Outcome, same: Callable[..., bool]
) -> None:
    path = make(form)
    assert same(outcome(path), outcome(path, forms[form]))


def test_a_form_is_refused_by_every_other_reader(
    form: str, forms: dict[str, str], make: Callable[..., Path], outcome: Outcome
) -> None:
    path = make(form)
    for reader in READERS:
        if reader != forms[form]:
            assert isinstance(outcome(path, reader), str), reader


@pytest.mark.parametrize(
    "suffix", [".h5", ".mat", ".npy", ".npz", ".tif", ".cfl", ".csv", ".dat", ".bin", ""]
)
def test_a_file_with_the_suffix_of_another_form(
    form: str, suffix: str, make: Callable[..., Path], outcome: Outcome, same: Callable[..., bool]
) -> None:
    path = make(form)
    whole = outcome(path)
    told_by_bytes = (
        path.open("rb").read(16).startswith(tuple(s for many in SIGNATURES.values() for s in many))
    )
    found = outcome(path.rename(path.with_suffix(suffix)))
    if told_by_bytes and suffix != ".cfl":
        assert same(found, whole)
    else:
        assert isinstance(found, str) or same(found, whole)


def test_a_sidecar_of_another_modality(form: str, make: Callable[..., Path], outcome: Outcome) -> None:
    path = make(form)
    sidecar = path.with_suffix(".json")
    if not sidecar.is_file():
        return
    text = sidecar.read_text()
    for modality in ("mri-cartesian", "mri-radial", "mri-dynamic", "ct", "ct-dynamic", "radar", "mri", "CT"):
        if modality == MODALITIES[form]:
            continue
        named = f'"modality": "{modality}"'
        changed = text.replace(f'"modality": "{MODALITIES[form]}"', named)
        sidecar.write_text(changed if changed != text else text.replace("{", "{" + named + ", ", 1))
        sentence = outcome(path)
        assert isinstance(sentence, str) and sidecar.name in sentence, modality

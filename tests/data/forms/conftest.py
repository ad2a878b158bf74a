"""One small scan in every form, written without our writers where another program would write it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.data.forms.array_forms import (
    csv,
    merit,
    nifti,
    numpy_ct,
    numpy_dynamic,
    numpy_kspace,
    numpy_radar,
    numpy_radial,
    tiff,
)
from tests.data.forms.form_arrays import BASE
from tests.data.forms.hdf5_forms import (
    dxchange,
    fastmri,
    nxtomo,
    proxflow_cartesian,
    proxflow_ct,
    proxflow_dynamic,
    proxflow_frame_spokes,
    proxflow_frames,
    proxflow_radar,
    proxflow_radial,
)
from tests.data.forms.scanner_forms import gotcha, htc2022, mimo, twix

FORMS: dict[str, tuple[str, Callable[[Path, SimpleNamespace], Path]]] = {
    name: (reader, write)
    for reader, name, write in (
        ("proxflow", "proxflow-cartesian", proxflow_cartesian),
        ("proxflow", "proxflow-radial", proxflow_radial),
        ("proxflow", "proxflow-ct", proxflow_ct),
        ("proxflow", "proxflow-dynamic", proxflow_dynamic),
        ("proxflow", "proxflow-frames", proxflow_frames),
        ("proxflow", "proxflow-frame-spokes", proxflow_frame_spokes),
        ("proxflow", "proxflow-radar", proxflow_radar),
        ("fastmri", "fastmri", fastmri),
        ("dxchange", "dxchange", dxchange),
        ("nxtomo", "nxtomo", nxtomo),
        ("htc2022", "htc2022", htc2022),
        ("gotcha", "gotcha", gotcha),
        ("matlab", "mimo", mimo),
        ("tiff", "tiff", tiff),
        ("numpy", "numpy-kspace", numpy_kspace),
        ("numpy", "numpy-radial", numpy_radial),
        ("numpy", "numpy-ct", numpy_ct),
        ("numpy", "numpy-dynamic", numpy_dynamic),
        ("numpy", "numpy-radar", numpy_radar),
        ("csv", "csv", csv),
        ("merit", "merit", merit),
        ("twix", "twix", twix),
        ("image", "nifti", nifti),
    )
}


READERS_OF = {name: reader for name, (reader, _) in FORMS.items()} | {
    "bart": "bart",
    "ismrmrd": "ismrmrd",
    "ismrmrd-radial": "ismrmrd",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a ``form``, and names none itself, once for every form."""
    named = any("form" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "form" in metafunc.fixturenames and not named:
        metafunc.parametrize("form", READERS_OF)


@pytest.fixture
def forms() -> dict[str, str]:
    """Names of all forms with the reader of each."""
    return dict(READERS_OF)


@pytest.fixture
def base() -> dict[str, Any]:
    """The arrays a form is made of where a test replaces none."""
    return dict(BASE)


@pytest.fixture
def make(tmp_path: Path, foreign: SimpleNamespace) -> Callable[..., Path]:
    """Write a scan of a form into a folder of its own, with some of the BASE arrays replaced."""

    def write(form: str, **changes: Any) -> Path:
        folder = tmp_path / f"{form}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        a = SimpleNamespace(**(BASE | changes))
        if form == "bart":
            dims = a.kspace.transpose(3, 2, 1, 0)[:, :, None].reshape(10, 12, 1, 3, 1, 2)
            return foreign.bart(folder / "b", dims).with_suffix(".cfl")
        if not form.startswith("ismrmrd"):
            return FORMS[form][1](folder, a)
        voxel = (a.fov_mm[0], a.fov_mm[1] / 12, a.fov_mm[2] / 10)
        if form == "ismrmrd":
            lines = [
                foreign.acquisition(a.kspace[i, :, r], kspace_encode_step_1=r, slice=i)
                for i, r in np.ndindex(2, 12)
            ]
            return foreign.ismrmrd(folder / "m.h5", foreign.header((1, 12, 10), voxel=voxel), lines)
        voxel = (a.fov_mm[0], a.fov_mm[1] / 32, a.fov_mm[2] / 32)
        header = foreign.header((1, 32, 32), voxel=voxel, trajectory="radial")
        trajectory = (a.trajectory * getattr(a, "reach", 1.0)).astype(np.float32)
        lines = []
        for item, spoke in np.ndindex(2, 7):
            line = foreign.acquisition(a.spokes[item, :, spoke], kspace_encode_step_1=spoke, slice=item)
            line.resize(trajectory.shape[1], 3, trajectory_dimensions=2)
            line.data[:] = a.spokes[item, :, spoke]
            line.traj[:] = trajectory[spoke]
            lines.append(line)
        return foreign.ismrmrd(folder / "mr.h5", header, lines)

    return write

"""The scans that ship with the package: measured ones, two simulated from real images, one from formulae."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from proxflow.data.errors import ScanError

SCHEME = "sample://"
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """A shipped scan: its file in this folder, one line on it, its licence."""

    file: str
    description: str
    licence: str


SAMPLES = {
    "brain-13coil": Sample(
        "brain-13coil.h5",
        "human brain, one axial slice, 13 coils, 224 x 224, fully sampled, T1-weighted gradient echo",
        "Apache-2.0",
    ),
    "brain-vfa": Sample(
        "brain-vfa.h5",
        "the same slice at 4 flip angles as a series of frames, 13 coils compressed to 5, fully sampled",
        "Apache-2.0",
    ),
    "phantom-2coil": Sample(
        "phantom-2coil.h5",
        "structured phantom, 2 coils, 160 x 160, fully sampled gradient echo, raw ISMRMRD",
        "MIT",
    ),
    "phantom-lowfield": Sample(
        "phantom-lowfield.h5",
        "grid phantom at 88 mT, 10 slices of a 3-D spin echo, 1 coil, 60 x 60, fully sampled",
        "MIT",
    ),
    "brain-radial": Sample(
        "brain-radial.h5",
        "human brain, one slice, 64 radial spokes of 512 samples, 32 coils compressed to 12",
        "MIT",
    ),
    "htc2022-ta": Sample(
        "htc2022-ta.mat",
        "acrylic disc of 70 mm, fan-beam sinogram of 721 views, with its segmentation (HTC2022)",
        "CC-BY-4.0",
    ),
    "tooth": Sample(
        "tooth-parallel.h5",
        "tooth, parallel-beam synchrotron projections, 2 rows, 181 views, with dark and flat fields",
        "BSD-3-Clause",
    ),
    "simulated-cone": Sample(
        "simulated-cone.h5",
        "ellipsoids in a cone beam, simulated: 128 views of 32 x 48 cells, photon noise",
        "Apache-2.0",
    ),
    "merit-breast-P3": Sample(
        "merit-breast-P3.h5",
        "breast phantom with a tumour, 96 pairs of 24 antennas, 76 frequencies, two rotations",
        "Apache-2.0",
    ),
    "gotcha-cars": Sample(
        "gotcha-cars.h5",
        "five parked cars, 3 degrees of a circular SAR at 9.6 GHz, 107 antenna places, 127 frequencies",
        "US public release AFRL/WS-07-0528",
    ),
    "dynamic-ct-lung": Sample(
        "dynamic-ct-lung.h5",
        "chest that breathes, simulated from a CT slice: 64 frames of one parallel projection, and the truth",
        "BSD-3-Clause",
    ),
    "dynamic-mri-kidney": Sample(
        "dynamic-mri-kidney.h5",
        "abdomen that breathes, simulated from MRI: 24 frames of 6 golden-angle spokes, 4 coils, and truth",
        "Apache-2.0",
    ),
}


def sample_path(name: str) -> Path:
    """The file of the sample ``name``; raises ScanError naming the nearest sample."""
    if name not in SAMPLES:
        close = difflib.get_close_matches(name, SAMPLES, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ScanError(f"sample must be one of {', '.join(SAMPLES)}, got {name}{hint}")
    return FOLDER / SAMPLES[name].file


def locate(path: str | Path) -> Path:
    """``path`` as a Path, ``sample://NAME`` resolved to the shipped file (also when given as a Path)."""
    text = str(path)
    if text.startswith("sample:/"):  # Path("sample://x") drops one slash
        return sample_path(text.removeprefix("sample:").lstrip("/"))
    return Path(path).expanduser()

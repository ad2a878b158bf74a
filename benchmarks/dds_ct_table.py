"""Decomposed diffusion sampling beside other methods for few views: tables of docs/methods/dds.md.

    python -m benchmarks.dds_ct_table DATA --prior FILE --tune      chooses numbers
    python -m benchmarks.dds_ct_table DATA --prior FILE [--pictures FOLDER] [--side 128]

8, 16 or 32 views, or one per degree of an arc of 90. Three sections:

* body: slices of people that trainings keep apart (DATA/anatomy/ct/tcga_chest_ct_slices.h5 and
  lung_dx_a0001_slices.h5). Parallel rays are simulated through the 512 x 512 pixels of the files, several to
  a column of the detector, with Poisson noise of 1e6 photons; the image that is looked for has --side pixels,
  so that the forward model of the methods is not that of the data. The reference is the mean of the slice
  over its pixels.
* disc: measured fan-beam scans of acrylic discs (DATA/ct_raw/htc2022/*_full.mat), 721 views over a full turn,
  of which some are taken. The reference is the filtered back-projection of all of them with a Hann window,
  as the mean over 4 x 4 finer pixels: noise of its own is in it, and data in common with the methods'.
* volume: 16 slices of 64 x 64 pixels of --volume, Hounsfield units at --volume-mm, simulated as above;
  total variation across slices in place of consistency (``dds-axial``) beside sampling slice by slice. It
  says something of a prior only where its training kept that person apart.

Figures are of values, over all pixels, or those of the circle that all views of a disc see. Numbers were
chosen on other objects, for all ways of sampling together (`benchmarks/dds_numbers.json`): slices of two
other people kept apart, another disc, other slices of the volume. What is done is kept in the file, images
beside it, so that an interrupted run goes on. Seconds are those the processor worked.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.dds_contenders import Posed
from benchmarks.dds_ct_scans import body_slice, body_volume, measured, simulated
from benchmarks.dds_runs import Case, Section, carried_out, parser_of
from benchmarks.dds_tuning import CT_GRIDS

METHODS = ("fbp", "cgls", "tv", "dds-50")
CHESTS, LUNG = Path("anatomy/ct/tcga_chest_ct_slices.h5"), Path("anatomy/ct/lung_dx_a0001_slices.h5")
BODIES = (
    ("TCGA-17-Z058", CHESTS, 2),
    ("lung_dx_a0001", LUNG, 5),
    ("TCGA-60-2723", CHESTS, 0),
    ("TCGA-51-4079", CHESTS, 0),
    ("TCGA-50-5044", CHESTS, 0),
)
TUNING_BODIES = (("TCGA-17-Z013", CHESTS, 0), ("TCGA-17-Z039", CHESTS, 0))
DISCS, TUNING_DISC = ("01a", "05a", "03a", "02a", "04a", "06a"), "07a"  # not those of diffusion-ct
VIEWS = {"8 views": 8, "16 views": 16, "32 views": 32}
ARC, DEGREES = "90 degrees", 90
VOLUME, VOLUME_MM = "anatomy/ct/totalseg_example_ct_3mm.nii.gz", 3.0  # diffusion-ct was trained on it
N_SLICES, VOLUME_SIDE = 16, 64
FIRST, TUNING_FIRST = 30, 8  # of the slices, each of two in the file


def main() -> None:
    parser = parser_of(__doc__, "dds-ct-table.json")
    parser.add_argument("--side", type=int, default=128, help="pixels")
    parser.add_argument("--objects", type=int, default=2, help="of each kind")
    parser.add_argument("--sections", nargs="+", choices=("body", "disc", "volume"))
    parser.add_argument("--volume", help=f"default: {VOLUME} in DATA")
    parser.add_argument("--volume-mm", type=float, default=VOLUME_MM, help="side of its voxels")
    asked = parser.parse_args()
    made = [section for section in sections(asked) if section.numbers in (asked.sections or section.numbers)]
    carried_out(made, asked)


def sections(asked: argparse.Namespace) -> list[Section]:
    """All that can be asked for."""
    bodies, discs = BODIES[: asked.objects], DISCS[: asked.objects]
    axial = (*METHODS, "dds-axial-50")
    kinds = f"{asked.side} x {asked.side}"
    slabs = f"{N_SLICES} x {VOLUME_SIDE} x {VOLUME_SIDE}"
    return [
        Section(
            f"body, {kinds}",
            "body",
            METHODS,
            CT_GRIDS,
            [case for one in bodies for case in body_cases(asked, *one)],
            [case for one in TUNING_BODIES for case in body_cases(asked, *one)],
        ),
        Section(
            f"disc, {kinds}",
            "disc",
            METHODS,
            CT_GRIDS,
            [case for one in discs for case in disc_cases(asked, one)],
            disc_cases(asked, TUNING_DISC),
        ),
        Section(
            f"volume, {slabs}",
            "volume",
            axial,
            CT_GRIDS,
            volume_cases(asked, FIRST),
            volume_cases(asked, TUNING_FIRST),
        ),
    ]


def body_cases(asked: argparse.Namespace, subject: str, file: Path, number: int) -> list[Case]:
    """A slice, sampled in every way; its noise is decided by its number in BODIES and TUNING_BODIES."""
    seed = [one[0] for one in BODIES + TUNING_BODIES].index(subject)

    def posed(angles: NDArray[np.float64]) -> Posed:
        return simulated(body_slice(asked.data / file, subject, number, asked.side), angles, seed)

    return [
        Case(subject, sampling, partial(posed, angles)) for sampling, angles in half_turn_angles().items()
    ]


def disc_cases(asked: argparse.Namespace, disc: str) -> list[Case]:
    """A disc, sampled in every way."""
    file = asked.data / "ct_raw" / "htc2022" / f"htc2022_{disc}_full.mat"
    item = (*DISCS, TUNING_DISC).index(disc)
    return [
        Case(disc, sampling, partial(measured, file, views, asked.side, item))
        for sampling, views in full_turn_views().items()
    ]


def volume_cases(asked: argparse.Namespace, first: int) -> list[Case]:
    """Slices of the volume from ``first`` on, in the two ways of the paper."""
    source = asked.volume or str(asked.data / VOLUME)

    def posed(angles: NDArray[np.float64]) -> Posed:
        return simulated(body_volume(source, asked.volume_mm, first, N_SLICES, VOLUME_SIDE), angles, first)

    angles = half_turn_angles()
    name = Path(source.partition("::")[0]).name.split(".")[0]
    return [
        Case(f"{name} from {first}", sampling, partial(posed, angles[sampling]))
        for sampling in ("8 views", ARC)
    ]


def half_turn_angles() -> dict[str, NDArray[np.float64]]:
    """Radians of parallel views: evenly over half a turn, or each degree of an arc."""
    angles = {name: np.pi * np.arange(n) / n for name, n in VIEWS.items()}
    return {**angles, ARC: np.deg2rad(np.arange(DEGREES, dtype=np.float64))}


def full_turn_views() -> dict[str, NDArray[np.int64]]:
    """Which of 721 views half a degree apart: evenly over a turn, or each degree of an arc."""
    views = {name: np.rint(720 * np.arange(n) / n).astype(np.int64) for name, n in VIEWS.items()}
    return {**views, ARC: 2 * np.arange(DEGREES)}


if __name__ == "__main__":
    main()

"""Learned proximal networks beside other methods on a measured brain: a table of docs/methods/lpn.md.

    python -m benchmarks.lpn_mri_table DATA --prior FILE --tune      chooses numbers
    python -m benchmarks.lpn_mri_table DATA --prior FILE [--pictures FOLDER] [--slices 2]

DATA holds mri_raw/brain_vfa_cartesian_13coil.h5: one slice, four flip angles, 13 coils, 224 x 224, thinned
out 4 times: lines along ky with 8 % of all in the centre, or points of a Poisson disc with a centre of
24 x 24. Masks, coil maps, noise, reference, and where figures are taken are those of `dds_mri_table`;
--slices counts flip angles. Each pattern has numbers of its own, chosen by a flip angle that is not reported
(`benchmarks/lpn_numbers.json`): the same slice of the same head in another contrast, with other noise and
another mask. What is done is kept in the file, images beside it, so that an interrupted run goes on. Seconds
are those the processor worked, coil maps not counted.

Of ``lpn`` also the residual of the fixed point at the end; the largest rise of the objective, relative to all
by which it differed; and which conditions of convergence, or of the run, did not hold.
"""

from __future__ import annotations

import argparse

from benchmarks.dds_mri_table import FILE, TUNING_ITEM, cases, disc, lines
from benchmarks.dds_runs import Section
from benchmarks.lpn_contenders import LPN_MRI_GRIDS, METHODS, lpn_parser, lpn_tables

MRI_METHODS = ("zero_filled", *METHODS)
ITEMS = (1, 3, 0)  # of four
PATTERNS = {"lines x4": lines(4, 0.08), "Poisson x4": disc(4)}


def main() -> None:
    parser = lpn_parser(__doc__, "lpn-mri-table.json", prior="lpn-mri", denoiser="dncnn-mri")
    parser.add_argument("--patterns", nargs="+", choices=tuple(PATTERNS), default=list(PATTERNS))
    asked = parser.parse_args()
    lpn_tables(sections(asked), asked)


def sections(asked: argparse.Namespace) -> list[Section]:
    """One for each pattern."""
    file, found = asked.data / FILE, []
    for name in asked.patterns:
        own = {name: PATTERNS[name]}
        reported, tuned = cases(file, ITEMS[: asked.slices], own), cases(file, [TUNING_ITEM], own)
        found.append(Section(f"brain, {name}", f"brain {name}", MRI_METHODS, LPN_MRI_GRIDS, reported, tuned))
    return found


if __name__ == "__main__":
    main()

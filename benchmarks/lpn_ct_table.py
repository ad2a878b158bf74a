"""Learned proximal networks beside other methods for sparse-view tomography: tables of docs/methods/lpn.md.

    python -m benchmarks.lpn_ct_table DATA --prior FILE --tune      chooses numbers
    python -m benchmarks.lpn_ct_table DATA --prior FILE [--pictures FOLDER] [--side 256] [--slices 2]

Two sections:

* body: slices of people that trainings keep apart, as in `dds_ct_table`, scanned as in the paper's
  experiment: parallel rays, 400 columns over the diagonal of a field of 256 mm, 200 views (or 60, or 30),
  white noise of std 2 mm times the largest value, x between 0 and 1. The data are those of all 512 x 512
  pixels; the image that is looked for has --side. ``--side 512`` is the published size, found with the
  operator that made the data.
* disc, if there are DATA/ct_raw/htc2022/*_full.mat: measured fan-beam scans of acrylic discs, 60 or 30 of 721
  views, and the reference as in `dds_ct_table`.

PSNR and SSIM are of values, as large as the largest of the reference, over all pixels, or those of the circle
that all views of a disc see. Every number of views has numbers of its own, chosen on another person and on
another disc (`benchmarks/lpn_numbers.json`). What is done is kept in the file, images beside it, so that an
interrupted run goes on. Seconds are those the processor worked.

Of ``lpn`` also the residual of the fixed point at the end; the largest rise of the objective, relative to all
by which it differed; and which conditions of convergence, or of the run, did not hold.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.dds_contenders import Posed
from benchmarks.dds_ct_scans import body_slice, measured
from benchmarks.dds_ct_table import BODIES, DISCS, TUNING_BODIES, TUNING_DISC
from benchmarks.dds_runs import Case, Section
from benchmarks.lpn_contenders import LPN_CT_GRIDS, METHODS, lpn_parser, lpn_tables
from benchmarks.lpn_ct_scans import sparse_view

CT_METHODS = ("fbp", *METHODS)
VIEWS = {"body": (200, 60, 30), "disc": (60, 30)}
FULL_TURN = 720  # half degrees; view 720 of a disc repeats view 0
SCANS = Path("ct_raw") / "htc2022"


def main() -> None:
    parser = lpn_parser(__doc__, "lpn-ct-table.json", prior="lpn-ct", denoiser="dncnn-ct")
    parser.add_argument("--side", type=int, default=256, help="pixels")
    parser.add_argument("--sections", nargs="+", choices=tuple(VIEWS))
    parser.add_argument("--views", type=int, nargs="+", help="of those above; all by default")
    asked = parser.parse_args()
    lpn_tables(sections(asked), asked)


def sections(asked: argparse.Namespace) -> list[Section]:
    """One for each number of views of each kind that is asked for and there."""
    there = [kind for kind in VIEWS if kind == "body" or (asked.data / SCANS).is_dir()]
    bodies, tuning = BODIES[: asked.slices], TUNING_BODIES[:1]
    found = []
    for kind in asked.sections or there:
        for n_views in VIEWS[kind]:
            if n_views not in (asked.views or VIEWS[kind]):
                continue
            if kind == "body":
                cases = [body_case(asked, n_views, *one) for one in bodies]
                tuned = [body_case(asked, n_views, *one) for one in tuning]
            else:
                cases = [disc_case(asked, n_views, one) for one in DISCS[: asked.slices]]
                tuned = [disc_case(asked, n_views, TUNING_DISC)]
            name = f"{kind}, {asked.side} x {asked.side}, {n_views} views"
            found.append(Section(name, f"{kind} {n_views} views", CT_METHODS, LPN_CT_GRIDS, cases, tuned))
    return found


def body_case(asked: argparse.Namespace, n_views: int, subject: str, file: Path, number: int) -> Case:
    """A slice; its noise is decided by its number in BODIES and TUNING_BODIES."""
    seed = [one[0] for one in BODIES + TUNING_BODIES].index(subject)

    def posed() -> Posed:
        return sparse_view(body_slice(asked.data / file, subject, number, asked.side), n_views, seed)

    return Case(subject, f"{n_views} views", posed)


def disc_case(asked: argparse.Namespace, n_views: int, disc: str) -> Case:
    """A disc, views evenly over a turn."""
    views = np.rint(FULL_TURN * np.arange(n_views) / n_views).astype(np.int64)
    file = asked.data / SCANS / f"htc2022_{disc}_full.mat"
    item = (*DISCS, TUNING_DISC).index(disc)
    return Case(disc, f"{n_views} views", partial(measured, file, views, asked.side, item))


if __name__ == "__main__":
    main()

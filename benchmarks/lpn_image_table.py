"""Learned proximal networks beside other methods for deblurring and compressed sensing: tables of
docs/methods/lpn.md.

    python -m benchmarks.lpn_image_table DATA --prior FILE --tune      chooses numbers
    python -m benchmarks.lpn_image_table DATA --prior FILE [--pictures FOLDER] [--side 128] [--slices 2]

The six experiments of the paper beside tomography, on slices of people that trainings keep apart, as in
`lpn_ct_table`, brought to --side pixels, values between 0 and 1:

* deblur-1-0.02, deblur-1-0.04, deblur-2-0.02, deblur-2-0.04: the full convolution with a Gaussian of 1 or 2
  pixels, white noise of std 0.02 or 0.04. The paper has faces.
* sensing-4, sensing-16: random signs, a circulant Gaussian matrix, one of 4 or 16 of its rows, noise of
  0.001. The paper has slices of 512 x 512.

As there, the image is found with the operator that made the data. PSNR and SSIM are of values, the largest of
the reference being 1, over all pixels. Every experiment has numbers of its own, chosen on another person
(`benchmarks/lpn_numbers.json`), of ``lpn`` also the unit of the network and, where nothing is guaranteed, the
box: that values lie between 0 and 1 is known to it, as in the paper. What is done is kept in the file, images
beside it, so that an interrupted run goes on. Seconds are those the processor worked.

Of ``lpn`` also the residual of the fixed point at the end; the largest rise of the objective, relative to all
by which it differed; and which conditions of convergence, or of the run, did not hold.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.dds_contenders import Posed
from benchmarks.dds_ct_scans import body_slice
from benchmarks.dds_ct_table import BODIES, TUNING_BODIES
from benchmarks.dds_runs import Case, Section
from benchmarks.lpn_contenders import LPN_BLUR_GRIDS, LPN_SENSING_GRIDS, METHODS, lpn_parser, lpn_tables
from benchmarks.lpn_image_scans import blurred, sensed

BLURS, NOISES = (1, 2), (0.02, 0.04)  # pixels, and std where the largest value is 1
RATIOS, SENSING_NOISE = (4, 16), 0.001
DEBLUR, SENSING = "deblur", "sensing"

Measured = Callable[..., Posed]
EXPERIMENTS: dict[str, Measured] = {
    **{f"{DEBLUR}-{s}-{n:g}": partial(blurred, sigma=s, noise=n) for s in BLURS for n in NOISES},
    **{f"{SENSING}-{ratio}": partial(sensed, ratio=ratio, noise=SENSING_NOISE) for ratio in RATIOS},
}


def main() -> None:
    parser = lpn_parser(__doc__, "lpn-image-table.json", prior="lpn-ct", denoiser="dncnn-ct")
    parser.add_argument("--side", type=int, default=128, help="pixels")
    parser.add_argument("--sections", nargs="+", choices=tuple(EXPERIMENTS), default=list(EXPERIMENTS))
    asked = parser.parse_args()
    lpn_tables(sections(asked), asked)


def sections(asked: argparse.Namespace) -> list[Section]:
    """One for each experiment."""
    found = []
    for name in asked.sections:
        grids = LPN_BLUR_GRIDS if name.startswith(DEBLUR) else LPN_SENSING_GRIDS
        cases = [body_case(asked, name, *one) for one in BODIES[: asked.slices]]
        tuned = [body_case(asked, name, *one) for one in TUNING_BODIES[:1]]
        found.append(Section(f"{name}, {asked.side} x {asked.side}", name, METHODS, grids, cases, tuned))
    return found


def body_case(asked: argparse.Namespace, name: str, subject: str, file: Path, number: int) -> Case:
    """A slice; its noise, and the matrix of ``sensed``, are decided by its number in BODIES and
    TUNING_BODIES."""
    seed = [one[0] for one in BODIES + TUNING_BODIES].index(subject)

    def posed() -> Posed:
        return EXPERIMENTS[name](body_slice(asked.data / file, subject, number, asked.side), seed=seed)

    return Case(subject, name, posed)


if __name__ == "__main__":
    main()

"""What a learned prior says of slices with noise, of blurred ones and of mixtures: docs/methods/lpn.md, "The
prior, seen".

    python -m benchmarks.lpn_prior_study DATA [--prior lpn-ct] [--slices 6] [--picture FILE.png]

Slices that trainings keep apart, each brought to 128 x 128 pixels and to the unit of the network, of which
the middle, as large as the network, is looked at in one patch: of one channel body CT (DATA/anatomy/ct, seven
people), of two three stacks of two brains (DATA/anatomy/mri_brain, six slices) with a smooth phase; --kind
mri for a network of magnitudes. Noise of std 0.05 to 0.3 of the unit, clipped to the values of its training;
a Gaussian blur of 0.5 to 4 pixels; and mixtures with the next slice.

R is found by inversion in double precision, from a v found in single; a value whose residual is above 0.001
counts as not known. Of every level: the mean over slices of R above the least of all values; in how many
slices R rises, strictly, from the level before, of those where both are known; the largest residual, and the
largest reach, ||v - x|| / ||x||. The picture: R of all slices, and what was done to the first.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.curve_panels import png_path, write_drawing
from benchmarks.lpn_prior_picture import Found, Values, study_drawing
from benchmarks.prior_study_images import (
    BRAINS,
    COMBINATION,
    LEVELS,
    PEOPLE,
    Images,
    files_of,
    perturbed,
    slices,
)
from proxflow.data.errors import ScanError
from proxflow.models.learned_prox.evaluated import LearnedProx
from proxflow.models.learned_prox.inversion import inverted
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.prior import PriorValue, prior_of
from proxflow.tasks.errors import RequestError
from proxflow.tasks.lpn_networks import LpnNetwork, open_lpn

MOST_RESIDUAL = 1e-3  # above it R is that of another image
TOL, N_CG = 3e-4, 5  # few conjugate gradients a step: more cost more than they gain
N_SINGLE, N_DOUBLE = 40, 10  # steps of Newton's method in either precision
UNTOLD = {1: (0.0, 1.0), 2: (-1.0, 1.0)}  # by channels, where the file does not tell what was trained on


def values_of(
    single: LearnedProx, double: LearnedProx, images: Images, within: tuple[float, float]
) -> Values:
    """R of all images. Level 0 of every kind is the slices themselves, level 1 of mixtures the next ones."""
    clean = _prior(single, double, images[COMBINATION][0.0], within)
    raw: dict[str, dict[float, PriorValue]] = {}
    for kind, levels in images.items():
        raw[kind] = {0.0: clean}
        for level, image in levels.items():
            if kind == COMBINATION and level == 1:
                raw[kind][level] = PriorValue(*(part.roll(-1, 0) for part in clean))
            elif level:
                raw[kind][level] = _prior(single, double, image, within)
    known = [_known(found) for levels in raw.values() for found in levels.values()]
    least = torch.cat(known).nan_to_num(torch.inf).min()
    return {
        kind: {
            level: Found(_known(found) - least, found.residual, found.reach)
            for level, found in levels.items()
        }
        for kind, levels in raw.items()
    }


def _known(found: PriorValue) -> Tensor:
    return torch.where(found.residual <= MOST_RESIDUAL, found.value, torch.nan)


def _prior(
    single: LearnedProx, double: LearnedProx, images: Tensor, within: tuple[float, float]
) -> PriorValue:
    """One image at a time, so that a hard one costs no step of others."""
    found = []
    for image in images[:, None]:
        near = inverted(single, image.float(), tol=TOL, n_newton=N_SINGLE, n_cg=N_CG).v.double()
        found.append(
            prior_of(double, image, tol=TOL, n_newton=N_DOUBLE, n_cg=N_CG, start=near, within=within)
        )
    return PriorValue(*(torch.cat(part) for part in zip(*found, strict=True)))


def table(values: Values) -> str:
    """Markdown, a row for each level."""
    lines = ["| | level | R | rises in | largest residual | largest reach |", f"{'|---' * 6}|"]
    for kind, levels in values.items():
        before = None
        for level, found in levels.items():
            known = found.value[~found.value.isnan()]
            some = f" ({len(known)} of {len(found.value)} known)" * (len(known) < len(found.value))
            cell = f"{float(known.mean()):.2f}{some}" if len(known) else "not known"
            worst = f"{float(found.residual.max()):.0e} | {float(found.reach.max()):.2f}"
            lines.append(f"| {kind} | {level:g} | {cell} | {_rises(before, found)} | {worst} |")
            before = found
    return "\n".join(lines)


def _rises(before: Found | None, found: Found) -> str:
    if before is None:
        return ""
    difference = found.value - before.value
    return f"{int((difference > 0).sum())} of {int((~difference.isnan()).sum())}"


def chords(values: Values) -> str:
    """In how many slices R of a mixture lies above the chord between its ends, which no convex R does."""
    found = values[COMBINATION]
    first, last = found[0.0].value, found[1.0].value
    told = []
    for level in LEVELS[COMBINATION][1:-1]:
        above = found[level].value - (1 - level) * first - level * last
        told.append(f"{int((above > 0).sum())} of {int((~above.isnan()).sum())} at {level:g}")
    return f"R of a mixture lies above the chord between its ends in {', '.join(told)}."


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with the files named above")
    parser.add_argument("--prior", default="lpn-ct", metavar="NAME_OR_FILE")
    parser.add_argument("--kind", choices=("ct", "mri"), help="default: ct of one channel, mri of two")
    parser.add_argument("--slices", type=int, default=6)
    parser.add_argument("--picture", type=png_path, metavar="FILE.png")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    try:
        learned = open_lpn(asked.prior, what="prior")
        print(study(learned, asked), flush=True)
    except (RequestError, ScanError) as error:
        parser.error(str(error))


def study(learned: LpnNetwork, asked: argparse.Namespace) -> str:
    """Table and a sentence in Markdown; the picture is written.

    Raises RequestError, in one sentence, for a network or a folder that it cannot be done with.
    """
    network, trained = learned
    told = network.settings
    if told.kind == "dense" or told.channels > 2:
        raise RequestError(
            f"prior must be of images of one or two channels, got {told.kind}, {told.channels}"
        )
    kind = asked.kind or ("mri" if told.channels == 2 else "ct")
    most = len(PEOPLE if kind == "ct" else BRAINS)
    if not 2 <= asked.slices <= most:
        raise RequestError(f"--slices must be from 2 to {most} for {kind}, got {asked.slices}")
    for file in files_of(kind, asked.slices):
        if not (asked.data / file).is_file():
            raise RequestError(f"DATA must hold {file}, got {asked.data} without it")
    within = UNTOLD[told.channels] if trained is None else (trained.low, trained.high)
    images = perturbed(slices(asked.data, kind, asked.slices), told.channels, told.side, within)
    single, double = NetworkProx(network), NetworkProx(copy.deepcopy(network).double())
    values = values_of(single, double, images, within)
    if asked.picture:
        write_drawing(asked.picture, study_drawing(images, values))
    sigma = "" if trained is None else f", sigma {trained.sigma:g}"
    head = f"{asked.prior}{sigma}: {asked.slices} slices, {told.side} x {told.side} pixels"
    return f"{head}\n\n{table(values)}\n\n{chords(values)}"


if __name__ == "__main__":
    main()

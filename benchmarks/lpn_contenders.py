"""The methods of the tables of learned proximal networks, their numbers to choose from, what is asked."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.dds_contenders import Contender, Numbers, contenders
from benchmarks.dds_runs import Section, carried_out, common_parser
from benchmarks.dds_tuning import CT_GRIDS, LAMBDAS, MRI_GRIDS, Grid

LPN, PNP = "lpn", "pnp_admm"
SETTING = re.compile(r"lpn-(guaranteed|published)")
METHODS = ("lpn-guaranteed", "lpn-published", "tv", PNP, "l1_wavelet")
NUMBERS = Path(__file__).with_name("lpn_numbers.json")

# ||A|| = 1 and s = 1/2, so that L_h = 1: rho is relative to it, and only above 1 is anything guaranteed. For
# networks of sigma 0.02 a rho of 1 is what data with noise of that std ask for, one of 4 what noise of 0.04
# does; with less noise a smaller strength, which takes more steps, or a warm-up. The published experiments
# with tomography have about 0.02 L_h and 15 steps.
WEAK: list[Numbers] = [{"rho": 1.05, "strength": t} for t in (1.0, 0.3, 0.1, 0.03)]
PUBLISHED: Grid = [[{"rho": rho} for rho in (0.01, 0.03, 0.1, 0.3, 1.0)], [{"n_iter": n} for n in (30, 15)]]
LEARNED: dict[str, Grid] = {
    "lpn-published": PUBLISHED,
    PNP: [[{"n_iter": 30, "rho": rho} for rho in (0.01, 0.03, 0.1, 0.3, 1.0)]],  # DnCNN is told no noise
}
BOXES: list[Numbers] = [{"box": True}, {"box": False}]  # of real images; a guaranteed run has none
LPN_CT_GRIDS: dict[str, Grid] = {
    **{name: CT_GRIDS[name] for name in ("fbp", "tv")},
    "l1_wavelet": [[{"n_iter": 200, **one} for one in LAMBDAS]],
    **LEARNED,
    "lpn-guaranteed": [[{"warm_up": 30, "n_iter": 50, **one} for one in WEAK]],
    "lpn-published": [*PUBLISHED, BOXES],
}
LPN_MRI_GRIDS: dict[str, Grid] = {
    **{name: MRI_GRIDS[name] for name in ("tv", "l1_wavelet")},
    **LEARNED,
    "lpn-guaranteed": [[{"n_iter": 100, **one} for one in WEAK[1:]]],
}

# Images of 0 to 1. Their bright voxels, which is what 1 was in trainings, are at about 0.7; null finds them
# in the first image, in which compressed sensing hides them. With a unit of 1 the box is the published one.
UNITS: list[Numbers] = [{"unit": None}, {"unit": 0.7}, {"unit": 1.0}]
RANGES: list[Numbers] = [
    {"unit": 1.0, "box": True},
    {"unit": None, "box": True},
    {"unit": None, "box": False},
    {"unit": 0.7, "box": False},
]
# The usual 200 steps to 1e-4 are too few for weights as small as these: 16.5 dB in place of 34.6 of tv.
SOLVED: list[Numbers] = [{"n_iter": 1000, "tol": 1e-6, "lam": lam} for lam in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)]
SPARSE: dict[str, Grid] = {
    "tv": [[{"nonnegative": True, **one} for one in SOLVED]],
    "l1_wavelet": [SOLVED],
}
LPN_BLUR_GRIDS: dict[str, Grid] = {
    **SPARSE,
    PNP: LEARNED[PNP],
    "lpn-guaranteed": [
        [{"n_iter": 100, "rho": rho, "strength": t} for rho, t in ((1.05, 0.3), (1.05, 1.0), (4.0, 1.0))],
        UNITS,
    ],
    "lpn-published": [
        [{"rho": rho} for rho in (0.1, 0.3, 1.0, 4.0)],
        [{"n_iter": n} for n in (40, 100)],
        RANGES,
    ],
}
LPN_SENSING_GRIDS: dict[str, Grid] = {  # published: 80 steps, and rho of 0.007 and 0.014 L_h
    **SPARSE,
    PNP: [[{"n_iter": 80, "rho": rho} for rho in (0.003, 0.01, 0.03, 0.1, 0.3)]],
    "lpn-guaranteed": [
        [
            {"warm_up": 200, "n_iter": 50, "rho": 1.05, "strength": t, "unit": 0.7}
            for t in (0.03, 0.01, 0.003)
        ],
        UNITS[1:],
    ],
    "lpn-published": [
        [{"rho": rho} for rho in (0.003, 0.01, 0.03, 0.1)],
        [{"n_iter": n} for n in (80, 200)],
        RANGES,
    ],
}


def lpn_contenders(names: Sequence[str], priors: Sequence[str], *, denoiser: str) -> list[Contender]:
    """Of ``lpn-guaranteed`` and ``lpn-published`` one for each prior, without values of the prior, which are
    not timed here; of ``pnp_admm`` that with ``denoiser``; of all others as ``contenders``.

    SystemExit for a name that no method has, and for a prior or a denoiser that the method does not know.
    """
    found = list[Contender]()
    for name in names:
        setting = SETTING.fullmatch(name)
        if setting is None:
            if name == LPN:
                raise SystemExit("methods must be lpn-guaranteed or lpn-published for lpn, got lpn")
            found += contenders([name], [denoiser] if name == PNP else [])
            continue
        fixed = {"setting": setting[1], "n_newton": 0}
        found += [
            row._replace(
                label=row.label.replace(LPN, f"{LPN} {setting[1]}", 1),
                fixed={**row.fixed, **fixed},
                tuned=name,
            )
            for row in contenders([LPN], priors)
        ]
    return found


def lpn_parser(document: str | None, out: str, *, prior: str, denoiser: str) -> argparse.ArgumentParser:
    """What these tables ask; ``--slices`` is how many each has."""
    parser = common_parser(document, out, NUMBERS)
    parser.add_argument("--prior", nargs="+", default=[prior], metavar="FILE", help="or a name")
    parser.add_argument(
        "--methods", nargs="+", metavar="NAME", help="of recipes, lpn-guaranteed, lpn-published"
    )
    parser.add_argument("--denoiser", default=denoiser, help=f"of {PNP}")
    parser.add_argument("--slices", type=int, default=2, help="objects of each kind, two by default")
    return parser


def lpn_tables(sections: Sequence[Section], asked: argparse.Namespace) -> None:
    """As ``carried_out``, with the methods of these tables."""
    carried_out(sections, asked, lpn_rows)


def lpn_rows(section: Section, asked: argparse.Namespace) -> list[Contender]:
    """What ``--methods``, ``--prior`` and ``--denoiser`` ask for, or the section's own methods."""
    return lpn_contenders(asked.methods or section.methods, asked.prior, denoiser=asked.denoiser)

"""ReconResNet beside other methods on people it was not trained on: tables of docs/methods/reconresnet.md.

    python -m benchmarks.reconresnet_table DATA --network FILE --tune            chooses numbers
    python -m benchmarks.reconresnet_table DATA --network FILE --unet FILE [--pictures FOLDER]
    python -m benchmarks.reconresnet_table DATA --network mixed=FILE one=FILE --patterns lines10

Files are of `train-reconresnet`; reconresnet-mri, the default, is the network that ships. Three parts:

* heads: slices of people whom the training of the network that ships keeps apart (DATA/anatomy/mri_brain: the
  RIRE patient, T1, and IXI002, T1 and T2);
* glioma: two patients, T1 and T2 of either and FLAIR of one, who are in no training either.
  With `--lesions NAME=FILE`, labels on the voxels of the file NAME, slices are chosen that show some, and
  the region is scored apart; none is among the files, and `flair_lesion` makes one.
* brain: DATA/mri_raw/brain_vfa_cartesian_13coil.h5, measured, four flip angles, 13 coils, thinned out by
  the mask of the recipe mri-reconresnet-cartesian or by points, coil maps by ESPIRiT from its centre, mu =
  0.1 and the numbers of the recipe for all methods. The reference is that of `benchmarks.dds_mri_table`;
  figures are over the pixels where its coil maps are not 0.

Heads and glioma are brought to --side pixels, given a smooth phase (--phase none: as published) and measured
by one coil without noise, as in training: nine patterns on the grid, drawn for every slice, and golden-angle
spokes. The zero-filled image is gridded where there are spokes. "network" is what the network makes, at the
scale of the samples; "consistent" is made to fit them, mu = 0, along spokes by 8 steps of conjugate
gradients.

Means over slices and standard deviations, of whole images with their background, range and peak 1; the
brightest 0.1 % of a slice is above. SSIM has windows of 7 x 7. Numbers of other methods were chosen on a
person who is not reported, for all patterns on the grid together and for spokes
(`benchmarks/reconresnet_numbers.json`). What is done is kept in the file, with the images of a slice in a
folder beside it, so that an interrupted run goes on. Seconds are those the processor worked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.dds_contenders import Contender, contenders, weights_of
from benchmarks.dds_runs import Case, Section, carried_out, common_parser
from benchmarks.dds_tuning import LAMBDAS, Grid
from benchmarks.reconresnet_cases import Shown, brain_cases, shown_slices, slice_cases
from benchmarks.reconresnet_figures import COLUMNS, SPREAD, figures_and_lesion, magnitude_figures
from proxflow.configs.reconresnet_training import PATTERNS, PatternName
from proxflow.models.artefacts.training import N_CG
from proxflow.tasks.denoisers import file_of

FOLDER = Path("anatomy") / "mri_brain"
HEADS = ("rire_mr_t1", "ixi002_t1_slice", "ixi002_t2_slice")
GLIOMA = (
    "brats_gli_00001_000_t1n",
    "brats_gli_00001_000_t2w",
    "tcga_fg_6692_t1_bet",
    "tcga_fg_6692_t2_bet",
    "tcga_fg_6692_flair_bet",
)
TUNING, TUNING_SLICES = "pycortex_S1_t1w_slab", 2
FLIP_ANGLES = 4
NUMBERS = Path(__file__).with_name("reconresnet_numbers.json")
NETWORK, UNET = "reconresnet", "unet"
CLASSICAL = ("zero_filled", "cg_sense", "tv", "l1_wavelet")
DEFAULTS = ("zero_filled", "tv", NETWORK, UNET)
BRAIN_DEFAULTS = ("zero_filled", "cg_sense", "tv", NETWORK, UNET)
SPOKE_LAMBDAS: list[dict[str, Any]] = [{"n_iter": 250, "lam": lam} for lam in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)]
GRIDS: dict[str, dict[str, Grid]] = {
    "grid": {name: [[{"n_iter": 200, **one} for one in LAMBDAS]] for name in ("tv", "l1_wavelet")},
    "spokes": {name: [SPOKE_LAMBDAS] for name in ("tv", "l1_wavelet")},
    "brain": {},
}
RECIPE: dict[str, dict[str, Any]] = {"cg_sense": {"lam": 0.02}, "tv": {"lam": 0.003}}
KEPT = 1  # of each section's slices, whose images are kept


def main() -> None:
    asked = asked_of()
    carried_out(sections(asked), asked, rows_of)


def asked_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options; SystemExit where they are wrong."""
    parser = common_parser(__doc__, "reconresnet-table.json", NUMBERS)
    parser.add_argument("--network", nargs="+", default=["reconresnet-mri"], metavar="[NAME=]FILE")
    parser.add_argument("--unet", metavar="FILE", help="the baseline, trained the same way")
    parser.add_argument("--methods", nargs="+", choices=(*CLASSICAL, NETWORK, UNET), metavar="NAME")
    parser.add_argument("--patterns", nargs="+", choices=PATTERNS, default=PATTERNS, metavar="NAME")
    parser.add_argument("--sections", nargs="+", choices=PARTS, default=tuple(PARTS))
    parser.add_argument("--slices", type=int, default=4, help="of each file; flip angles")
    parser.add_argument("--side", type=int, default=192, help="pixels, a multiple of 16")
    parser.add_argument("--phase", choices=("smooth", "none"), default="smooth")
    parser.add_argument("--lesions", nargs="+", default=[], metavar="NAME=FILE")
    asked = parser.parse_args(words)
    for name in (one.partition("=")[0] for one in asked.lesions):
        if name not in HEADS + GLIOMA:
            parser.error(f"lesions must be of {', '.join(HEADS + GLIOMA)}, got {name}")
    return asked


def sections(asked: argparse.Namespace) -> list[Section]:
    """Those asked for."""
    return [section for name in asked.sections for section in PARTS[name](asked)]


def people(asked: argparse.Namespace, part: str, files: Sequence[str]) -> list[Section]:
    """Patterns on the grid, and spokes, whose numbers are their own."""
    labels = {name: Path(file) for name, _, file in (one.partition("=") for one in asked.lesions)}
    slices = [shown for name in files for shown in _slices(asked, name, asked.slices, labels.get(name))]
    tuning = _slices(asked, TUNING, TUNING_SLICES, None) if asked.tune else []
    lesions = ", lesions" if any(shown.lesion is not None for shown in slices) else ""
    found = []
    for kind in ("grid", "spokes"):
        patterns: list[PatternName] = [name for name in asked.patterns if kind_of(name) == kind]
        if patterns:
            cases = partial(
                slice_cases, side=asked.side, patterns=patterns, with_phase=asked.phase == "smooth"
            )
            name = f"{part}, {kind}, {asked.side} x {asked.side}, phase {asked.phase}{lesions}"
            found.append(_section(name, kind, cases(slices), cases(tuning)))
    return found


def kind_of(pattern: PatternName) -> str:
    return "spokes" if pattern.startswith("spokes") else "grid"


def _slices(asked: argparse.Namespace, name: str, n: int, labels: Path | None) -> list[Shown]:
    return shown_slices(asked.data / FOLDER / f"{name}.nii.gz", n, asked.side, labels)


def brain(asked: argparse.Namespace) -> list[Section]:
    """With the recipe's numbers, so that nothing is chosen."""
    cases = brain_cases(asked.data, range(min(asked.slices, FLIP_ANGLES)))
    return [_section("brain, 13 coils", "brain", cases, [])]


def _section(name: str, kind: str, cases: Sequence[Case], tuning: Sequence[Case]) -> Section:
    methods = BRAIN_DEFAULTS if kind == "brain" else DEFAULTS
    judge = magnitude_figures if kind == "brain" else figures_and_lesion
    return Section(name, kind, methods, GRIDS[kind], cases, tuning, judge, COLUMNS, SPREAD, KEPT)


def rows_of(section: Section, asked: argparse.Namespace) -> list[Contender]:
    """Of a network two, before and after consistency; of spokes what is zero-filled is gridded."""
    named = [(one.rpartition("=")[0] or NETWORK, one.rpartition("=")[2]) for one in asked.network]
    if len({label for label, _ in named}) < len(named):
        raise SystemExit(f"networks must have names of their own, NAME=FILE, got {' '.join(asked.network)}")
    found: list[Contender] = []
    for name in asked.methods or section.methods:
        if name == NETWORK:
            found += [row for label, file in named for row in _of_network(label, file, section, asked)]
        elif name == UNET:
            if asked.unet:
                found += _of_network(UNET, asked.unet, section, asked)
            elif asked.methods:
                raise SystemExit("unet must have its weights, --unet FILE, got none")
        else:
            own = "gridding" if name == "zero_filled" and section.numbers == "spokes" else name
            fixed = RECIPE.get(own, {}) if section.numbers == "brain" else {}
            found += [row._replace(fixed=fixed) for row in contenders([own], [])]
    return found


def _of_network(label: str, file: str, section: Section, asked: argparse.Namespace) -> list[Contender]:
    if file_of(file) is None:
        raise SystemExit(f"network must be reconresnet-mri, unet-mri or a .safetensors file, got {file}")
    weights = weights_of(file, "network must be reconresnet-mri, unet-mri")
    is_brain = section.numbers == "brain"
    phase = "low" if is_brain or asked.phase == "smooth" else "none"
    data = {"mu": 0.1, "n_cg": 30} if is_brain else {"mu": 0.0, "n_cg": N_CG}
    fixed = {"network": file, "phase": phase}
    return [
        Contender(f"{label}, network", "reconresnet", fixed | {"consistency": "none"}, label, weights),
        Contender(
            f"{label}, consistent", "reconresnet", fixed | {"consistency": "exact", **data}, label, weights
        ),
    ]


PARTS: dict[str, Callable[[argparse.Namespace], list[Section]]] = {
    "heads": partial(people, part="heads", files=HEADS),
    "glioma": partial(people, part="glioma", files=GLIOMA),
    "brain": brain,
}

if __name__ == "__main__":
    main()

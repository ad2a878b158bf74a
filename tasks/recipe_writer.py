"""A commented recipe that fits a scan, for a person to start from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.tasks.scan_summary import ScanSummary

MANY_COILS, VIRTUAL_COILS = 16, 12
ACS_WIDTH = 24
MIN_ESPIRIT_ACS = 10  # samples a side; a smaller block holds too few 6 x 6 patches to tell signal from noise
MIN_LOWRES_ACS = 6
MAPS_FILE = "coil-maps.npy"


@dataclass(frozen=True)
class Suggestion:
    """A recipe as YAML text; ``needs`` is what a person must still provide, empty if it runs as it is."""

    text: str
    needs: str


def suggest_recipe(summary: ScanSummary, path: str, *, can_whiten: bool) -> Suggestion:
    """A recipe for the scan that ``summary`` describes.

    Args:
        path: as the recipe is to name the scan, a file or ``sample://NAME``.
        can_whiten: the scan has a noise measurement that tells all its coils apart.
    """
    n_coils = summary.info.shape[1]
    undersample = summary.fully_sampled
    acs = tuple(min(ACS_WIDTH, n // 4) for n in summary.mask.shape) if undersample else summary.acs
    parts = [
        _head(summary, path),
        _scan(summary, path),
        _prepare(summary, can_whiten, acs if undersample else None),
        _calibrate(n_coils, min(acs)),
        _methods(),
        _evaluate(summary),
        REST,
    ]
    needs = f"coil sensitivity maps in {MAPS_FILE}" if min(acs) < MIN_LOWRES_ACS else ""
    return Suggestion("\n".join(parts), needs)


def recipe_name(path: str) -> str:
    """A valid recipe name from a scan's file name."""
    stem = Path(path.removeprefix("sample://")).name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:80] or "scan"


def _head(summary: ScanSummary, path: str) -> str:
    items, coils, ky, kx = summary.info.shape
    sampled = "fully sampled" if summary.fully_sampled else f"undersampled, R = {summary.acceleration:.2f}"
    what = f"{_count(items, 'item')}, {_count(coils, 'coil')}, {ky} x {kx}, {sampled}"
    return f"""\
# A recipe says what was measured, what is done with it, and how the image is judged.
#
#   proxflow check THIS_FILE       is it right, how long will it take, how much memory
#   proxflow run THIS_FILE         the image of the method under `reconstruct`
#   proxflow compare THIS_FILE     all methods, side by side in one report
#
# Any number can be changed for one run: --set reconstruct.lam=0.005

name: {recipe_name(path)} # names the run folder: letters, digits, dots, dashes
description: {_quoted(f"{summary.info.format}, {what}")} # headline of the report
"""


def _scan(summary: ScanSummary, path: str) -> str:
    text = f"""\
scan:
  path: {_quoted(path)} # a file, counted from this recipe's folder, or sample://NAME
  reader: auto # the format is found by content; or ismrmrd, fastmri, bart, numpy, proxflow
"""
    n_items = summary.info.n_items
    if n_items > 1:
        return f"{text}  items: middle # of 0 to {n_items - 1}: try one first, then all, 0:10 or [3, 5]\n"
    return f"{text}  items: all # the scan holds one\n"


def _prepare(summary: ScanSummary, can_whiten: bool, acs: tuple[int, ...] | None) -> str:
    n_coils = summary.info.shape[1]
    steps = []
    if can_whiten:
        steps.append(
            "  - kind: whiten # the scan has a noise measurement: make the noise of all coils equal and\n"
            "                 # independent, so that a noisy coil counts less"
        )
    if n_coils > MANY_COILS:
        steps.append(
            f"  - kind: compress_coils # {n_coils} coils see much the same: fewer virtual ones are faster\n"
            f"    n_coils: {VIRTUAL_COILS} # kept; the report says how much of the energy they hold"
        )
    if acs is not None:
        factor = 4 if n_coils >= 4 else 2
        steps.append(
            "  - kind: undersample # every sample was measured: drop some, to see what a faster scan would\n"
            "                      # give, judged against the image from all of them. Remove this step\n"
            "                      # to reconstruct from everything.\n"
            "    pattern: poisson_disc # or variable_density, and random_lines, uniform_lines along kx\n"
            f"    acceleration: {factor} # all samples over kept samples, met exactly\n"
            f"    acs: [{acs[0]}, {acs[1]}] # fully kept centre (ky, kx): coil maps are calibrated from it\n"
            "    seed: 1 # of the random pattern: the same seed, the same pattern"
        )
    if not steps:
        return (
            "prepare: [] # steps between file and reconstruction: crop, whiten, compress_coils, undersample\n"
        )
    return "prepare: # steps between file and reconstruction, in this order\n" + "\n".join(steps) + "\n"


def _calibrate(n_coils: int, acs_width: int) -> str:
    if acs_width < MIN_LOWRES_ACS:
        return f"""\
calibrate: # coil sensitivity maps, sum over coils |S|^2 = 1 in the object
  # The centre of k-space was not fully sampled, so the maps cannot be found in this scan. Measure them
  # separately (a low-resolution scan with the same coils in the same place) and give the file here:
  # complex (coil, y, x) or (item, coil, y, x), NumPy .npy or an HDF5 dataset named maps.
  kind: given
  path: {MAPS_FILE} # counted from this recipe's folder
"""
    if acs_width < MIN_ESPIRIT_ACS:
        return f"""\
calibrate: # coil sensitivity maps, from the fully sampled centre of k-space
  kind: lowres # coil images of the centre over their root sum of squares: the centre, {acs_width} samples
               # wide, is too small for espirit
"""
    why = "one coil: its map is 1 in the object and 0 outside" if n_coils == 1 else "the usual choice"
    return f"""\
calibrate: # coil sensitivity maps, from the fully sampled centre of k-space
  kind: espirit # {why}; or lowres (simple), given (maps from a file)
  crop: 0.95 # maps are zero where the eigenvalue is below this: outside the object
"""


def _methods() -> str:
    tv, cg, wavelet = (METHOD_SCHEMAS[name].model_fields for name in ("tv", "cg_sense", "l1_wavelet"))
    return f"""\
reconstruct: # the method whose image is delivered; `proxflow methods` lists all of them
  method: tv # smooth regions with sharp edges
  lam: {tv["lam"].default} # total-variation weight, relative to the zero-filled peak: more is smoother
  n_iter: {tv["n_iter"].default} # iterations at most
  tol: {tv["tol"].default} # stop earlier, when an iteration changes the image by less than this fraction

compare: # further methods in `proxflow compare`, with their numbers
  - method: zero_filled # missing samples are zeros: what any method must beat
  - method: cg_sense # least squares over the coils
    lam: {cg["lam"].default} # Tikhonov weight, in the same scale
    n_iter: {cg["n_iter"].default}
  - method: l1_wavelet # few wavelet coefficients
    lam: {wavelet["lam"].default} # l1 weight, in the same scale
"""


def _evaluate(summary: ScanSummary) -> str:
    if summary.fully_sampled:
        reference = "auto # the image from all measured samples; or scan, none"
    elif summary.info.has_reference:
        reference = "scan # the image that came in the file; or none"
    else:
        reference = "none # no reference exists: trust the data residual and the held-out error below"
    return f"""\
evaluate:
  reference: {reference}
  metrics: [psnr, ssim, nmse, hfen] # computed where there is a reference
  region: support # count pixels of the object only; or full
  held_out_fraction: 0.02 # samples kept from a second reconstruction that must predict them; 0 is off
"""


REST = """\
report:
  exports: [] # image files beside image.h5: nifti, dicom, tiff, png, npy

runtime:
  device: auto # cpu, cuda or cuda:N; auto takes a CUDA device if there is one
  precision: single # or double
"""


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _quoted(text: str) -> str:
    """YAML for ``text``: JSON's quoting is valid YAML for any text."""
    return json.dumps(text, ensure_ascii=False)

"""A recipe for Cartesian MRI."""

from __future__ import annotations

from proxflow.tasks.looks.base import count
from proxflow.tasks.looks.cartesian import CartesianLook
from proxflow.tasks.suggestions.base import (
    REST,
    WHITEN,
    Suggestion,
    compress,
    default,
    evaluate_part,
    head,
    prepare_part,
    scan_part,
)

MANY_COILS, VIRTUAL_COILS = 16, 12
ACS_WIDTH = 24
MIN_ESPIRIT_ACS = 10  # samples a side; a smaller block holds too few 6 x 6 patches to tell signal from noise
MIN_LOWRES_ACS = 6
MAPS_FILE = "coil-maps.npy"
MAPS_NEED = f"coil sensitivity maps in {MAPS_FILE}"
STEPS = "crop, whiten, compress_coils, undersample, undersample_gaussian, undersample_steps, keep_centre"


def suggest_cartesian(look: CartesianLook, path: str) -> Suggestion:
    """Total variation beside CG-SENSE and wavelets; a fully sampled scan is undersampled first."""
    items, n_coils, ky, kx = look.info.shape
    undersample = look.fully_sampled
    acs = tuple(max(1, min(ACS_WIDTH, n // 4)) for n in look.mask.shape) if undersample else look.acs
    sampled = "fully sampled" if undersample else f"undersampled, R = {look.acceleration:.2f}"
    parts = [
        head(look.info, path, f"{count(items, 'item')}, {count(n_coils, 'coil')}, {ky} x {kx}, {sampled}"),
        scan_part(look.info, path),
        _prepare(look, n_coils, acs if undersample else None),
        calibrate_part(n_coils, min(acs)),
        _methods(),
        _evaluate(look),
        REST,
    ]
    return Suggestion("\n".join(parts), MAPS_NEED if min(acs) < MIN_LOWRES_ACS else "")


def _prepare(look: CartesianLook, n_coils: int, acs: tuple[int, ...] | None) -> str:
    steps = [WHITEN] if look.can_whiten else []
    if n_coils > MANY_COILS:
        steps.append(compress(n_coils, VIRTUAL_COILS))
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
    return prepare_part(steps, STEPS)


def calibrate_part(n_coils: int, acs_width: int) -> str:
    """``calibrate`` for coil maps from a centre of ``acs_width`` samples a side."""
    if acs_width < MIN_LOWRES_ACS:
        return given_maps("The centre of k-space was not fully sampled")
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


def given_maps(why: str) -> str:
    """``calibrate`` with maps from a file, which the scan cannot give: ``why``."""
    return f"""\
calibrate: # coil sensitivity maps, sum over coils |S|^2 = 1 in the object
  # {why}, so the maps cannot
  # be found in this scan. Measure them separately (a low-resolution scan with the same coils in the same
  # place) and give the file here: complex (coil, y, x) or (item, coil, y, x), NumPy .npy or an HDF5
  # dataset named maps.
  kind: given
  path: {MAPS_FILE} # counted from this recipe's folder
"""


def _methods() -> str:
    return f"""\
reconstruct: # the method whose image is delivered; `proxflow methods` lists all of them
  method: tv # smooth regions with sharp edges
  lam: {default("tv", "lam")} # total-variation weight, relative to the zero-filled peak: more is smoother
  n_iter: {default("tv", "n_iter")} # iterations at most
  tol: {default("tv", "tol")} # stop earlier, when an iteration changes the image by less than this fraction

compare: # further methods in `proxflow compare`, with their numbers
  - method: zero_filled # missing samples are zeros: what any method must beat
  - method: cg_sense # least squares over the coils
    lam: {default("cg_sense", "lam")} # Tikhonov weight, in the same scale
    n_iter: {default("cg_sense", "n_iter")}
  - method: l1_wavelet # few wavelet coefficients
    lam: {default("l1_wavelet", "lam")} # l1 weight, in the same scale
"""


def _evaluate(look: CartesianLook) -> str:
    if look.fully_sampled:
        reference = "auto # the image from all measured samples; or scan, none"
    elif look.info.has_reference:
        reference = "scan # the image that came in the file; or none"
    else:
        reference = "none # no reference exists: trust the data residual and the held-out error below"
    return evaluate_part(
        reference,
        "psnr, ssim, nmse, hfen",
        "count pixels of the object only",
        "0.02 # samples kept from a second reconstruction that must predict them; 0 is off",
    )

"""A recipe for non-Cartesian MRI."""

from __future__ import annotations

from math import pi

from proxflow.tasks.looks.base import count
from proxflow.tasks.looks.radial import RadialLook
from proxflow.tasks.modalities.radial.calibrate import MOST_ACS
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
from proxflow.tasks.suggestions.cartesian import (
    MANY_COILS,
    MAPS_NEED,
    MIN_ESPIRIT_ACS,
    MIN_LOWRES_ACS,
    VIRTUAL_COILS,
    given_maps,
)

HELD_OUT = 0.1


def suggest_radial(look: RadialLook, path: str) -> Suggestion:
    """Total variation beside gridding and CG-SENSE."""
    items, n_coils, n_spokes, n_readout = look.info.shape
    filled = min(int(2 * n_spokes / pi), *look.geometry.matrix)
    what = f"{count(items, 'item')}, {count(n_coils, 'coil')}, {count(n_spokes, 'spoke')} of {n_readout}"
    steps = [WHITEN] if look.can_whiten else []
    if n_coils > MANY_COILS:
        steps.append(compress(n_coils, VIRTUAL_COILS))
    parts = [
        head(look.info, path, what),
        scan_part(look.info, path),
        prepare_part(steps, "whiten, compress_coils, keep_spokes"),
        _image(look),
        calibrate_part(n_coils, filled),
        _methods(look),
        _evaluate(look, n_spokes, filled),
        REST,
    ]
    return Suggestion("\n".join(parts), MAPS_NEED if filled < MIN_LOWRES_ACS else "")


def _image(look: RadialLook) -> str:
    ny, nx = look.geometry.matrix
    return f"""\
image:
  matrix: [{ny}, {nx}] # pixels (y, x) of the scan's field of view: fewer use less of k-space
"""


def calibrate_part(n_coils: int, filled: int) -> str:
    """``calibrate`` for coil maps from a centre of ``filled`` samples a side."""
    if filled < MIN_LOWRES_ACS:
        return given_maps("Too few spokes fill the centre of k-space without gaps")
    if filled < MIN_ESPIRIT_ACS:
        return f"""\
calibrate: # coil sensitivity maps, from the centre of k-space that the spokes fill without gaps
  kind: lowres # coil images of the centre over their root sum of squares: the centre, {filled} samples
               # wide, is too small for espirit
"""
    why = "one coil: its map is 1 in the object and 0 outside" if n_coils == 1 else "the usual choice"
    return f"""\
calibrate: # coil sensitivity maps, from the centre of k-space that the spokes fill without gaps
  kind: espirit # {why}; or lowres (simple), given (maps from a file)
  crop: 0.95 # maps are zero where the eigenvalue is below this: outside the object
"""


def _methods(look: RadialLook) -> str:
    density = "" if look.density is not None else (
        "    density: pipe_menon # the readouts are not straight spokes: weights by iteration\n"
    )  # fmt: skip
    return f"""\
reconstruct: # the method whose image is delivered; `proxflow methods` lists all of them
  method: tv # smooth regions with sharp edges
  lam: 0.0003 # total-variation weight, relative to the peak of A^H y: more is smoother
  n_iter: {default("tv", "n_iter")} # iterations at most
  tol: {default("tv", "tol")} # stop earlier, when an iteration changes the image by less than this fraction

compare: # further methods in `proxflow compare`, with their numbers
  - method: gridding # density-compensated adjoint: fast, streaks where spokes are few
{density}  - method: cg_sense # least squares over the coils
    lam: 0 # Tikhonov weight, in the same scale; 0 where iterations regularise enough
    n_iter: {default("cg_sense", "n_iter")} # iterations at most
"""


def _evaluate(look: RadialLook, n_spokes: int, filled: int) -> str:
    if look.info.has_reference:
        reference = "scan # the image that came in the file; or none"
    else:
        reference = "none # no reference exists: trust the data residual and the held-out error below"
    held_out = (
        f"{HELD_OUT} # of the spokes, kept from a second reconstruction that must predict them; 0 is off"
    )
    reach = max(abs(end) for axis in look.extent for end in axis)
    if n_spokes < 1 / HELD_OUT:
        held_out = "0 # of the spokes: too few to spare one"
    elif min(MOST_ACS, filled) / 2 + 1 >= reach:
        held_out = "0 # of the spokes: none reaches beyond the centre that calibrates the coil maps"
    return evaluate_part(reference, "psnr, ssim, nmse, hfen", "count pixels of the object only", held_out)

"""A recipe for X-ray tomography."""

from __future__ import annotations

from proxflow.tasks.looks.base import count
from proxflow.tasks.looks.tomography import TomographyLook
from proxflow.tasks.suggestions.base import (
    REST,
    Suggestion,
    default,
    evaluate_part,
    head,
    prepare_part,
    scan_part,
)

HELD_OUT = 0.05
STEPS = "remove_zingers, flat_field, minus_log, reduce_rings, keep_angles"
FLAT_NEED = "flat frames (and dark ones) in the scan's file: counts alone tell no attenuation"


def suggest_tomography(look: TomographyLook, path: str) -> Suggestion:
    """Filtered back-projection beside SIRT and total variation; the latter first where an arc is missing."""
    beam = look.geometry.beam
    rows = f"{count(look.n_rows, 'row')}, " if beam == "cone" else ""
    what = (
        f"{beam} beam, {count(look.info.n_items, 'item')}, {rows}{count(look.views.n, 'view')} of "
        f"{count(look.n_columns, 'column')}"
    )
    parts = [
        head(look.info, path, what),
        scan_part(look.info, path),
        prepare_part(_steps(look), STEPS),
        _image(look),
        _calibrate(look),
        _methods(look),
        _evaluate(look),
        REST,
    ]
    choices = () if look.axis_known else ("the column of the axis of rotation (calibrate.axis_column)",)
    return Suggestion("\n".join(parts), FLAT_NEED if look.attenuation is None else "", choices)


def _steps(look: TomographyLook) -> list[str]:
    if look.info.quantity == "transmission":
        return ["  - kind: minus_log # transmission I / I0 to attenuation"]
    if look.info.quantity == "attenuation":
        return []
    return [
        "  - kind: remove_zingers # single bright pixels, hit by stray photons\n"
        "    threshold: 0.08 # relative step to the neighbours' median from which one is replaced",
        "  - kind: flat_field # counts to attenuation, with the scan's own dark and flat frames",
        "  - kind: reduce_rings # even out columns that read too high or low\n"
        "    size: 21 # columns of the median filter: about the widest stripe",
    ]


def _image(look: TomographyLook) -> str:
    unit, told = (
        ("mm", "") if look.tells_size else ("columns", ": the file tells no sizes, each counts as 1 mm")
    )
    ny, nx = _matrix(look)
    planes, of = (f"{look.n_rows}, ", "voxels (z, y, x)") if look.n_rows > 1 else ("", "pixels (y, x)")
    pixel = _pixel_mm(look)
    across = f"{nx * pixel:.4g} {unit} across, centred on the axis"
    return f"""\
image: # the default: a detector column at the axis for each pixel
  matrix: [{planes}{ny}, {nx}] # {of}: {across}
  voxel_mm: {pixel:.5g} # {unit}{told}
"""


def _matrix(look: TomographyLook) -> tuple[int, int]:
    """As the reference has it, so that it can be compared with; else as many pixels as columns."""
    return look.reference if _has_grid(look) and look.reference else (look.n_columns, look.n_columns)


def _pixel_mm(look: TomographyLook) -> float:
    return look.image_pixel_mm if _has_grid(look) and look.image_pixel_mm else look.pixel_mm


def _has_grid(look: TomographyLook) -> bool:
    return look.reference is not None and look.image_pixel_mm is not None and look.n_rows == 1


def _calibrate(look: TomographyLook) -> str:
    if not look.axis_known:
        return f"""\
calibrate: # onto which detector column the axis of rotation projects
  kind: rotation
  # Neither the file nor the sinogram settles it: this is the middle of the detector. A wrong column makes
  # arcs beside every edge; try others with --set calibrate.axis_column=...
  axis_column: {look.axis_column:.6g} # counted from 0, fractions allowed
"""
    return f"""\
calibrate: # onto which detector column the axis of rotation projects
  kind: rotation # column {look.axis_column:.2f}, {look.axis_source}; axis_column: sets another
"""


def _methods(look: TomographyLook) -> str:
    direct = [
        f"method: {'fdk' if look.geometry.beam == 'cone' else 'fbp'} "
        "# filtered back-projection: fast; streaks where views are few or an arc is missing",
        "window: shepp-logan # low-pass on the ramp filter: ramp is sharper, cosine and hann are smoother",
    ]
    sirt = [
        "method: sirt # stopping early regularises",
        f"n_iter: {default('sirt', 'n_iter')} # iterations",
    ]
    tv = [
        "method: tv # smooth regions with sharp edges: for few views or a missing arc",
        "lam: 0.001 # total-variation weight, relative to the peak of A^T y: more is smoother",
        f"n_iter: {default('tv', 'n_iter')} # iterations at most",
        "nonnegative: true # attenuation has no negative values",
    ]
    delivered, *others = (tv, direct, sirt) if look.views.misses_an_arc else (direct, sirt, tv)
    compared = "".join("  - " + "\n    ".join(lines) + "\n" for lines in others)
    return (
        "reconstruct: # the method whose image is delivered; `proxflow methods` lists all of them\n  "
        + "\n  ".join(delivered)
        + "\n\ncompare: # further methods in `proxflow compare`, with their numbers\n"
        + compared
    )


def _evaluate(look: TomographyLook) -> str:
    if look.reference is not None and look.reference == _matrix(look) and look.n_rows == 1:
        reference = "scan # the image that came in the file; or none"
    else:
        reference = "none # no reference exists: trust the data residual and the held-out error below"
    held_out = (
        f"{HELD_OUT} # of the views, kept from a second reconstruction that must predict them; 0 is off"
    )
    if look.views.n < 1 / HELD_OUT:
        held_out = "0 # of the views: too few to spare one"
    return evaluate_part(reference, "psnr, ssim, nmse", "the disc that every view sees", held_out)

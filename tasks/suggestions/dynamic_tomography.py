"""A recipe for dynamic tomography."""

from __future__ import annotations

from proxflow.tasks.looks.base import count
from proxflow.tasks.looks.dynamic_tomography import DynamicTomographyLook
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
FEWEST_VIEWS = 20  # from which on views can be spared
FUNCTIONS = 7  # temporal functions at most


def suggest_dynamic_tomography(look: DynamicTomographyLook, path: str) -> Suggestion:
    """RED-PSM beside the same model without a denoiser, a static image and frame-wise total variation."""
    n_frames, n_views, n_columns = look.samples.shape
    what = (
        f"{count(look.info.n_items, 'series', 'series')}, {count(n_frames, 'frame')} of "
        f"{count(n_views, 'view')} of {count(n_columns, 'column')}"
    )
    parts = [
        head(look.info, path, what),
        scan_part(look.info, path),
        prepare_part([], "keep_frames"),
        _image(look),
        _calibrate(look),
        _methods(n_frames),
        _evaluate(look),
        REST,
    ]
    told = look.geometry.axis_column is not None or look.geometry.centre == "pixel"
    choices = () if told else ("the column of the axis of rotation (calibrate.axis_column)",)
    return Suggestion("\n".join(parts), choices=choices)


def _image(look: DynamicTomographyLook) -> str:
    n_columns, pixel = look.samples.shape[-1], look.pixel_mm
    ny, nx = look.reference if _has_grid(look) and look.reference else (n_columns, n_columns)
    size = look.image_pixel_mm if _has_grid(look) and look.image_pixel_mm else pixel
    unit, told = (
        ("mm", "") if look.tells_size else ("columns", ": the file tells no sizes, each counts as 1 mm")
    )
    return f"""\
image: # of every frame; the default: a detector column for each pixel
  matrix: [{ny}, {nx}] # pixels (y, x): {nx * size:.4g} {unit} across
  voxel_mm: {size!r} # {unit}{told}
"""


def _has_grid(look: DynamicTomographyLook) -> bool:
    return look.reference is not None and look.image_pixel_mm is not None


def _calibrate(look: DynamicTomographyLook) -> str:
    if look.geometry.axis_column is None and look.geometry.centre == "middle":
        return f"""\
calibrate: # onto which detector column the axis of rotation projects
  kind: frame_rotation # of a series
  # The file does not tell: this is the middle of the detector. A wrong column makes arcs beside every edge;
  # try others with --set calibrate.axis_column=...
  axis_column: {look.axis_column:.6g} # adapt it: counted from 0, fractions allowed
"""
    return f"""\
calibrate: # onto which detector column the axis of rotation projects, and how projections are modelled
  kind: frame_rotation # column {look.axis_column:.2f}, {look.axis_source}; axis_column: sets another
  model: auto # joseph, or bilinear as skimage.transform.radon sums; auto: as the file's images are centred
"""


def _methods(n_frames: int) -> str:
    functions = max(1, min(FUNCTIONS, n_frames // 2))
    return f"""\
reconstruct: # the method whose images are delivered; `proxflow methods` lists all of them
  method: red_psm # few images times few functions of time, its frames denoised
  n_functions: {functions} # how many of them: more follow faster changes, and more noise
  n_knots: null # numbers that make up each function of time: as many as predict held-out views best
  denoiser: {default("red_psm", "denoiser")} # or tv, or a file of weights
  n_iter: {default("red_psm", "n_iter")} # iterations at most: views held out tell when to stop

compare: # further methods in `proxflow compare`, with their numbers
  - method: psm # the same without a denoiser
    n_functions: {functions} # as above
  - method: static # one image for all frames: what it misses is motion
    nonnegative: true # attenuation has no negative values
  - method: framewise_tv # every frame on its own
    nonnegative: true # as above
"""


def _evaluate(look: DynamicTomographyLook) -> str:
    if look.reference is not None:
        reference = "scan # the images that came in the file; or none"
    else:
        reference = "none # no reference exists: trust the data residual and the held-out error below"
    held_out = (
        f"{HELD_OUT} # of the views, kept from a second reconstruction that must predict them; 0 is off"
    )
    if look.views.n < FEWEST_VIEWS:
        held_out = "0 # of the views: too few to spare one"
    return evaluate_part(reference, "psnr, ssim, nmse, hfen", "the disc that every view sees", held_out)

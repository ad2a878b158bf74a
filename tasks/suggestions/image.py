"""A recipe for still pictures."""

from __future__ import annotations

from proxflow.configs.prepare_image import Blur
from proxflow.tasks.looks.image import ImageLook
from proxflow.tasks.suggestions.base import (
    REST,
    Suggestion,
    default,
    evaluate_part,
    head,
    scan_part,
)

MEASURED = "how the picture was blurred (prepare.sigma)"


def suggest_image(look: ImageLook, path: str) -> Suggestion:
    """The picture is blurred, and total variation finds it again beside least squares and wavelets."""
    ny, nx = look.picture.shape
    n_items = look.info.n_items
    what = f"{n_items} picture{'s' * (n_items > 1)} of {ny} x {nx} pixels"
    held_out = (
        "0.02 # of the measurements, kept from a second reconstruction that must predict them; 0 is off"
    )
    parts = [
        head(look.info, path, what),
        scan_part(look.info, path),
        _prepare(),
        _methods(),
        evaluate_part("auto # the picture itself", "psnr, ssim, nmse", "every pixel", held_out),
        REST,
    ]
    return Suggestion("\n".join(parts), "", (MEASURED,))


def _prepare() -> str:
    sigma, noise = (Blur.model_fields[name].default for name in ("sigma", "noise"))
    return f"""\
prepare: # how the picture was measured, once; before it perhaps `crop`, with `matrix: [y, x]`
  - kind: blur # blurred here, the picture being the reference; one that is blurred already: kind: blurred,
               # with its sigma; random combinations of pixels: kind: circulant_sensing, with a ratio
    sigma: {sigma:g} # adapt it: standard deviation of the Gaussian in pixels
    noise: {noise:g} # standard deviation, relative to the picture's peak
"""


def _methods() -> str:
    return f"""\
reconstruct: # the method whose image is delivered; `proxflow methods` lists all of them
  method: tv # smooth regions with sharp edges
  lam: {default("tv", "lam")} # total-variation weight, relative to the peak of A^T y: more is smoother
  n_iter: {default("tv", "n_iter")} # iterations at most

compare: # further methods in `proxflow compare`, with their numbers
  - method: cgls # least squares, stopping early regularises
    n_iter: {default("cgls", "n_iter")} # iterations: more are sharper and noisier
  - method: l1_wavelet # few wavelet coefficients
    lam: {default("l1_wavelet", "lam")} # relative to the peak of A^T y
"""

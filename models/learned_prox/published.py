"""Numbers of the published experiments with learned proximal networks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedRun:
    """ADMM with h = s ||A x - y||^2, for images of 0 to 1 and operators that are not scaled to norm 1.

    box: whether a second splitting keeps the image within 0 to 1. start: the first image.
    """

    s: float
    rho: float
    n_iter: int
    start: str
    box: bool = False


# Source: the code of Fang, Buchanan & Sulam, ICLR 2024. L_h = 2 s ||A||^2 is 1 to 4 for deblurring and 3.6 or
# 7 for compressed sensing: none of these has rho > L_h, which their theorem asks for.
PUBLISHED = {
    "deblur-1-0.02": PublishedRun(0.5, 0.1, 20, "A^T y"),
    "deblur-1-0.04": PublishedRun(0.5, 0.1, 20, "A^T y"),
    "deblur-2-0.02": PublishedRun(2.0, 0.1, 20, "A^T y"),
    "deblur-2-0.04": PublishedRun(0.5, 0.1, 20, "A^T y"),
    "ct-sparse-view": PublishedRun(1e-4, 0.05, 15, "fbp"),
    "compressed-sensing": PublishedRun(1.0, 0.05, 80, "least squares", box=True),
}
PUBLISHED_ETA, PUBLISHED_PGD_STEPS = 2.0, 20  # of deblurring by proximal gradient descent, with a box

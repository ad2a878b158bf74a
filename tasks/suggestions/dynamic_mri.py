"""A recipe for dynamic MRI."""

from __future__ import annotations

from math import pi

from proxflow.tasks.looks.base import count
from proxflow.tasks.looks.dynamic_mri import DynamicMriLook
from proxflow.tasks.suggestions import cartesian, radial
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
    ACS_WIDTH,
    MANY_COILS,
    MAPS_NEED,
    MIN_LOWRES_ACS,
    VIRTUAL_COILS,
)

STEPS = "whiten, compress_coils, undersample_frames on a grid, bin_spokes and keep_spokes of spokes"
HELD_OUT = 0.05
FUNCTIONS = 7  # temporal functions at most
SPOKES_A_FRAME = 5


def suggest_dynamic_mri(look: DynamicMriLook, path: str) -> Suggestion:
    """RED-PSM beside PSM, low-rank plus sparse, and every frame by itself; frames sampled in full are
    undersampled first."""
    items, n_frames, n_coils, *plane = look.info.shape
    how = f"{plane[0]} x {plane[1]}" if look.trajectory is None else f"{count(plane[0], 'spoke')} a frame"
    what = f"{count(items, 'series', 'series')}, {count(n_frames, 'frame')}, {count(n_coils, 'coil')}, {how}"
    width = _centre(look)
    calibrate = cartesian if look.trajectory is None else radial
    maps = GIVEN if look.info.has_maps else calibrate.calibrate_part(n_coils, width)
    parts = [
        head(look.info, path, what),
        scan_part(look.info, path),
        prepare_part(_steps(look, n_coils), STEPS),
        maps,
        _methods(n_frames),
        _evaluate(look),
        REST,
    ]
    needs = MAPS_NEED if width < MIN_LOWRES_ACS and not look.info.has_maps else ""
    return Suggestion("\n".join(parts), needs)


def _centre(look: DynamicMriLook) -> int:
    """Samples a side of the centre of k-space from which coil maps can be calibrated."""
    if look.trajectory is not None:
        return min(int(2 * look.mask.sum() / pi), *look.geometry.matrix)
    if look.fully_sampled:
        return max(1, min(ACS_WIDTH, *(n // 4 for n in look.mask.shape[1:])))
    return min(look.acs)


def _steps(look: DynamicMriLook, n_coils: int) -> list[str]:
    steps = [WHITEN] if look.can_whiten else []
    if n_coils > MANY_COILS:
        steps.append(compress(n_coils, VIRTUAL_COILS))
    if look.fully_sampled:
        acs = [max(1, min(ACS_WIDTH, n // 4)) for n in look.mask.shape[1:]]
        steps.append(
            "  - kind: undersample_frames # every sample was measured: drop some of each frame, to see what\n"
            "                             # a faster scan would give, judged against the frames from all\n"
            "                             # of them. Remove this step to reconstruct from everything.\n"
            "    pattern: poisson_disc # or variable_density, and random_lines, uniform_lines along kx\n"
            "    acceleration: 4 # all samples over kept samples, met exactly\n"
            f"    acs: {acs} # fully kept centre (ky, kx): coil maps are calibrated from it\n"
            "    seed: 1 # of the first frame's pattern; the second has the next seed, and so on"
        )
    if look.trajectory is not None and len(look.mask) == 1:
        n = min(SPOKES_A_FRAME, look.mask.shape[1])
        steps.append(
            "  - kind: bin_spokes # cut the spokes, in the order measured, into frames\n"
            f"    spokes_per_frame: {n} # fewer resolve time more finely, and each frame less well"
        )
    return steps


def _methods(n_frames: int) -> str:
    functions = max(1, min(FUNCTIONS, n_frames // 2))
    return f"""\
reconstruct: # the method whose images are delivered; `proxflow methods` lists all of them
  method: red_psm # few images times few functions of time, its frames denoised
  n_functions: {functions} # how many of them: more follow faster changes, and more noise
  n_knots: null # numbers that make up each function of time: as many as predict held-out samples best
  denoiser: dncnn-mri # a network trained on static images; or tv, or a file of weights
  n_iter: {default("red_psm", "n_iter")} # iterations at most: views held out tell when to stop

compare: # further methods in `proxflow compare`, with their numbers
  - method: psm # the same without a denoiser
    n_functions: {functions}
  - method: low_rank_sparse # a background that changes slowly, and what moves before it
  - method: framewise_cg_sense # every frame by itself
"""


def _evaluate(look: DynamicMriLook) -> str:
    if look.info.has_reference:
        reference = "scan # the images that came in the file; or none"
    elif look.fully_sampled:
        reference = "fully_sampled # the frames from all that was measured"
    else:
        reference = "none # no reference exists: trust the data residual and the held-out error below"
    what = "of the spokes" if look.trajectory is not None else "of the samples"
    held_out = f"{HELD_OUT} # {what}, kept from a second reconstruction that must predict them; 0 is off"
    return evaluate_part(reference, "psnr, ssim, nmse, hfen", "count pixels of the object only", held_out)


GIVEN = """\
calibrate: # coil sensitivity maps
  kind: given # those that came with the scan; or espirit, lowres (found in it), given with a path to a file
"""

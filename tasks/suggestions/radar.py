"""A recipe for near-field radar."""

from __future__ import annotations

import numpy as np

from proxflow.tasks.looks.base import count
from proxflow.tasks.looks.radar import RadarLook
from proxflow.tasks.suggestions.base import (
    REST,
    Suggestion,
    default,
    evaluate_part,
    head,
    prepare_part,
    scan_part,
)
from proxflow.tasks.suggestions.radar_box import Box, guess_box, shortest_wavelength_m

MANY_FREQUENCIES, FREQUENCIES = 40, 30
HELD_OUT = 0.1
SLACK = 1.5  # of the unambiguous range over the box, for reflections from beyond it
METRES_FROM_MM = 1e4  # a longer box is told in metres
DENSEST = 9.0  # permittivity that the frequencies kept allow for


def suggest_radar(look: RadarLook, path: str) -> Suggestion:
    """Back-projection beside Kirchhoff migration (where it fits the array) and l1."""
    box = guess_box(look)
    n_pairs = len(look.geometry.pairs)
    what = f"{count(look.info.n_items, 'scene')}, {_channels(look)}, {_frequencies(look)}"
    parts = [
        head(look.info, path, what),
        scan_part(look.info, path),
        prepare_part(_steps(look, box), "subtract_background, keep_frequencies"),
        _image(look, box),
        _calibrate(look),
        _methods(look),
        _evaluate(n_pairs),
        REST,
    ]
    choices = ["where the scene is and how fine (image)"]
    if look.antennas.arrangement != "flown past":
        choices.append("the permittivity of the medium (calibrate.relative_permittivity)")
    return Suggestion("\n".join(parts), "", tuple(choices))


def _channels(look: RadarLook) -> str:
    n_pairs = len(look.geometry.pairs)
    if look.antennas.monostatic:
        return f"{count(n_pairs, 'place')} of one antenna"
    return f"{count(n_pairs, 'pair')} of antennas"


def _frequencies(look: RadarLook) -> str:
    frequencies = look.geometry.frequencies_hz / 1e9
    if len(frequencies) == 1:
        return f"one frequency of {frequencies[0]:.4g} GHz"
    return f"{len(frequencies)} frequencies from {frequencies[0]:.4g} to {frequencies[-1]:.4g} GHz"


def _steps(look: RadarLook, box: Box) -> list[str]:
    steps = []
    if look.background is not None:
        steps.append(
            "  - kind: subtract_background # the scan without the target, or turned, that came along"
        )
    available, wanted = len(look.geometry.frequencies_hz), _frequencies_needed(look, box)
    if available > MANY_FREQUENCIES and wanted < available:
        steps.append(
            f"  - kind: keep_frequencies # of {available}: fewer are faster and see less far\n"
            f"    n_frequencies: {wanted} # enough for the box below"
        )
    return steps


def _frequencies_needed(look: RadarLook, box: Box) -> int:
    """About 30, more where the box, or the way to it and back, would not fit the unambiguous range.

    The step kept is a multiple of the scan's, as ``keep_frequencies`` takes it.
    """
    available = len(look.geometry.frequencies_hz)
    stride = max(1, (available - 1) // (FREQUENCIES - 1))
    if look.unambiguous_m is not None:
        stride = min(stride, max(1, int(look.unambiguous_m / (SLACK * _depth_m(look, box)))))
    return (available - 1) // stride + 1


def _depth_m(look: RadarLook, box: Box) -> float:
    """Range in air that the box takes; in a medium waves are slower."""
    diagonal = float(np.linalg.norm(np.array(box.matrix) * box.voxel_mm / 1e3))
    if look.antennas.arrangement == "flown past":
        return diagonal
    return diagonal * float(np.sqrt(DENSEST))


def _image(look: RadarLook, box: Box) -> str:
    nz, ny, nx = box.matrix
    scale, unit = (1e-3, "m") if max(box.matrix) * box.voxel_mm >= METRES_FROM_MM else (1, "mm")
    sizes = " x ".join(f"{n * box.voxel_mm * scale:.4g}" for n in box.matrix)
    z, y, x = box.centre_mm
    wavelength = shortest_wavelength_m(look) * 1e3
    if look.antennas.arrangement == "flown past":
        how = "the range resolution on the ground"
    else:
        how = (
            f"a quarter of the shortest wavelength or less ({wavelength:.4g} mm in air, shorter in a medium)"
        )
    return f"""\
image: # adapt it: no scan tells where the scene is. This is a guess from the antennas:
  # {box.text}
  matrix: [{nz}, {ny}, {nx}] # voxels (z, y, x): {sizes} {unit}
  voxel_mm: {box.voxel_mm:.4g} # {how}
  centre_mm: [{z:g}, {y:g}, {x:g}] # of the box (z, y, x), in the antennas' coordinates
"""


def _calibrate(look: RadarLook) -> str:
    if look.antennas.arrangement == "flown past":
        return """\
calibrate: # how waves travel between antennas and scene
  kind: medium # its numbers set how fast waves are, and how they fade
  relative_permittivity: 1 # air
  amplitude: none # the loss with distance hardly differs over the scene; or spreading
"""
    return """\
calibrate: # how waves travel between antennas and scene
  kind: medium # its numbers set how fast waves are, and how they fade
  relative_permittivity: 1 # adapt it: 1 is air, about 2 to 3 plastics, 4 to 10 fat or dry sand, 80 water
  amplitude: spreading # loss with distance, 1 / (4 pi d_T d_R); or none
"""


def _methods(look: RadarLook) -> str:
    antennas = look.antennas
    kirchhoff = ""
    if antennas.arrangement == "in front" and antennas.planar and antennas.normal_axis == 2:
        kirchhoff = (
            "  - method: kirchhoff # migration with the wave equation's weights, for an array across z\n"
        )
    return f"""\
reconstruct: # the method whose image is delivered; `proxflow methods` lists all of them
  method: back_projection # delay and sum: every sample back to where its wave may have come from

compare: # further methods in `proxflow compare`, with their numbers
{kirchhoff}  - method: l1 # few bright voxels
    epsilon: {default("l1", "epsilon")} # data residual allowed, relative to the data's norm
    alpha: {default("l1", "alpha")} # soft threshold, relative to the peak of the first image
    n_iter: {default("l1", "n_iter")} # iterations at most
"""


def _evaluate(n_pairs: int) -> str:
    held_out = (
        f"{HELD_OUT} # of the pairs, kept from a second reconstruction that must predict them; 0 is off"
    )
    if n_pairs < 1 / HELD_OUT:
        held_out = "0 # of the pairs of antennas: too few to spare one"
    reference = "none # no reference exists: trust the data residual and the held-out error below"
    return evaluate_part(reference, "psnr, ssim, nmse", "every voxel", held_out)

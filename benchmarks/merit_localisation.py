"""Where a tumour of a measured breast phantom is imaged, and how far it stands out of the clutter.

    python -m benchmarks.merit_localisation DATA [--denoisers tv FILE]

DATA is the folder with B0_P3_p000.csv and the tables beside it.

The MERIT toolbox (github.com/EMFMed/MERIT, getting_started.m) states where the tumours are: P3, of 11 mm
diameter, at (15, 0, 35) mm, and P5, of 20 mm, at (15, 0, 30) mm. Three media, none of which has seen the
place that is judged:

* guide: relative permittivity 8 and no delay in the antennas, as the toolbox's guide has it;
* focus: the two numbers at which one point in the scan explains most of its energy;
* other: at which a point in the middle of the other phantom's tumour explains most of the other scan.

The numbers of a method are those of the smallest error on pairs of antennas withheld. Printed: the place of
the largest magnitude (parabolas through its neighbours), its distance from the stated middle, the ratio of
the largest magnitudes within and outside the tumour's radius + 10 mm (S/C), and of the largest within to the
mean of the image (S/M), both as 20 log10, inside a hemisphere of 66 mm. Where the array's turn is not
modelled, every echo has a ghost that counts as clutter.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxflow.data.radar_cube import RadarCube
from proxflow.data.readers.merit import MeritScan
from proxflow.operators.base import Scaled
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.operator_norm import operator_norm
from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.operators.wave_phasors import SPEED_OF_LIGHT
from proxflow.tasks.methods import METHODS, method_function
from proxflow.tasks.modalities.radar.calibrate import operator_of
from proxflow.tasks.volume_networks import open_level_denoiser


class Tumour(NamedTuple):
    """As the source of the data states it: middle (x, y, z) and radius, mm."""

    middle: tuple[float, float, float]
    radius: float


class Medium(NamedTuple):
    permittivity: float
    path_m: float  # in air, inside the antennas


TUMOURS = {"P3": Tumour((15, 0, 35), 5.5), "P5": Tumour((15, 0, 30), 10)}
GUIDE = Medium(8.0, 0.0)
MEDIA = [Medium(0.5 * e, 0.01 * n) for e in range(8, 23) for n in range(-2, 13)]
TURN = 36.0  # of the array at the second scan, degrees
FREQUENCIES = slice(None, None, 4)  # steps of 160 MHz: paths of 0.66 m apart in the medium look alike
GRID = VoxelGrid((16, 29, 29), (0.004, 0.004, 0.004), (0.032, 0, 0))
HEMISPHERE_MM, MARGIN_MM = 66.0, 10.0
L1: list[dict[str, Any]] = [{"alpha": 0.1, "n_iter": 50, "epsilon": e} for e in (0.85, 0.9, 0.95)]
PNP: list[dict[str, Any]] = [
    {"kappa": kappa, "sigma": 0.1, "epsilon": 0.9, "n_iter": 20} for kappa in (0.013, 0.3, 3)
]


def operator(
    cube: RadarCube, medium: Medium, turn: float | None, pairs: Tensor | None = None
) -> NearFieldMimo:
    """The forward model of the difference of two scans, with the second's echoes if ``turn`` is given."""
    arrays = {
        "transmitters_m": cube.geometry.transmitters_m,
        "receivers_m": cube.geometry.transmitters_m,
        "pairs": cube.geometry.pairs,
        "frequencies_hz": cube.geometry.frequencies_hz[FREQUENCIES],
    }
    antennas = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if turn is not None:
        antennas["turned_degrees"] = torch.tensor(turn)
    numbers = {
        "amplitude": "none",
        "relative_permittivity": medium.permittivity,
        "antenna_path_mm": 1e3 * medium.path_m,
    }
    return operator_of(antennas, GRID, numbers, pairs)


def difference(cube: RadarCube) -> Tensor:
    """complex64 (frequency, pair): the scan less the scan by the turned array."""
    assert cube.background is not None
    return torch.from_numpy((cube.samples - cube.background)[0][FREQUENCIES]).to(torch.complex64)


def explained(cube: RadarCube, medium: Medium, points_m: Tensor) -> Tensor:
    """The share of a scan's energy that one point at each of ``points_m`` explains, its strength fitted."""
    y, k = difference(cube), 2 * math.pi * cube.geometry.frequencies_hz[FREQUENCIES] / SPEED_OF_LIGHT
    antennas, pairs = torch.from_numpy(cube.geometry.transmitters_m), torch.from_numpy(cube.geometry.pairs)
    cos, sin = math.cos(math.radians(TURN)), math.sin(math.radians(TURN))
    seen_turned = points_m @ torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=torch.float64)
    now, step = [], []  # conjugate phasors of the echo at this frequency, and to the next
    for points in (points_m, seen_turned):
        d = torch.cdist(points, antennas)
        path = math.sqrt(medium.permittivity) * (d[:, pairs[:, 0]] + d[:, pairs[:, 1]]) + medium.path_m
        now.append(_phasors(k[0] * path))
        step.append(_phasors((k[1] - k[0]) * path))
    matched, energy = torch.zeros(len(points_m), dtype=torch.complex64), torch.zeros(len(points_m))
    for row in y:
        echo = now[0] - now[1]
        matched += echo @ row
        energy += torch.view_as_real(echo).square().sum((1, 2))
        now = [phasors.mul_(factor) for phasors, factor in zip(now, step, strict=True)]
    return matched.abs().square() / (energy * y.abs().square().sum())


def _phasors(angle: Tensor) -> Tensor:
    return torch.polar(torch.ones_like(angle), angle).to(torch.complex64)


def focused(cube: RadarCube) -> Medium:
    """The medium in which a single point explains most."""
    grid = VoxelGrid((14, 18, 18), (0.004, 0.004, 0.004), (0.032, 0, 0))
    points = grid.positions()
    points = points[points.norm(dim=1) * 1e3 < HEMISPHERE_MM]
    return max(MEDIA, key=lambda medium: float(explained(cube, medium, points).max()))


def calibrated_on(cube: RadarCube, tumour: Tumour) -> Medium:
    """The medium in which a point in the middle of a known tumour explains most."""
    middle = torch.tensor([tumour.middle], dtype=torch.float64) / 1e3
    return max(MEDIA, key=lambda medium: float(explained(cube, medium, middle)))


def reconstructed(name: str, model: NearFieldMimo, y: Tensor, **numbers: Any) -> Tensor:
    """The image of one method, in the unit in which the model meets the data."""
    if METHODS[name].direct:
        return method_function(name)(model, y).image
    norm = 1.02 * float(operator_norm(model, n_iter=15, tol=1e-3))
    return method_function(name)(Scaled(model, 1 / norm), y, tol=5e-4, **numbers).image / norm


def chosen(name: str, cube: RadarCube, medium: Medium, tried: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the numbers tried those with the smallest error on a tenth of the pairs, withheld."""
    y = difference(cube)
    order = torch.randperm(y.shape[1], generator=torch.Generator().manual_seed(0))
    held, kept = order[: len(order) // 10], order[len(order) // 10 :]
    given, withheld = (operator(cube, medium, TURN, pairs) for pairs in (kept, held))

    def error(numbers: dict[str, Any]) -> float:
        return float(
            (withheld.forward(reconstructed(name, given, y[:, kept], **numbers)) - y[:, held]).norm()
        )

    return min(tried, key=error)


def judged(image: Tensor, tumour: Tumour) -> str:
    """Place of the peak and distance in mm, S/C and S/M in dB."""
    points = GRID.positions() * 1e3
    inside = points.norm(dim=1) < HEMISPHERE_MM
    peak = _peak(image.abs() * inside.view(GRID.shape))
    points, magnitude = points[inside], image.abs().flatten()[inside]
    middle = torch.tensor(tumour.middle, dtype=torch.float64)
    at = (points - middle).norm(dim=1) <= tumour.radius + MARGIN_MM
    signal = magnitude[at].max()
    clutter, mean = (20 * math.log10(signal / other) for other in (magnitude[~at].max(), magnitude.mean()))
    place = ", ".join(f"{value:.0f}" for value in peak.tolist())
    return f"({place})".ljust(15) + f"{float((peak - middle).norm()):6.1f}{clutter:8.1f}{mean:8.1f}"


def _peak(magnitude: Tensor) -> Tensor:
    """(x, y, z) of the largest value, mm, float64, between voxels by a parabola along each axis."""
    index = torch.unravel_index(magnitude.argmax(), magnitude.shape)
    place = []
    for axis, (centre, positions) in enumerate(zip(index, GRID.axes(), strict=True)):
        line = magnitude[tuple(slice(None) if a == axis else i for a, i in enumerate(index))].double()
        shift = 0.0
        if 0 < int(centre) < len(line) - 1:
            before, at, after = line[int(centre) - 1 : int(centre) + 2].tolist()
            curvature = before - 2 * at + after
            shift = 0.5 * (before - after) / curvature if curvature else 0.0
        place.append(float(positions[centre]) * 1e3 + shift * GRID.voxel_m[axis] * 1e3)
    return torch.tensor(place[::-1], dtype=torch.float64)


def rows(cubes: dict[str, RadarCube], denoisers: list[str]) -> Iterator[str]:
    """Header and one line per scan, medium and method."""
    yield (
        f"{'scan':5}{'medium':7}{'eps':>5}{'mm':>5} {'method':28}{'peak (x, y, z)':15}{'off mm':>6}"
        f"{'S/C dB':>8}{'S/M dB':>8}{'s':>6}  numbers"
    )
    for scan, cube in cubes.items():
        other = next(name for name in cubes if name != scan)
        media = {
            "guide": GUIDE,
            "focus": focused(cube),
            "other": calibrated_on(cubes[other], TUMOURS[other]),
        }
        for where, medium in media.items():
            start = f"{scan:5}{where:7}{medium.permittivity:5.1f}{medium.path_m * 1e3:5.0f} "
            tumour = TUMOURS[scan]
            yield start + row("back_projection, no turn", "back_projection", cube, medium, tumour, turn=None)
            yield start + row("back_projection", "back_projection", cube, medium, tumour)
            yield start + row("l1", "l1", cube, medium, tumour, tried=L1)
            for name in denoisers:
                tried = [numbers | {"denoiser": open_level_denoiser(name)} for numbers in PNP]
                label = f"pnp_magnitude, {name}"
                yield start + row(label, "pnp_magnitude", cube, medium, tumour, tried=tried)


def row(
    label: str,
    name: str,
    cube: RadarCube,
    medium: Medium,
    tumour: Tumour,
    *,
    turn: float | None = TURN,
    tried: list[dict[str, Any]] | None = None,
) -> str:
    """One method's line."""
    numbers = chosen(name, cube, medium, tried) if tried else {}
    model, y = operator(cube, medium, turn), difference(cube)
    started = time.perf_counter()
    image = reconstructed(name, model, y, **numbers)
    seconds = time.perf_counter() - started
    said = ", ".join(f"{key} {value:g}" for key, value in numbers.items() if key != "denoiser")
    return f"{label:28}{judged(image, tumour)}{seconds:6.1f}  {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with the toolbox's tables")
    parser.add_argument("--denoisers", nargs="*", default=["tv"], help="of pnp_magnitude")
    asked = parser.parse_args()
    cubes = {scan: MeritScan(asked.data / f"B0_{scan}_p000.csv").read() for scan in TUMOURS}
    for line in rows(cubes, asked.denoisers):
        print(line, flush=True)


if __name__ == "__main__":
    main()

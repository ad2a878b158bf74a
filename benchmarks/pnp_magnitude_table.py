"""Methods for near-field MIMO imaging on scenes that no training saw: the tables of
docs/methods/pnp-magnitude.md.

    python -m benchmarks.pnp_magnitude_table --tune                  chooses numbers: hours
    python -m benchmarks.pnp_magnitude_table [--pictures FOLDER]     the tables: hours
    python -m benchmarks.pnp_magnitude_table --scenes 4 --cells 20:30,5:10

12 x 13 antennas on the diagonals of a square, 5, 10 and 20 frequencies of 4 to 16 GHz, 10, 20 and 30 dB; 50
held-out scenes of 49 x 25 x 25 voxels with random phases. Judged are magnitudes divided by their maximum.
The noise norm that data may miss is the true one for l1, TV and plug-and-play alike, as in the paper; one
more row has it estimated, on fewer scenes. Numbers were chosen on twelve other scenes at 20 dB for each
number of frequencies, and serve at every noise level (`benchmarks/pnp_magnitude_numbers.json`). What is done
is kept in the file, so that an interrupted run goes on; figures of a method with other numbers or weights are
made anew. Scenes are solved some at a time: the factor of the least squares is made once for all of them.
Seconds are those that the processor worked, per scene.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks.kept_figures import KeptFigures
from benchmarks.magnitude_contenders import ESTIMATED, METHODS, PNP, Networks, solved
from benchmarks.magnitude_figures import magnitude_figures, normalised
from benchmarks.magnitude_pictures import sheet
from benchmarks.magnitude_scenes import CELLS, Cell, posed
from benchmarks.pnp_magnitude_tuning import chosen, tune

FIRST = 100  # of the held-out scenes
NUMBERS = Path(__file__).with_name("pnp_magnitude_numbers.json")
EMPTY = "empty image"
ROWS = (EMPTY, *METHODS, ESTIMATED)
COLUMNS = {
    "psnr": ("PSNR, dB", 2),
    "target": ("PSNR on the dilated target, dB", 2),
    "ssim": ("SSIM", 3),
    "seconds": ("CPU seconds per scene", 1),
}


def main() -> None:
    asked = _asked()
    torch.set_num_threads(asked.threads)
    networks, numbers = Networks(asked.denoiser, asked.deep2s), KeptFigures(asked.numbers)
    if asked.tune:
        tune(numbers, asked.cells, asked.methods, networks)
        return
    kept = KeptFigures(asked.out)
    for cell in asked.cells:
        for method in asked.methods:
            n = min(asked.scenes, asked.estimated_scenes) if method == ESTIMATED else asked.scenes
            weights = networks.weights(method)
            own = chosen(numbers.content, cell, PNP if method == ESTIMATED else method, weights)
            entry = _entry(kept, cell, method, {"numbers": own, "weights": weights})
            for start, count in missing_batches(entry["scenes"], n, asked.batch):
                entry["scenes"].update(_judged(cell, method, start, count, own, networks))
                kept.save()
                print(f"{cell} {method}: {len(entry['scenes'])} of {n}", file=sys.stderr, flush=True)
    print("\n\n".join(tables(kept.content, asked.cells, asked.scenes)))
    if asked.pictures:
        _write_pictures(asked.pictures, asked.cells[0], numbers.content, asked.methods, networks)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names, networks = [*METHODS, ESTIMATED], Networks()
    parser.add_argument("--out", type=Path, default=Path("pnp-magnitude-table.json"))
    parser.add_argument("--numbers", type=Path, default=NUMBERS)
    parser.add_argument("--tune", action="store_true", help="choose numbers and stop")
    parser.add_argument("--scenes", type=int, default=50)
    parser.add_argument("--estimated-scenes", type=int, default=5)
    parser.add_argument("--batch", type=int, default=10, help="scenes at a time")
    parser.add_argument("--cells", type=_cells, default=CELLS, help="frequencies:dB, as 20:30,5:10")
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    parser.add_argument("--denoiser", default=networks.denoiser)
    parser.add_argument("--deep2s", default=networks.deep2s)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="three scenes of the first cell")
    return parser.parse_args()


def missing_batches(done: Iterable[str], n: int, batch: int) -> list[tuple[int, int]]:
    """First scene and number of each batch of the ``n`` scenes that is not whole in ``done``."""
    known, found = set(done), []
    for start in range(FIRST, FIRST + n, batch):
        count = min(batch, FIRST + n - start)
        if any(str(index) not in known for index in range(start, start + count)):
            found.append((start, count))
    return found


def tables(content: Mapping[str, Any], cells: Sequence[Cell], n: int) -> list[str]:
    """Markdown: a table for each figure, methods by cells; mean and standard error of the first ``n``."""
    cells = [cell for cell in cells if str(cell) in content]
    head = " | ".join(f"F = {cell.n_frequencies}, {cell.snr_db} dB" for cell in cells)
    found = []
    for name, (title, digits) in COLUMNS.items():
        lines = [f"| {title} | {head} |", "|---" * (1 + len(cells)) + "|"]
        for row in ROWS:
            texts = [_cell(content[str(cell)], row, name, digits, n) for cell in cells]
            if any(texts):
                lines.append(f"| {row} | {' | '.join(texts)} |")
        found.append("\n".join(lines))
    return [*found, *_paired(content, cells, n)]


def _cell(methods: Mapping[str, Any], row: str, name: str, digits: int, n: int) -> str:
    if row == EMPTY:
        name = {"psnr": "empty", "target": "target_empty"}.get(name, "")
        row = next(iter(methods))
    scenes = _first(methods[row]["scenes"], n) if row in methods and name else []
    if not scenes:
        return ""
    values = [scene[name] for scene in scenes]
    if name == "seconds" or len(values) == 1:
        return f"{mean(values):.{digits}f}"
    return f"{mean(values):.{digits}f} ± {stdev(values) / len(values) ** 0.5:.{digits}f}"


def _paired(content: Mapping[str, Any], cells: Sequence[Cell], n: int) -> list[str]:
    """What estimating the noise costs, on the scenes where both were run."""
    lines = []
    for cell in cells:
        known, own = (content[str(cell)].get(name, {"scenes": {}})["scenes"] for name in (PNP, ESTIMATED))
        both = [index for index in _within(own, n) if index in known]
        if both:
            change = mean(own[index]["psnr"] - known[index]["psnr"] for index in both)
            lines.append(f"{cell}: epsilon estimated, {change:+.2f} dB on the same {len(both)} scenes")
    return ["\n".join(lines)] if lines else []


def _within(scenes: Mapping[str, Any], n: int) -> list[str]:
    return [index for index in scenes if int(index) < FIRST + n]


def _first(scenes: Mapping[str, Any], n: int) -> list[Any]:
    return [scenes[index] for index in _within(scenes, n)]


def _entry(kept: KeptFigures, cell: Cell, method: str, made_with: dict[str, Any]) -> dict[str, Any]:
    """Where figures of a method belong; emptied if those there were made with others numbers or weights."""
    of_cell = kept.content.setdefault(str(cell), {})
    entry: dict[str, Any] = of_cell.get(method, {})
    if any(entry.get(name) != value for name, value in made_with.items()):
        entry = of_cell[method] = {**made_with, "scenes": {}}
    return entry


def _judged(
    cell: Cell, method: str, first: int, n: int, numbers: dict[str, Any], networks: Networks
) -> dict[str, dict[str, float]]:
    problem = posed(cell, first, n)
    found = solved(method, problem, numbers, networks)
    magnitudes, truths = normalised(found.images).numpy(), problem.truth.numpy()
    figures = {}
    for index, (magnitude, truth) in enumerate(zip(magnitudes, truths, strict=True), first):
        own = magnitude_figures(magnitude, truth)
        own |= {"seconds": found.cpu_seconds, "iterations": found.iterations}
        figures[str(index)] = {name: round(value, 5) for name, value in own.items()}
    return figures


def _write_pictures(
    folder: Path, cell: Cell, numbers: dict[str, Any], methods: Sequence[str], networks: Networks
) -> None:
    problem = posed(cell, FIRST, 3)
    volumes = {"truth": problem.truth}
    for method in (name for name in methods if name != ESTIMATED):
        own = chosen(numbers, cell, method, networks.weights(method))
        volumes[method] = normalised(solved(method, problem, own, networks).images)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(3):
        picture = sheet({name: volume[i].numpy() for name, volume in volumes.items()})
        picture.save(folder / f"pnp-magnitude-scene-{FIRST + i}.png", optimize=True)


def _cells(text: str) -> list[Cell]:
    return [Cell.parse(part) for part in text.split(",")]


if __name__ == "__main__":
    main()

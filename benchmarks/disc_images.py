"""Images of the training discs of the Helsinki tomography challenge, for a diffusion prior of CT.

    python -m benchmarks.disc_images DATA --out discs.npz

DATA is the folder with htc2022_ta_full.mat and the others, CC BY (Meaney, Silva de Moura, Siltanen). Those
that were given out to train on, ta to td and the disc without holes, as filtered back-projection of all views
gives them, 128 x 128 pixels of 0.649 mm; the discs of the test, 01a and on, are not read. Brought to
the Hounsfield scale of `proxflow train-diffusion --kind ct`: air -1000, the disc 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DISCS = ("ta", "tb", "tc", "td", "solid_disc")
SIDE, FIELD_MM = 128, 83.06


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("discs.npz"))
    chosen = parser.parse_args()
    images = np.stack([hounsfield(all_views(chosen.data / f"htc2022_{name}_full.mat")) for name in DISCS])
    np.savez(chosen.out, images=images, subject=np.array(DISCS))


def all_views(scan: Path) -> NDArray[np.floating[Any]]:
    """Filtered back-projection, (y, x)."""
    with tempfile.TemporaryDirectory() as folder:
        recipe, out = Path(folder, "recipe.yaml"), Path(folder, "out")
        proxflow("new", str(scan), "--out", str(recipe))
        voxel = f"image.voxel_mm={FIELD_MM / SIDE:.3f}"
        changes = [f"image.matrix=[{SIDE}, {SIDE}]", voxel, "evaluate.held_out_fraction=0"]
        proxflow("run", str(recipe), "--out", str(out), *(part for one in changes for part in ("--set", one)))
        proxflow("export", str(out), "--to", "npy")
        found: NDArray[np.floating[Any]] = np.load(next(out.rglob("*.npy")))
    return np.squeeze(found)


def hounsfield(image: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """1000 (mu - mu of the disc) / mu of the disc: the median of what is above half of the brightest."""
    disc = np.median(image[image > 0.5 * np.quantile(image, 0.995)])
    return (1000 * (image / disc - 1)).astype(np.float32)


def proxflow(*words: str) -> None:
    start = "from proxflow.flows.cli.main import main; main()"
    subprocess.run([sys.executable, "-c", start, *words], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()

"""The mean squared error of denoisers of volumes that are told the noise level, on scenes held out.

    python -m benchmarks.volume_denoiser_error [unet3d-radar ...] [--laws real complex] [--scenes 50]

Over sigma in [0, --sigma-high], 0.2 of the peak, by the midpoint rule at ten levels: of volumes of
49 x 25 x 25 with white noise of the std that is told, the mean of held-out scenes from 12 on, as on cards.

* drawn: one to three targets, clouds and solids, as trainings draw them.
* one cloud: one target by the recipe that follows the figures of Oral & Oktem (2024), who validated their
  network on volumes with one compact target; 3.5e-5 is the least error in their log.
* real: noise added to the magnitude, as that log is understood. complex: to both parts of a complex image,
  of which the magnitude is taken.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from benchmarks.dds_contenders import device_of
from proxflow.models.denoisers.held_out_scenes import held_out_scenes
from proxflow.models.denoisers.noisy_scenes import NoiseLaw
from proxflow.models.denoisers.scenes import SceneSettings
from proxflow.models.denoisers.volume_training import judge_volumes, midpoints
from proxflow.models.networks.judged import Judged, mean_mse
from proxflow.tasks.denoisers import file_of
from proxflow.tasks.volume_networks import open_volume_network

LAWS = get_args(NoiseLaw)
FIRST, N_LEVELS = 12, 10  # scenes before are judged while networks are trained
KINDS = {"drawn": SceneSettings(), "one cloud": SceneSettings(most_targets=1, solids=0.0)}


def rows(name: str, kind: str, law: NoiseLaw, n_scenes: int, sigma_high: float, device: str) -> list[Judged]:
    """One for each level of noise."""
    path = file_of(name) or Path(name)
    network = open_volume_network(path, "denoiser", "unet3d")[0].to(device).eval()
    scenes = list(held_out_scenes(KINDS[kind], n_scenes, FIRST))
    return judge_volumes(network, scenes, midpoints(sigma_high, N_LEVELS), law)


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("denoisers", nargs="*", default=["unet3d-radar"], metavar="NAME", help="or a file")
    parser.add_argument("--laws", nargs="+", choices=LAWS, default=LAWS)
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=list(KINDS))
    parser.add_argument("--scenes", type=int, default=50)
    parser.add_argument("--sigma-high", type=float, default=0.2, help="of the peak")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    device = device_of(asked.device, asked.threads)
    levels = " | ".join(f"{level:g}" for level in midpoints(asked.sigma_high, N_LEVELS))
    print(f"| weights | scenes | noise | mean | {levels} |\n|{'---|' * (4 + N_LEVELS)}", flush=True)
    for name in asked.denoisers:
        for kind in asked.kinds:
            for law in asked.laws:
                found = rows(name, kind, law, asked.scenes, asked.sigma_high, device)
                each = " | ".join(f"{row.mse:.1e}" for row in found)
                print(f"| {Path(name).name} | {kind} | {law} | {mean_mse(found):.2e} | {each} |", flush=True)


if __name__ == "__main__":
    main()

"""ESPIRiT against SigPy on the shipped 13-coil brain, and the time to draw a Poisson-disc mask.

    python -m benchmarks.calibration [--repeats 5] [--threads N]

from the root of the repository. SigPy stops after 100 power iterations by default, which some pixels near
the coils' nulls need ten times over: it is timed as it comes, and compared with 1000 too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import sigpy.mri
import torch
from torch import Tensor

from benchmarks.interleaved import print_table, time_interleaved
from proxflow.data.masks.poisson_disc import poisson_disc_mask
from proxflow.data.open_scan import open_scan
from proxflow.models.calibration.espirit import espirit
from proxflow.operators.fourier import ifft2c

ACS_WIDTH, KERNEL_WIDTH, THRESHOLD, CROP = 24, 6, 0.02, 0.95


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with open_scan("sample://brain-13coil") as scan:
        kspace = torch.from_numpy(scan.read([0]).samples[0])
    print(f"torch {torch.__version__}, {arguments.threads} threads, k-space {tuple(kspace.shape)}")
    print_agreement(kspace)
    contenders: dict[str, Callable[[], object]] = {
        "proxflow espirit": lambda: our_maps(kspace),
        "sigpy EspiritCalib": lambda: their_maps(kspace, 100),
    }
    timings = time_interleaved(contenders, arguments.repeats)
    print_table("coil maps, complex64", timings, "proxflow espirit")
    compare_masks(arguments.repeats)


def our_maps(kspace: Tensor) -> Tensor:
    acs_shape = ACS_WIDTH, ACS_WIDTH
    return espirit(kspace, acs_shape=acs_shape, kernel_width=KERNEL_WIDTH, threshold=THRESHOLD, crop=CROP)[0]


def their_maps(kspace: Tensor, max_iter: int) -> Tensor:
    app = sigpy.mri.app.EspiritCalib(
        kspace.numpy(),
        calib_width=ACS_WIDTH,
        kernel_width=KERNEL_WIDTH,
        thresh=THRESHOLD,
        crop=CROP,
        max_iter=max_iter,
        show_pbar=False,
    )
    return torch.from_numpy(np.asarray(app.run()))


def print_agreement(kspace: Tensor) -> None:
    """Differences of the maps where both are non-zero, and ||S S^H x - x|| / ||x|| within the maps."""
    ours, images = our_maps(kspace), ifft2c(kspace)
    print(f"proxflow: projection error {projection_error(ours, images):.6f}")
    for max_iter in (100, 1000):
        start = time.perf_counter()
        theirs = their_maps(kspace, max_iter)
        seconds = time.perf_counter() - start
        both = (ours != 0).any(0) & (theirs != 0).any(0)
        same = ((ours != 0).any(0) == (theirs != 0).any(0)).float().mean()
        difference = (ours - theirs)[:, both].abs().amax(0)
        print(
            f"sigpy, {max_iter} iterations, {seconds:.1f} s: "
            f"projection error {projection_error(theirs, images):.6f}, "
            f"|S - S_sigpy| median {difference.median():.1e}, max {difference.max():.1e}, "
            f"same support in {100 * same:.3f} % of pixels"
        )


def projection_error(maps: Tensor, images: Tensor) -> float:
    inside = (maps != 0).any(0)
    kept, images = maps[:, inside], images[:, inside]
    return float((kept * (kept.conj() * images).sum(0) - images).norm() / images.norm())


def compare_masks(repeats: int) -> None:
    shape, acs_shape = (224, 224), (24, 24)
    contenders: dict[str, Callable[[], object]] = {
        "proxflow poisson_disc_mask": lambda: poisson_disc_mask(shape, 4, acs_shape=acs_shape, seed=0),
        "sigpy.mri.poisson (numba)": lambda: sigpy.mri.poisson(shape, 4, calib=acs_shape, seed=0),
    }
    print_table(
        "Poisson disc, 224 x 224, R = 4",
        time_interleaved(contenders, repeats),
        "proxflow poisson_disc_mask",
    )


if __name__ == "__main__":
    main()

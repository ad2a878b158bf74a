"""What networks take of white noise on frames of samples, which no training saw.

    python -m benchmarks.denoiser_gains [dncnn-ct=sample://dynamic-ct-lung ...]

PSNR in dB relative to a peak of 1 of eight frames, spread over the series and divided by their 99.9th
percentile, before and after the denoiser; noise of seed 0. Total variation beside it is given the true level
of noise. Then how far the clean frames have drifted when the denoiser was applied to them again and again.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor

from proxflow.data.open_scan import open_scan
from proxflow.models.denoisers.denoiser import Denoiser
from proxflow.tasks.denoisers import open_denoiser

CASES = ("dncnn-ct=sample://dynamic-ct-lung", "dncnn-mri=sample://dynamic-mri-kidney")
SIGMAS = (0.005, 0.01, 0.02, 0.05, 0.1)
PASSES = (1, 2, 5, 10, 20, 50)
N_FRAMES, PEAK_PERCENTILE = 8, 99.9


def clean_frames(scan: str) -> Tensor:
    """float32 (8, y, x) of a series' reference, in magnitude, with a peak of 1."""
    with open_scan(scan) as opened:
        series = opened.read([0]).reference
    if series is None:
        raise SystemExit(f"{scan} must come with its true frames")
    frames = np.abs(series[0])
    frames = frames[np.linspace(0, len(frames) - 1, N_FRAMES).round().astype(int)]
    return torch.from_numpy((frames / np.percentile(frames, PEAK_PERCENTILE)).astype(np.float32))


def psnr(image: Tensor, clean: Tensor) -> float:
    return float(-10 * torch.log10((image - clean).square().mean()))


def rows(denoise: Denoiser, clean: Tensor) -> list[str]:
    """A line of Markdown for each level of noise."""
    found = []
    for sigma in SIGMAS:
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
        noisy = clean + sigma * noise
        before, after = psnr(noisy, clean), psnr(denoise(noisy), clean)
        by_tv = psnr(open_denoiser(f"tv:{sigma}")(noisy), clean)
        found.append(f"| {sigma:g} | {before:.2f} | {after:.2f} | {after - before:+.2f} | {by_tv:.2f} |")
    return found


def drift(denoise: Denoiser, clean: Tensor) -> str:
    """PSNR of the clean frames after each number of ``PASSES``: a RED method applies D as often."""
    frames, found = clean, list[str]()
    for n_passes in range(1, max(PASSES) + 1):
        frames = denoise(frames)
        if n_passes in PASSES:
            found.append(f"{n_passes}: {psnr(frames, clean):.1f}")
    return ", ".join(found)


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("cases", nargs="*", default=CASES, metavar="DENOISER=SCAN")
    for case in parser.parse_args().cases:
        name, _, scan = case.partition("=")
        print(f"{name} on {scan}\n\n| noise, of the peak | noisy | denoised | gain | total variation |")
        print("|---|---|---|---|---|")
        denoise, clean = open_denoiser(name), clean_frames(scan)
        print("\n".join(rows(denoise, clean)), end="\n\n")
        print(f"dB after so many passes over clean frames: {drift(denoise, clean)}\n")


if __name__ == "__main__":
    main()

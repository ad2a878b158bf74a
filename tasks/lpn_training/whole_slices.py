"""Whole slices kept apart, denoised in exact patches, as a method denoises its iterates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from proxflow.configs.lpn_training import LpnTraining
from proxflow.models.denoisers.noisy_crops import Subject, padded
from proxflow.models.diffusion.noisy_images import channels_of
from proxflow.models.diffusion.smooth_phase import smooth_phase
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.training import with_noise
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.judged import Judged, judged

MOST = 8


class WholeSlices:
    """At most 8 slices of ``subjects``, evenly chosen, in their smallest size, in the middle of zeros where
    others are larger, and what ``network`` makes of them; of two channels with a smooth phase. Phases and
    noise are always the same.

    clean, noisy, denoised: float32 (n, channels, y, x).
    """

    def __init__(self, network: Icnn, subjects: Sequence[Subject], config: LpnTraining) -> None:
        found = [sizes[0] for subject in subjects for sizes in subject.slices]
        chosen = found[:: -(-len(found) // MOST)]
        side = max(max(image.shape) for image in chosen)
        images = torch.stack([padded(image, side) for image in chosen])
        if config.channels == 2:
            rng = torch.Generator().manual_seed(0)
            images = torch.stack([torch.polar(image, smooth_phase(side, rng)) for image in images])
        self.clean = channels_of(images)
        self.noisy = with_noise(self.clean, config.sigma)
        self._level = f"{config.sigma:g}"
        device = next(network.parameters()).device
        self.denoised = NetworkProx(network)(self.noisy.to(device)).cpu()

    def judge(self) -> Judged:
        """The noisy and the denoised slices, relative to a peak of 1."""
        return judged(self._level, list(zip(self.noisy, self.denoised, self.clean, strict=True)))

    def pictures(self) -> list[Tensor]:
        """Clean, noisy and denoised: (n, y, x), complex of two channels."""
        return [
            torch.complex(part[:, 0], part[:, 1]) if part.shape[1] == 2 else part[:, 0]
            for part in (self.clean, self.noisy, self.denoised)
        ]

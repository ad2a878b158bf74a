"""The training of a learned proximal network: its names, and what loads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxflow.configs.lpn_training import LpnTraining
from proxflow.flows.network_plan import Headings, Names, NetworkTraining

if TYPE_CHECKING:
    from proxflow.tasks.lpn_training.training import LpnImageTraining

HEADINGS = Headings(
    "noise", "noisy", "denoised", "subjects kept apart", "slices kept apart: clean, noisy and denoised"
)


def _names(config: LpnTraining) -> Names:
    return Names(f"lpn-{config.kind}", config.kind, "lpn", "lpn.safetensors", HEADINGS)


def _load(sources: Sequence[str], config: LpnTraining, device: str) -> LpnImageTraining:
    from proxflow.tasks.lpn_training.load import load_lpn_images
    from proxflow.tasks.lpn_training.training import LpnImageTraining

    return LpnImageTraining(load_lpn_images(sources, config), config)


LPN = NetworkTraining("train-lpn", LpnTraining, {"kind": "ct"}, {"validate_on": "validate"}, _names, _load)

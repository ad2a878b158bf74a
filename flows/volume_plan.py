"""The training of a network for volumes: its names, and what draws its scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxflow.configs.volume_training import VolumeTraining
from proxflow.flows.network_numbers import precision_for
from proxflow.flows.network_plan import Headings, Names, NetworkTraining

if TYPE_CHECKING:
    from proxflow.tasks.network_training.training import Training

HEADINGS = {
    "unet3d": Headings(
        "noise, of the peak",
        "noisy",
        "denoised",
        "held-out scenes",
        "held-out scenes: clean, then noisy and denoised by turns",
    ),
    "deep2s": Headings(
        "measurements",
        "adjoint",
        "reconstructed",
        "held-out scenes",
        "held-out scenes: truth, then adjoint and reconstructed by turns",
    ),
}


def _names(config: VolumeTraining) -> Names:
    network = config.network
    return Names(f"volumes-{network}", "volumes", network, f"{network}.safetensors", HEADINGS[network])


def _load(_: Sequence[str], asked: VolumeTraining, device: str) -> Training:
    from proxflow.tasks.volume_training.deep2s import Deep2sTraining
    from proxflow.tasks.volume_training.volume_denoiser import VolumeDenoiserTraining

    precision = precision_for(device, asked=asked.precision, possible=asked.deep_enough)
    config = asked.model_copy(update={"precision": precision})
    return Deep2sTraining(config) if config.network == "deep2s" else VolumeDenoiserTraining(config)


VOLUMES = NetworkTraining(
    "train-volumes", VolumeTraining, {"network": "unet3d"}, {"snr_db": "snr"}, _names, _load, reads=False
)

"""Networks and other denoisers of magnitudes by the names recipes use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.tasks.denoisers import file_of, is_mixed, open_denoiser
from proxflow.tasks.errors import RequestError
from proxflow.tasks.weights_refused import weights_refused

if TYPE_CHECKING:
    from proxflow.data.weights.volume_weights import VolumeWeights
    from proxflow.models.denoisers.denoiser import LevelDenoiser
    from proxflow.models.networks.unet3d import UNet3d


def open_level_denoiser(
    name: str, *, file: Path | None = None, device: str = "cpu", memory_bytes: int | None = None
) -> LevelDenoiser:
    """The denoiser called ``name``, a ``LevelDenoiserName``; a network's weights are read from ``file``, or
    from where the name says. A network of single images is not told the level.

    Raises RequestError, in one sentence, where the file is missing, damaged or of another network.
    """
    from proxflow.data.weights.volume_weights import FORMAT
    from proxflow.data.weights.weights_file import format_of
    from proxflow.models.denoisers.told_level import LevelNonLocalMeans, LevelTv, Untold
    from proxflow.models.denoisers.volume_network import VolumeNetworkDenoiser

    if name == "tv":
        return LevelTv()
    if name == "nlm":
        return LevelNonLocalMeans()
    path = file or file_of(name)
    assert path is not None, name
    with weights_refused(path):
        volumes = path.suffix == ".safetensors" and format_of(path, "denoiser") == FORMAT
    if not volumes:
        return Untold(open_denoiser(name, file=path, device=device, memory_bytes=memory_bytes))
    network, weights = open_volume_network(path, "denoiser", "unet3d")
    return VolumeNetworkDenoiser(
        network.to(device),
        sigma_high=weights.sigma_high,
        mixed=is_mixed(name, device),
        memory_bytes=memory_bytes,
    )


def open_deep2s(name: str, *, file: Path | None = None, device: str = "cpu") -> UNet3d:
    """The network called ``name``, a ``RadarNetworkName``; RequestError as ``open_level_denoiser``."""
    path = file or file_of(name)
    assert path is not None, name
    return open_volume_network(path, "network", "deep2s")[0].to(device)


def open_volume_network(path: Path, what: str, wanted: str) -> tuple[UNet3d, VolumeWeights]:
    """The network ``wanted``, unet3d or deep2s, of a file of weights, which ``what`` names in sentences;
    RequestError as ``open_level_denoiser``."""
    from proxflow.data.weights.volume_weights import read_volume_weights
    from proxflow.models.networks.unet3d import unet3d_of

    with weights_refused(path):
        weights = read_volume_weights(path, what)
        if weights.network != wanted:
            raise RequestError(f"{path.name}: network must be {wanted}, got {weights.network}")
        network = unet3d_of(weights.tensors, sigmoid=wanted == "deep2s")
    return network, weights

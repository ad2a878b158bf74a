"""Networks that take artefacts out of images, by the names recipes use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.tasks.denoisers import PAGES, check_there, file_of
from proxflow.tasks.weights_refused import weights_refused

if TYPE_CHECKING:
    from proxflow.data.weights.reconresnet_weights import ReconResNetWeights
    from proxflow.models.networks.reconresnet import ReconResNet
    from proxflow.models.networks.unet2d import UNet2d


def open_reconresnet(name: str, *, file: Path | None = None, device: str = "cpu") -> ReconResNet | UNet2d:
    """The network called ``name``, a ``ReconResNetName``, for evaluation on ``device``; weights are read from
    ``file``, or from where the name says.

    Raises RequestError, in one sentence, where the file is missing, damaged or of another network; of the
    latter it names the first tensor that is missing, unexpected or of another shape.
    """
    path = file or file_of(name)
    assert path is not None, name
    check_there("network", name, path, PAGES["reconresnet"])
    return artefact_network(path)[0].to(device)


def artefact_network(path: Path, what: str = "network") -> tuple[ReconResNet | UNet2d, ReconResNetWeights]:
    """The network of a file, which ``what`` names in sentences, on the CPU, and all that the file tells;
    RequestError as ``open_reconresnet``."""
    from proxflow.data.weights.reconresnet_weights import read_reconresnet_weights
    from proxflow.models.networks.reconresnet import reconresnet_of
    from proxflow.models.networks.reconresnet_settings import ReconResNetSettings
    from proxflow.models.networks.unet2d import UNet2dSettings, unet2d_of

    with weights_refused(path):
        weights = read_reconresnet_weights(path, what)
        if weights.architecture == "unet":
            return unet2d_of(weights.tensors, UNet2dSettings(**weights.settings or {})), weights
        settings = None if weights.settings is None else ReconResNetSettings(**weights.settings)
        return reconresnet_of(weights.tensors, settings), weights

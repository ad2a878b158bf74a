"""Networks of diffusion models from files of weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.tasks.weights_refused import weights_refused

if TYPE_CHECKING:
    from proxflow.models.networks.diffusion_unet import DiffusionUnet
    from proxflow.models.networks.ncsnpp import NCSNpp


def open_diffusion_unet(path: Path, *, device: str = "cpu", what: str = "network") -> DiffusionUnet:
    """The network with the weights in ``path``, which ``what`` names in sentences, for evaluation on
    ``device``; for the kinds of files see ``read_diffusion_weights``.

    Raises RequestError, in one sentence, where the file is missing, damaged or of another network; of the
    latter it names the first tensor that is missing, unexpected or of another shape.
    """
    from proxflow.data.weights.diffusion_weights import read_diffusion_weights
    from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
    from proxflow.models.networks.diffusion_unet import diffusion_unet_of

    with weights_refused(path):
        weights = read_diffusion_weights(path, what)
        settings = None if weights.settings is None else DiffusionUnetSettings(**weights.settings)
        network = diffusion_unet_of(weights.tensors, settings)
    return network.to(device)


def open_ncsnpp(path: Path, *, device: str = "cpu") -> NCSNpp:
    """The score network of score-MRI and DiffusionMBIR with the weights in ``path``, for evaluation on
    ``device``; for the kinds of files see ``read_ve_weights``. RequestError as ``open_diffusion_unet``.
    """
    from proxflow.data.weights.ve_weights import read_ve_weights
    from proxflow.models.networks.ncsnpp import OFFICIAL, ncsnpp_layout, ncsnpp_of

    with weights_refused(path):
        network = ncsnpp_of(read_ve_weights(path, ncsnpp_layout(OFFICIAL)), OFFICIAL)
    return network.to(device)

"""Networks of diffusion models from files of weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proxflow.data.errors import ScanError
from proxflow.tasks.errors import RequestError

if TYPE_CHECKING:
    from proxflow.models.networks.diffusion_unet import DiffusionUnet
    from proxflow.models.networks.ncsnpp import NCSNpp


def open_diffusion_unet(path: Path, *, device: str = "cpu") -> DiffusionUnet:
    """The network with the weights in ``path``, for evaluation on ``device``; for the kinds of files see
    ``read_diffusion_weights``.

    Raises RequestError, in one sentence, where the file is missing, damaged or of another network; of the
    latter it names the first tensor that is missing, unexpected or of another shape.
    """
    from proxflow.data.weights.diffusion_weights import read_diffusion_weights
    from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
    from proxflow.models.networks.diffusion_unet import diffusion_unet_of

    try:
        weights = read_diffusion_weights(path)
        settings = None if weights.settings is None else DiffusionUnetSettings(**weights.settings)
        return diffusion_unet_of(weights.tensors, settings).to(device)
    except ScanError as error:
        raise RequestError(str(error)) from None
    except ValueError as error:
        raise RequestError(f"{path.name}: {error}") from None


def open_ncsnpp(path: Path, *, device: str = "cpu") -> NCSNpp:
    """The score network of score-MRI and DiffusionMBIR with the weights in ``path``, for evaluation on
    ``device``; for the kinds of files see ``read_ve_weights``. RequestError as ``open_diffusion_unet``.
    """
    from proxflow.data.weights.ve_weights import read_ve_weights
    from proxflow.models.networks.ncsnpp import OFFICIAL, ncsnpp_layout, ncsnpp_of

    try:
        return ncsnpp_of(read_ve_weights(path, ncsnpp_layout(OFFICIAL)), OFFICIAL).to(device)
    except ScanError as error:
        raise RequestError(str(error)) from None

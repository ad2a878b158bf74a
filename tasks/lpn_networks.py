"""Learned proximal networks by the names recipes use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from proxflow.configs.denoiser import SHIPPED_PROXES
from proxflow.tasks.denoisers import PAGES, check_there, file_of
from proxflow.tasks.errors import RequestError
from proxflow.tasks.weights_refused import weights_refused

if TYPE_CHECKING:
    from proxflow.data.weights.lpn_weights import LpnTrained
    from proxflow.models.networks.icnn import Icnn


class LpnNetwork(NamedTuple):
    """A network, and what it was trained on; None of what others saved, which does not tell."""

    network: Icnn
    trained: LpnTrained | None


def open_lpn(name: str, *, file: Path | None = None, device: str = "cpu", what: str = "prox") -> LpnNetwork:
    """The network called ``name``, ``lpn-ct``, ``lpn-mri`` or a file of weights, on ``device``, for
    evaluation; weights are read from ``file``, or from where the name says; for the kinds of files see
    ``read_lpn_weights``. ``what`` names it in sentences.

    Raises RequestError, in one sentence, where the file is missing, damaged, of another network, or has a
    negative weight where convexity allows none.
    """
    from proxflow.data.weights.lpn_weights import read_lpn_weights
    from proxflow.models.networks.icnn import icnn_of
    from proxflow.models.networks.icnn_published import published_icnn_of
    from proxflow.models.networks.icnn_settings import IcnnSettings

    path = file or file_of(name)
    if path is None:
        raise RequestError(f"{what} must be {', '.join(SHIPPED_PROXES)} or a file of weights, got {name}")
    if file is None and name in SHIPPED_PROXES:
        check_there(what, name, path, PAGES["lpn"])
    with weights_refused(path):
        weights = read_lpn_weights(path, what)
        if weights.settings is None:
            network = published_icnn_of(weights.tensors)
        else:
            network = icnn_of(weights.tensors, IcnnSettings(**weights.settings))
    return LpnNetwork(network.to(device).eval().requires_grad_(False), weights.trained)

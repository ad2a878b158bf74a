"""Denoisers by the names recipes use."""

from __future__ import annotations

import logging
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxflow.configs.denoiser import (
    BFLOAT16,
    NETWORK_FIELDS,
    SHIPPED,
    SHIPPED_PRIORS,
    SHIPPED_PROXES,
    SHIPPED_RECONRESNETS,
    SHIPPED_VOLUMES,
    names_file,
)
from proxflow.configs.methods import MethodConfig
from proxflow.tasks.errors import RequestError
from proxflow.tasks.weights_refused import weights_refused

if TYPE_CHECKING:
    from proxflow.models.denoisers.denoiser import Denoiser
    from proxflow.models.networks.dncnn import DnCNN

log = logging.getLogger("proxflow.stages")
# Where the networks of a method are named, if not in docs/denoisers.md
PAGES = {"lpn": "methods/lpn", "reconresnet": "methods/reconresnet"}
# What makes weights in place of those that are named and not there
TRAINERS = {
    SHIPPED: "train-denoiser",
    SHIPPED_VOLUMES: "train-volumes",
    SHIPPED_PRIORS: "train-diffusion",
    SHIPPED_PROXES: "train-lpn",
    SHIPPED_RECONRESNETS: "train-reconresnet",
}
FILE = "denoiser"  # the name stages know the file of weights by


def denoiser_files(config: MethodConfig) -> dict[str, str]:
    """The file of weights that a method's network stands on; none where it has no network or needs no file.

    RequestError if there is no such file.
    """
    field, name = _named(config)
    path = None if name is None else file_of(name)
    if name is None or path is None:
        return {}
    page = PAGES.get(config.method, "methods/dds" if field == "prior" else "denoisers")
    check_there(field, name, path, page)
    return {FILE: str(path)}


def check_there(field: str, name: str, path: Path, page: str) -> None:
    """RequestError, in one sentence, where the file behind ``name`` is not there; ``page`` of docs/
    tells names. Of a name that Proxflow knows and has no weights for, it tells what makes them.
    """
    if path.is_file():
        return
    network, _ = name_parts(name)
    for names, trainer in TRAINERS.items():
        if network in names:
            raise RequestError(
                f"{field} must be weights that this Proxflow has, got {name}, which it comes without: "
                f"`proxflow {trainer}` makes a file of weights"
            )
    raise RequestError(f"{field} must be a name of docs/{page}.md or an existing file, got {name}")


def method_part(config: MethodConfig) -> dict[str, Any]:
    """The method's part of a stage's config: of a file its kind, not its place, decides the result."""
    part = config.model_dump(mode="json")
    field, name = _named(config)
    if name is not None and names_file(name):
        network, precision = name_parts(name)
        part[field] = f"given{Path(network).suffix}{precision}"
    return part


def open_denoiser(
    name: str, *, file: Path | None = None, device: str = "cpu", memory_bytes: int | None = None
) -> Denoiser:
    """The denoiser called ``name``, a ``DenoiserName``, on ``device``; a network's weights are read from
    ``file``, or from where the name says.

    Raises RequestError, in one sentence, where the file is missing, damaged or of another network.
    """
    from proxflow.models.denoisers.network import NetworkDenoiser
    from proxflow.models.denoisers.tv import TvDenoiser

    kind, _, number = name.partition(":")
    if kind == "tv":
        return TvDenoiser(float(number)) if number else TvDenoiser()
    network, peak = open_network(name, file)
    mixed = is_mixed(name, device)
    return NetworkDenoiser(network.to(device), peak=peak, mixed=mixed, memory_bytes=memory_bytes)


def open_network(name: str, file: Path | None = None) -> tuple[DnCNN, float]:
    """The network called ``name``, on the CPU, and the peak it was trained at; see ``open_denoiser``."""
    from proxflow.data.weights.network_weights import read_weights
    from proxflow.models.networks.dncnn import dncnn_of

    path = file or file_of(name)
    if path is None:
        raise RequestError(f"denoiser must be tv, {', '.join(SHIPPED)} or a file of weights, got {name}")
    with weights_refused(path):
        weights = read_weights(path)
        network = dncnn_of(weights.tensors, weights.predicts)
    return network, weights.peak


def _named(config: MethodConfig) -> tuple[str, str | None]:
    """The field by which a method names a network or another denoiser, and the name."""
    found = [(field, getattr(config, field)) for field in NETWORK_FIELDS if hasattr(config, field)]
    return found[0] if found else ("", None)


def is_mixed(name: str, device: str) -> bool:
    """Whether a name asks for bfloat16; said in the log where the device has none, which makes it slow."""
    from proxflow.models.networks.bfloat16 import has_bfloat16

    mixed = bool(name_parts(name)[1])
    if mixed and not has_bfloat16(device):
        log.warning("%s: this processor has no bfloat16, which is slower here than float32", name)
    return mixed


def name_parts(name: str) -> tuple[str, str]:
    """A network's name and ``:bfloat16``, or nothing."""
    return (name.removesuffix(BFLOAT16), BFLOAT16) if name.endswith(BFLOAT16) else (name, "")


def file_of(name: str) -> Path | None:
    """The file of weights behind a name; None for what needs none."""
    network, _ = name_parts(name)
    if any(network in names for names in TRAINERS):
        return Path(str(files("proxflow.data.weights"))) / f"{network}.safetensors"
    return Path(network).expanduser() if names_file(name) else None

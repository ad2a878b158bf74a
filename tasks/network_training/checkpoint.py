"""Where a training is: network, average, optimiser and what was measured, in one safetensors file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from proxflow.data.writers.atomic import atomic_path
from proxflow.models.networks.judged import Judged
from proxflow.models.networks.trainee import Trainee, place_at
from proxflow.tasks.errors import RequestError
from proxflow.tasks.network_training.history import History

MOMENTS = ("exp_avg", "exp_avg_sq")


def save_checkpoint(path: Path, trainee: Trainee, history: History, digest: str) -> None:
    """Replace the file as a whole; ``digest`` says of which training it is."""
    tensors = {f"network/{name}": value for name, value in trainee.network.state_dict().items()}
    for name, parameter in trainee.network.named_parameters():
        state = trainee.optimiser.state[parameter]
        tensors |= {f"{moment}/{name}": state[moment] for moment in MOMENTS}
    if trainee.average:
        averaged = trainee.average.network.state_dict()
        tensors |= {f"average/{name}": value for name, value in averaged.items()}
    document = {
        "digest": digest,
        "step": trainee.step,
        "losses": history.losses,
        "recent": history.recent,
        "validation": history.validation,
        "seconds": history.seconds,
    }
    with atomic_path(path) as temporary:
        flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(flat, temporary, {"training": json.dumps(document)})


def load_checkpoint(path: Path, trainee: Trainee, digest: str) -> History:
    """Bring ``trainee`` to where the checkpoint was made, bit for bit; its history.

    Raises RequestError if it is of another training, or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads((file.metadata() or {})["training"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if document["digest"] != digest:
            raise RequestError(
                "--out must be a new folder, or that of a training of these data and numbers, got "
                f"{path.parent}"
            )
        _restore(trainee, tensors, int(document["step"]))
        return _history(document)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(
            f"{path} must be a complete checkpoint, got {error}; remove it to begin anew"
        ) from None


def _history(document: dict[str, Any]) -> History:
    validation = [(step, [Judged(*row) for row in rows]) for step, rows in document["validation"]]
    losses = [(step, loss) for step, loss in document["losses"]]
    return History(losses, document["recent"], validation, document["seconds"])


def _restore(trainee: Trainee, tensors: dict[str, Tensor], step: int) -> None:
    networks = {"network": trainee.network}
    if trainee.average:
        networks["average"] = trainee.average.network
    for kind, network in networks.items():  # copies into parameters that keep their order of memory
        network.load_state_dict({name: tensors[f"{kind}/{name}"] for name in network.state_dict()})
    for name, parameter in trainee.network.named_parameters():
        moments = {
            moment: torch.empty_like(parameter).copy_(tensors[f"{moment}/{name}"]) for moment in MOMENTS
        }
        trainee.optimiser.state[parameter] = {"step": torch.tensor(float(step)), **moments}
    place_at(trainee, step)

"""Every number of a training can be given to its command, under its own name."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from proxflow.flows.denoiser_plan import DENOISER
from proxflow.flows.diffusion_plan import DIFFUSION
from proxflow.flows.lpn_plan import LPN
from proxflow.flows.network_plan import NetworkTraining
from proxflow.flows.reconresnet_plan import RECONRESNET
from proxflow.flows.volume_plan import VOLUMES

Training = NetworkTraining[Any]
TRAININGS: dict[str, tuple[Training, dict[str, str]]] = {
    "train_denoiser": (DENOISER, {"kind": "ct"}),
    "train_diffusion": (DIFFUSION, {"kind": "ct"}),
    "train_lpn": (LPN, {"kind": "ct"}),
    "train_reconresnet": (RECONRESNET, {}),
    "train_volumes": (VOLUMES, {"network": "unet3d"}),
}


class AskedError(Exception):
    pass


@pytest.mark.parametrize("name", TRAININGS)
def test_numbers(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    training, needed = TRAININGS[name]
    command = import_module(f"proxflow.flows.cli.{name}").command
    given: dict[str, object] = {}

    def asked(self: Training, sources: object, numbers: dict[str, object], *placing: object) -> None:
        given.update(numbers)
        raise AskedError

    monkeypatch.setattr(NetworkTraining, "asked", asked)
    options = inspect.signature(command).parameters
    images = [("images.npz",)] if "images" in options else []
    with pytest.raises(AskedError):
        command(*images, **needed, out=tmp_path)
    for key in training.schema.model_fields:
        option = options[training.options.get(key, key)]
        assert key in given or not option.default, key

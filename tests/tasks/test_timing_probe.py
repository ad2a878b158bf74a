"""What an estimate runs of a network before a run does: little, and within the run's memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.data.weights.diffusion_weights import DiffusionWeights, write_diffusion_weights
from proxflow.models.diffusion.network_priors import VpNetworkPrior
from proxflow.models.networks.diffusion_settings import DiffusionUnetSettings
from proxflow.models.networks.diffusion_unet import DiffusionUnet
from proxflow.operators.dense import MatrixOperator
from proxflow.tasks import timing_probe

SETTINGS = DiffusionUnetSettings(None, 2, 2, 32, (1, 2), 1, (2,), head_channels=32)
VOLUME = (3, 16, 8)  # of slices that the network sees one by one
TOOK = 6.0


@pytest.mark.parametrize(("slow", "levels"), [(math.inf, 5), (0.0, 2)])
def test_a_network_is_timed_by_one_sample_within_the_runs_memory(
    slow: float, levels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two levels warm up, and are all of a slow network; the eight samples take eight times as long."""
    network, seen, plain = DiffusionUnet(SETTINGS), list[int](), VpNetworkPrior.__call__
    write_diffusion_weights(
        tmp_path / "a.safetensors", DiffusionWeights(network.state_dict(), asdict(SETTINGS))
    )
    budget = int(2.5 * VpNetworkPrior(network).image_bytes(torch.empty(VOLUME[1:], dtype=torch.complex64)))

    def counted(self: VpNetworkPrior, x: torch.Tensor, level: Any) -> torch.Tensor:
        seen.append(len(x))
        return plain(self, x, level)

    def timed(work: Callable[[], object], device: str) -> float:
        work()
        return TOOK

    monkeypatch.setattr(VpNetworkPrior, "__call__", counted)
    monkeypatch.setattr(timing_probe, "_timed", timed)
    monkeypatch.setattr(timing_probe, "SLOW_SECONDS", slow)
    part = {"method": "dds", "prior": str(tmp_path / "a.safetensors"), "n_iter": 50, "samples": 8}
    config = METHOD_SCHEMAS["dds"].model_validate(part)
    operator = MatrixOperator(torch.zeros(7, math.prod(VOLUME)), VOLUME, (7,))
    found = timing_probe.iteration_seconds(config, operator, torch.complex64, "cpu", budget)
    assert seen == [2, 1] * (2 if levels == 2 else 2 + levels)
    assert found == pytest.approx(8 * TOOK / levels)

"""What every training of a network leaves beside its weights: card, numbers, loss and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from proxflow.configs.base import Part
from proxflow.data.writers.atomic import atomic_path
from proxflow.models.networks.judged import Judged, mean_mse
from proxflow.tasks.network_training.loss_plot import loss_plot
from proxflow.tasks.network_training.training import Trained
from proxflow.tasks.provenance import machine_text, versions

CARD, NUMBERS, LOSS, EXAMPLES = "card.md", "training.json", "loss.svg", "examples.png"


def write_results(
    folder: Path,
    trained: Trained,
    card: str,
    document: Mapping[str, Any],
    examples: NDArray[np.uint8],
    loss: str = "mean squared error",
) -> None:
    """``examples``: a picture in grey, (y, x).  ``loss``: what was made small, for people."""
    texts = {
        CARD: card,
        NUMBERS: json.dumps(document, indent=1) + "\n",
        LOSS: loss_plot(trained.history, loss),
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    with atomic_path(folder / EXAMPLES) as temporary:
        Image.fromarray(examples).save(temporary, format="PNG")


def numbers(trained: Trained, config: Part, data: Mapping[str, Any]) -> dict[str, Any]:
    """All numbers of a training; ``data``: what it was trained and judged on."""
    history = trained.history
    return {
        "command": trained.command,
        "config": config.model_dump(mode="json"),
        **data,
        "judged": [{"step": step, **judged_document(rows)} for step, rows in history.validation],
        "losses": history.losses,
        "seconds": round(history.seconds, 1),
        "provenance": {"machine": machine_text(), "versions": versions()},
    }


def judged_document(rows: Sequence[Judged]) -> dict[str, Any]:
    """What was judged, as numbers."""
    levels = [{key: value for key, value in row._asdict().items() if value is not None} for row in rows]
    return {"mse": mean_mse(rows), "levels": levels}

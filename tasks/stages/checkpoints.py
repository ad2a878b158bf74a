"""What a long stage keeps on the way: finished items, and the state of the one it is at."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from proxflow.data.writers.dataset_h5 import atomic_h5
from proxflow.models.solvers.iteration import Checkpoint, Iteration, Monitor
from proxflow.tasks.reporting import Reporter
from proxflow.tasks.stage import StageContext

log = logging.getLogger("proxflow.stages")
MOST_WAITING_BYTES = 16 << 20  # finished images that wait in memory for the next save
DOCUMENT = "document"  # the JSON beside the numbered arrays
# image, trace and fit of an item; of a held-out one which measurements were judged, nothing, and the error
Finished = tuple[np.ndarray, dict[str, Any], dict[str, Any]]


class StageCheckpoints:
    """Saves every ``checkpoint_seconds`` under the stage's key; the store removes it when the stage is done.

    A short stage of small images writes nothing. The files are written atomically, so a kill leaves a whole
    older one or none; a damaged one is ignored, the item is computed again.
    """

    def __init__(self, context: StageContext, n_items: int) -> None:
        self._folder, self._every = context.checkpoints, context.machine.checkpoint_seconds
        self._label, self._n_items = context.label, n_items
        self._saved_at = time.monotonic()
        self._waiting: dict[int, Finished] = {}

    def monitor(self, item: int, listener: Reporter) -> Monitor:
        """A solver's monitor: tells the listener, and saves the state when it is time."""
        seen = self.unfinished(item)
        reports = list(seen.trace) if seen else []

        def after(iteration: Iteration, state: tuple[Tensor, ...]) -> None:
            reports.append(iteration)
            listener.iteration(self._label, item, self._n_items, iteration)
            if self._is_time():
                self._save_waiting()
                self._save(f"state-{item}", [part.cpu().numpy() for part in state], {"trace": reports})

        return after

    def unfinished(self, item: int) -> Checkpoint | None:
        """Where the item was when the stage was killed, or None."""
        loaded = self._load(f"state-{item}")
        if loaded is None:
            return None
        arrays, document = loaded
        trace = [Iteration(*report) for report in document["trace"]]
        return Checkpoint(trace[-1].index, tuple(torch.from_numpy(array) for array in arrays), trace)

    def finished(self, item: int) -> Finished | None:
        """What was kept of an item that was done before the stage was killed, or None."""
        loaded = self._load(f"item-{item}")
        return None if loaded is None else (loaded[0][0], loaded[1]["trace"], loaded[1]["fit"])

    def keep_finished(self, item: int, image: np.ndarray, trace: dict[str, Any], fit: dict[str, Any]) -> None:
        """Keep a finished item, at once or with the next save; nothing where saving is switched off."""
        if self._every <= 0:
            return
        self._waiting[item] = (image, trace, fit)
        many = len(self._waiting) * image.nbytes > MOST_WAITING_BYTES
        if many or self._is_time():
            self._save_waiting()

    def keep_at_once(self, item: int, image: np.ndarray, trace: dict[str, Any], fit: dict[str, Any]) -> None:
        """Keep a finished item on the disk, for the process that assembles the stage."""
        self._waiting[item] = (image, trace, fit)
        self._save_waiting()

    def keep_image(self, item: int, image: Tensor) -> Path:
        """Save the last good image of a diverged item; where it lies."""
        return self._save(f"last-good-{item}", [image.cpu().numpy()], {})

    def _is_time(self) -> bool:
        return self._every > 0 and time.monotonic() - self._saved_at >= self._every

    def _save_waiting(self) -> None:
        for item, (image, trace, fit) in self._waiting.items():
            self._save(f"item-{item}", [image], {"trace": trace, "fit": fit})
        self._waiting.clear()

    def _save(self, name: str, arrays: list[np.ndarray], document: dict[str, Any]) -> Path:
        target = self._folder / f"{name}.h5"
        with atomic_h5(target) as file:
            for index, array in enumerate(arrays):
                checked = {"fletcher32": True} if array.ndim and array.size else {}
                file.create_dataset(str(index), data=array, **checked)
            text = np.frombuffer(json.dumps(document).encode(), np.uint8)
            file.create_dataset(DOCUMENT, data=text, fletcher32=True)
        self._saved_at = time.monotonic()
        return target

    def _load(self, name: str) -> tuple[list[np.ndarray], dict[str, Any]] | None:
        path = self._folder / f"{name}.h5"
        if not path.exists():
            return None
        try:
            with h5py.File(path, "r") as file:
                arrays = [np.asarray(file[str(index)][()]) for index in range(len(file) - 1)]
                return arrays, json.loads(file[DOCUMENT][()].tobytes())
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            log.warning("damaged checkpoint of stage %s thrown away: %s", self._label, error)
            path.unlink(missing_ok=True)
            return None

"""What a long stage keeps on the way: finished items, and the state of the one it is at."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import h5py
import numpy as np
import torch
from torch import Tensor

from proxflow.data.printable import printable
from proxflow.data.store.structure import check_structure
from proxflow.data.store.trust import check_trusted
from proxflow.data.writers.dataset_h5 import atomic_h5
from proxflow.models.methods.certificate import Certificate
from proxflow.models.solvers.iteration import Checkpoint, Iteration, Monitor, ResumeError
from proxflow.tasks.calls import StageContext
from proxflow.tasks.reporting import Reporter

log = logging.getLogger("proxflow.stages")
MOST_WAITING_BYTES = 16 << 20  # finished images that wait in memory for the next save
DOCUMENT = "document"  # the JSON beside the numbered arrays


class Finished(NamedTuple):
    """What became of an item.

    image: of a held-out item, which measurements were judged.  trace: of each figure, a number per iteration.
    fit: figures of the image; of a held-out item its error.
    curves, maps, certificate: see ``Reconstruction``.
    """

    image: np.ndarray
    trace: dict[str, Any]
    fit: dict[str, Any]
    curves: Mapping[str, list[list[float]]] = MappingProxyType({})
    maps: Mapping[str, np.ndarray] = MappingProxyType({})
    certificate: Certificate | None = None

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        return self.image.nbytes + sum(values.nbytes for values in self.maps.values())


Kept = TypeVar("Kept", Checkpoint, Finished)
Solved = TypeVar("Solved")


class StageCheckpoints:
    """Saves every ``checkpoint_seconds`` under the stage's key; the store removes it when the stage is done.

    A short stage of small images writes nothing. The files are written atomically, so a kill leaves a whole
    older one or none. They are sealed as artefacts are, and say which stage and item they are of; one that is
    damaged, another's or not what it must be is thrown away, and the item computed again.
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
        return self._load(f"state-{item}", _as_state)

    def finished(self, item: int) -> Finished | None:
        """What was kept of an item that was done before the stage was killed, or None."""
        return self._load(f"item-{item}", _as_finished)

    def resumed(self, item: int, solve: Callable[[Checkpoint | None], Solved]) -> Solved:
        """``solve`` from where the item was, or from the start where the solver cannot go on from there."""
        try:
            return solve(self.unfinished(item))
        except ResumeError as error:
            self._discard(self._path(f"state-{item}"), error)
            return solve(None)

    def keep_finished(self, item: int, found: Finished) -> None:
        """Keep a finished item, at once or with the next save; nothing where saving is switched off."""
        if self._every <= 0:
            return
        self._waiting[item] = found
        many = len(self._waiting) * found.nbytes > MOST_WAITING_BYTES
        if many or self._is_time():
            self._save_waiting()

    def keep_at_once(self, item: int, found: Finished) -> None:
        """Keep a finished item on the disk, for the process that assembles the stage."""
        self._waiting[item] = found
        self._save_waiting()

    def keep_image(self, item: int, image: Tensor) -> Path:
        """Save the last good image of a diverged item; where it lies."""
        return self._save(f"last-good-{item}", [image.cpu().numpy()], {})

    def _is_time(self) -> bool:
        return self._every > 0 and time.monotonic() - self._saved_at >= self._every

    def _save_waiting(self) -> None:
        for item, found in self._waiting.items():
            document: dict[str, Any] = {"trace": found.trace, "fit": found.fit, "curves": dict(found.curves)}
            if found.maps:
                document["maps"] = list(found.maps)
            if found.certificate is not None:
                document["certificate"] = found.certificate.to_json()
            self._save(f"item-{item}", [found.image, *found.maps.values()], document)
        self._waiting.clear()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.h5"

    def _owner(self, name: str) -> dict[str, str]:
        return {"key": self._folder.name, "stage": self._label, "name": name}

    def _save(self, name: str, arrays: list[np.ndarray], document: dict[str, Any]) -> Path:
        target = self._path(name)
        with atomic_h5(target, sealed=True) as file:
            for index, array in enumerate(arrays):
                file.create_dataset(str(index), data=array)
            text = json.dumps(document | {"of": self._owner(name)}).encode()
            file.create_dataset(DOCUMENT, data=np.frombuffer(text, np.uint8))
        self._saved_at = time.monotonic()
        return target

    def _load(self, name: str, made: Callable[[list[np.ndarray], dict[str, Any]], Kept]) -> Kept | None:
        """What ``made`` makes of a file that is whole and ours; None if there is none, or it was no good."""
        path = self._path(name)
        if not path.exists():
            return None
        try:
            check_trusted(path)
            with h5py.File(path, "r") as file:
                check_structure(file, path)
                arrays = [np.asarray(file[str(index)][()]) for index in range(len(file) - 1)]
                document = json.loads(file[DOCUMENT][()].tobytes())
            if document["of"] != self._owner(name):
                raise ValueError(f"it must be of {self._owner(name)}, got {document['of']!r:.200}")
            return made(arrays, document)
        except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
            self._discard(path, error)
            return None

    def _discard(self, path: Path, reason: Exception) -> None:
        log.warning("damaged checkpoint of stage %s thrown away: %s", self._label, printable(str(reason)))
        path.unlink(missing_ok=True)


def _as_state(arrays: list[np.ndarray], document: dict[str, Any]) -> Checkpoint:
    trace = [_as_report(report) for report in document["trace"]]
    if [report.index for report in trace] != list(range(1, len(trace) + 1)) or not trace:
        raise ValueError("its reports must be of the iterations from 1 on")
    return Checkpoint(trace[-1].index, tuple(torch.from_numpy(array) for array in arrays), trace)


def _as_finished(arrays: list[np.ndarray], document: dict[str, Any]) -> Finished:
    image, *values = arrays
    maps = dict(zip(document.get("maps", []), values, strict=True))
    if any(one.shape != image.shape or one.dtype.kind != "f" for one in maps.values()):
        raise ValueError(f"its maps must be real of shape {image.shape}")
    trace, fit, curves = dict(document["trace"]), dict(document["fit"]), dict(document["curves"])
    for series in [*trace.values(), *(line for lines in curves.values() for line in lines)]:
        _numbers(series)
    _numbers(list(fit.values()))
    told = document.get("certificate")
    certificate = None if told is None else Certificate.from_json(told)
    return Finished(image, trace, fit, curves, maps, certificate)


def _as_report(values: list[Any]) -> Iteration:
    *numbers, figures = values
    names, series = [name for name, _ in figures], _numbers([number for _, number in figures])
    if not all(isinstance(name, str) for name in names):
        raise ValueError("the figures of a report must have names")
    report = Iteration(*_numbers(numbers))
    return report._replace(figures=tuple(zip(names, series, strict=True)))


def _numbers(values: Any) -> list[Any]:
    """A list of numbers, some of them None; ValueError for anything else."""
    if not isinstance(values, list) or not all(type(value) in (int, float, type(None)) for value in values):
        raise ValueError(f"it must hold lists of numbers, got {values!r:.80}")
    return values

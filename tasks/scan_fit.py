"""Does a recipe fit its scan? Every step of preparation is tried on a few items, nothing is written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxflow.configs.recipe import Recipe
from proxflow.data.masks.acceleration import acceleration
from proxflow.data.open_scan import open_scan
from proxflow.data.scan import Scan, ScanInfo
from proxflow.data.store.artefact import Artefact
from proxflow.data.validate import check_magnitude
from proxflow.tasks.errors import RequestError
from proxflow.tasks.pipeline import maps_file
from proxflow.tasks.stages.calibrate import checked_region, found_region, given_maps
from proxflow.tasks.stages.evaluate import reference_kind
from proxflow.tasks.stages.prepare import Preparation, apply_step


@dataclass(frozen=True)
class ScanFit:
    """A recipe and its scan, found to fit.

    Attributes:
        shape: (item, coil, ky, kx) after preparation, of all chosen items.
        probed: the scan's numbers of the items that were read.
        samples: complex64 (coil, ky, kx), prepared, of the middle probed item.
        mask: bool (ky, kx), what a method is given of that item.
        acs: its calibration region, None for given maps.
        reference: fully_sampled, scan or none.
        read_seconds: to read one item.
        steps_seconds: to set the steps up: sampling pattern, compression matrix.
        prepare_seconds: to prepare one item.
    """

    info: ScanInfo
    shape: tuple[int, int, int, int]
    probed: tuple[int, ...]
    samples: Tensor
    mask: NDArray[np.bool_]
    acs: tuple[int, int] | None
    reference: str
    read_seconds: float
    steps_seconds: float
    prepare_seconds: float

    @property
    def acceleration(self) -> float:
        """All samples over samples given to the method, of the middle probed item."""
        return acceleration(self.mask)


def fit_recipe(recipe: Recipe) -> ScanFit:
    """Open the scan, read its first, middle and last chosen item, and try the recipe on them.

    Raises ScanError for a file that makes no sense, RequestError for items, steps, a calibration or a
    reference that do not fit it.
    """
    with open_scan(recipe.scan.path, reader=recipe.scan.reader) as scan:
        try:
            items = recipe.scan.select(scan.info.n_items)
        except ValueError as error:
            raise RequestError(str(error)) from None
        probed = sorted({items[0], items[len(items) // 2], items[-1]})
        began = time.perf_counter()
        state, probe = _read(scan, probed)
        read_seconds = (time.perf_counter() - began) / len(probed)
    began = time.perf_counter()
    try:
        for step in recipe.prepare:
            state = apply_step(step, state, probe)
        steps_seconds = time.perf_counter() - began
        acs = [_region(recipe, state, torch.from_numpy(kept)) for kept in state.kept]
    except ValueError as error:
        raise error if isinstance(error, RequestError) else RequestError(f"prepare: {error}") from None
    if recipe.calibrate.kind == "given":
        given_maps(Path(maps_file(recipe.calibrate)), (len(items), *state.shape[1:]))
    middle = len(probed) // 2
    began = time.perf_counter()
    samples = state.item(probe, middle)
    return ScanFit(
        info=scan.info,
        shape=(len(items), *state.shape[1:]),
        probed=tuple(probed),
        samples=samples,
        mask=state.kept[middle],
        acs=acs[middle],
        reference=reference_kind(recipe.evaluate, _prepared(state, probe)),
        read_seconds=read_seconds,
        steps_seconds=steps_seconds,
        prepare_seconds=time.perf_counter() - began,
    )


class _Probe:
    """A few items in memory, read as stages read an artefact."""

    def __init__(self, arrays: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        self._arrays, self._document = arrays, document

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def array(self, name: str) -> np.ndarray:
        return np.asarray(self._arrays[name])

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        return self.array(name)[start:stop]

    def document(self, _: str) -> Mapping[str, Any]:
        return self._document


def _read(scan: Scan, items: list[int]) -> tuple[Preparation, Artefact]:
    kspace = scan.read(items)
    check_magnitude(scan.info.path, kspace.samples)
    samples = kspace.samples.astype(np.complex64, copy=False)  # as `ingest` keeps them
    measured = np.broadcast_to(kspace.mask, (len(items), *samples.shape[2:]))
    state = Preparation(
        shape=cast(tuple[int, int, int, int], samples.shape),
        measured=measured,
        kept=measured.copy(),
        geometry=kspace.geometry,
        noise=None if kspace.noise is None else torch.from_numpy(kspace.noise),
    )
    arrays = {"samples": samples} | ({} if kspace.reference is None else {"reference": kspace.reference})
    return state, cast(Artefact, _Probe(arrays, {}))


def _prepared(state: Preparation, probe: Artefact) -> Artefact:
    arrays = {"measured": state.measured} | ({"reference": None} if "reference" in probe else {})
    retrospective = bool((state.kept != state.measured).any())
    return cast(Artefact, _Probe(arrays, {"retrospective": retrospective}))


def _region(recipe: Recipe, state: Preparation, mask: Tensor) -> tuple[int, int] | None:
    if recipe.calibrate.kind == "given":
        return None
    wanted = recipe.calibrate.acs or state.facts.get("acs")
    return checked_region((wanted[0], wanted[1]) if wanted else found_region(mask), mask)

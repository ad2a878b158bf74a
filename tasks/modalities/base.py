"""What one kind of scan adds to the stages that all scans share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from proxflow.configs.evaluate import EvaluateConfig
from proxflow.data.scan import Measurement, ScanInfo
from proxflow.data.store.artefact import Artefact, ArtefactWriter
from proxflow.operators.base import LinearOperator
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.errors import RequestError

NO_STORE = Machine("", 0, "cpu", 0.0)


class Problem(Protocol):
    """One item as a method meets it: what was measured of it, and the forward model.

    mask: bool, the measurements a method is given, in whatever shape the kind of scan has.
    norm: ||A|| for them, or little more.
    """

    @property
    def mask(self) -> Tensor: ...

    @property
    def norm(self) -> float: ...

    def posed(self, mask: Tensor) -> tuple[LinearOperator, Tensor]:
        """The forward model of the measurements in ``mask``, and these: y = A x + noise."""
        ...

    def count(self, mask: Tensor) -> int:
        """How many numbers were measured in ``mask``."""
        ...


class Setting(NamedTuple):
    """How a problem is to be computed: ``single`` or ``double``, and where."""

    precision: str = "single"
    machine: Machine = NO_STORE

    @property
    def device(self) -> str:
        return self.machine.device


class Withheld(NamedTuple):
    """Measurements for a second reconstruction: what it is given, and what it must predict."""

    given: Tensor
    judged: Tensor


class Ingested(NamedTuple):
    """A measurement as arrays: ``rows`` have one row per item, ``once`` and the JSON values ``facts`` are of
    the scan as a whole."""

    rows: dict[str, np.ndarray]
    once: dict[str, np.ndarray]
    facts: Mapping[str, Any] = MappingProxyType({})


class Pictures(NamedTuple):
    """What a report shows of the measurement; each is None where there is none.

    coil_maps: complex (coil, y, x).  mask: bool (y, x), the sampling pattern in words ``mask_text``.
    samples: real (y, x) as measured, in words ``samples_text``.  outline: uint8 (picture, y, x), labels
    whose borders are drawn over the images, in words ``outline_text``.
    antennas_mm: real (antenna, 3), points (x, y, z) around the scene.  centre_mm: along (z, y, x), the middle
    of the box of voxels in the coordinates of the antennas.
    """

    coil_maps: np.ndarray | None = None
    mask: np.ndarray | None = None
    mask_text: str = ""
    samples: np.ndarray | None = None
    samples_text: str = ""
    outline: np.ndarray | None = None
    outline_text: str = ""
    antennas_mm: np.ndarray | None = None
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Modality(ABC):
    """A kind of scan. Its parts read and write artefacts, as the stages that call them do."""

    region_text = "full image"
    empty_region_text = "where the object may be nowhere"
    misfit_text = "noise, or what the forward model leaves out, dominates"  # where nothing is predicted
    scan_reference_text = "Reference: the image that came with the scan."
    unit = ""  # of the image's values
    decibels: float | None = None  # range in which a report shows magnitudes; None shows values
    value_bytes = 8  # of a sample and of a voxel, in single precision
    calibrates_items = True  # whether every item is calibrated, or the scan once
    projections = False  # whether a report shows volumes by their maxima along each axis, or by planes
    series = False  # whether the planes of an item are frames in time, or slices of a volume

    @abstractmethod
    def measured_text(self, prepared: Artefact) -> str:
        """What was measured, in a few words."""

    def block(self, info: ScanInfo, memory_bytes: int | None = None) -> int:
        """How many items are read from the file at once; ``memory_bytes`` as in ``Machine``."""
        return 1

    @abstractmethod
    def arrays(self, measurement: Measurement) -> Ingested:
        """A checked measurement as the arrays of the artefact ``scan``."""

    def describe(self, info: ScanInfo, items: Sequence[int]) -> dict[str, Any]:
        """What else ``prepare`` needs to know, as JSON."""
        return {}

    @abstractmethod
    def prepare(self, context: StageContext, writer: ArtefactWriter) -> None:
        """The stage ``prepare``."""

    @abstractmethod
    def calibrate(self, context: StageContext, writer: ArtefactWriter) -> None:
        """The stage ``calibrate``."""

    def check_method(self, method: str, scan: Mapping[str, Any]) -> None:
        """RequestError where a method for this kind of scan does not fit the one prepared as ``scan``."""
        return None

    @abstractmethod
    def problem(self, prepared: Artefact, calibrated: Artefact, item: int, setting: Setting) -> Problem:
        """One item of the artefacts of these two stages, on the device."""

    @abstractmethod
    def withhold(
        self, problem: Problem, calibrated: Artefact, item: int, *, fraction: float, seed: int
    ) -> Withheld:
        """Split off a random ``fraction`` of the measurements; RequestError where none can be spared."""

    def operator_bytes(self, problem: Problem) -> int:
        """What the forward model holds beside samples and images."""
        return 0

    @abstractmethod
    def calibration_text(self, calibrated: Artefact) -> str:
        """A sentence on what ``calibrate`` did."""

    def support(self, prepared: Artefact, calibrated: Artefact, shape: tuple[int, int]) -> np.ndarray:
        """bool (plane or 1, y, x) of images of ``shape``: where the object may be."""
        return np.ones((1, *shape), dtype=np.bool_)

    def complete(self, prepared: Artefact) -> bool:
        """Whether enough was measured that the image from all of it is a reference."""
        return False

    def full_image(self, prepared: Artefact, calibrated: Artefact, item: int) -> np.ndarray:
        """The image from everything that was measured, where ``complete``."""
        raise RequestError("evaluate.reference fully_sampled must have every sample measured, got gaps")

    def pictures(self, prepared: Artefact, calibrated: Artefact, items: Sequence[int]) -> Pictures:
        """What a report shows of the measurement, with outlines for these items."""
        return Pictures()

    def findings(self, prepared: Artefact, image: Artefact) -> list[str]:
        """Sentences on what an image shows, where numbers can tell."""
        return []

    def reference_text(self) -> str:
        """A sentence on what ``full_image`` is."""
        return "Reference: the image from all that was measured."


def random_units(candidates: Sequence[int] | np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """At least one, and about ``fraction``, of the candidates; but never all of several."""
    count = max(1, round(fraction * len(candidates)))
    if len(candidates) < 2:
        raise RequestError(
            "evaluate.held_out_fraction must be 0 where nothing can be spared, "
            f"got {fraction:g} of {len(candidates)} measurements"
        )
    count = min(count, len(candidates) - 1)
    return np.random.default_rng(seed).choice(np.asarray(candidates), count, replace=False)


def withheld_units(mask: Tensor, fraction: float, seed: int) -> Withheld:
    """``random_units`` of the single entries in ``mask``."""
    held = random_units(np.flatnonzero(mask.cpu().numpy()), fraction, seed)
    judged = torch.zeros(mask.numel(), dtype=torch.bool, device=mask.device)
    judged[torch.from_numpy(held).to(mask.device)] = True
    judged = judged.reshape(mask.shape)
    return Withheld(mask & ~judged, judged)


def reference_kind(config: EvaluateConfig, modality: Modality, prepared: Artefact) -> str:
    """``scan``, ``fully_sampled`` or ``none``; RequestError for a reference the scan does not have."""
    complete, given = modality.complete(prepared), "reference" in prepared
    if config.reference == "scan" and not given:
        raise RequestError("evaluate.reference scan must have an image in the scan's file, got none")
    if config.reference == "fully_sampled" and not complete:
        raise RequestError("evaluate.reference fully_sampled must have every sample measured, got gaps")
    if config.reference != "auto":
        return config.reference
    if complete and prepared.document("scan")["retrospective"]:
        return "fully_sampled"
    return "scan" if given else "none"

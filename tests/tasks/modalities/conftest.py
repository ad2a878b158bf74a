"""The stages before the reconstruction, over a scan written by the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from proxflow.configs.calibrate import DEFAULT_KIND
from proxflow.data.store.artefact import Artefact
from proxflow.operators.base import LinearOperator
from proxflow.tasks.modalities.base import Modality, Problem, Setting
from proxflow.tasks.modalities.registry import modality


class Made(NamedTuple):
    """What these stages made of a scan."""

    kind: Modality
    scan: Artefact
    prepared: Artefact
    calibrated: Artefact

    def problem(self, item: int = 0, precision: str = "double") -> Problem:
        return self.kind.problem(self.prepared, self.calibrated, item, Setting(precision))


Make = Callable[..., Made]


@pytest.fixture
def prepared(run_stage: Any) -> Callable[..., tuple[Any, Artefact, Artefact]]:
    """``prepared(kind, file, *steps, image=...)``: reference of the prepared scan, the scan, the prepared."""

    def run(kind: str, path: Path, *steps: dict[str, Any], image: dict[str, Any] | None = None) -> Any:
        ref, scan = run_stage("ingest", {"kind": kind, "reader": "auto", "items": "all"}, scan=path)
        done, artefact = run_stage("prepare", {"steps": list(steps), "image": image or {}}, {"scan": ref})
        return done, scan, artefact

    return run


@pytest.fixture
def make(prepared: Any, run_stage: Any) -> Make:
    """``make(kind, file, *steps, image=..., **calibrate)``: all three stages."""

    def run(
        kind: str, path: Path, /, *steps: dict[str, Any], image: dict[str, Any] | None = None, **more: Any
    ) -> Made:
        ref, scan, done = prepared(kind, path, *steps, image=image)
        files = {"maps": more.pop("maps")} if "maps" in more else {}
        config = {"kind": DEFAULT_KIND[kind], **more}
        _, calibrated = run_stage("calibrate", config, {"prepared": ref}, **files)
        return Made(modality(kind), scan, done, calibrated)

    return run


def held_bytes(thing: object) -> int:
    """Bytes of the arrays and tensors that an object refers to, each storage once."""
    seen: set[int] = set()
    total, waiting = 0, [thing]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Tensor):
            key, size = found.untyped_storage().data_ptr(), found.untyped_storage().nbytes()
        elif isinstance(found, np.ndarray):
            whole: Any = found
            while isinstance(whole.base, np.ndarray):
                whole = whole.base
            key, size = id(whole), whole.nbytes
        else:
            key, size = id(found), 0
        if key in seen:
            continue
        seen.add(key)
        total += size
        if isinstance(found, list | tuple):
            waiting += found
        elif isinstance(found, dict):
            waiting += found.values()
        elif size == 0 and hasattr(found, "__dict__"):
            waiting += vars(found).values()
    return total


@pytest.fixture
def check_operator_bytes() -> Callable[[Made], None]:
    """What the estimate counts for the operator is what it holds once used, or up to three times that."""

    def check(made: Made) -> None:
        for precision in ("single", "double"):
            problem = made.problem(precision=precision)
            operator, y = problem.posed(problem.mask)
            x = operator.adjoint(y)
            operator.normal(x)
            operator.forward(x)
            held = held_bytes(operator)
            assert held <= made.kind.operator_bytes(problem) <= 3 * held

    return check


@pytest.fixture
def check_norm() -> Callable[[LinearOperator, float], None]:
    """``norm`` bounds ||A||, closely: the largest singular value by fifty power iterations in double."""

    def check(operator: LinearOperator, norm: float, dtype: torch.dtype = torch.float64) -> None:
        x = torch.randn(operator.domain_shape, dtype=dtype, generator=torch.Generator().manual_seed(1))
        for _ in range(50):
            x = operator.adjoint(operator.forward(x))
            x = x / x.norm()
        largest = float(operator.forward(x).norm())
        assert largest <= norm <= 1.05 * largest

    return check

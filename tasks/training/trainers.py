"""The registry that says how a method is trained: one line each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from proxflow.configs.base import Modality
from proxflow.configs.methods import METHOD_SCHEMAS, MethodConfig

if TYPE_CHECKING:
    from proxflow.tasks.training.held_out import Fit
    from proxflow.tasks.training.samples import HeldOutSamples

HELD_OUT = "held_out:fit_by_held_out"

TRAINERS = {
    "cg_sense": HELD_OUT,
    "tv": HELD_OUT,
    "l1_wavelet": HELD_OUT,
    "sirt": HELD_OUT,
    "cgls": HELD_OUT,
    "l1": HELD_OUT,
    "tv_magnitude": HELD_OUT,
    "pnp_magnitude": HELD_OUT,
    "red": HELD_OUT,
    "pnp_admm": HELD_OUT,
    "lpn": HELD_OUT,
    "dds": HELD_OUT,
    "dps": HELD_OUT,
    "red_psm": HELD_OUT,
    "psm_tv": HELD_OUT,
    "static": HELD_OUT,
    "framewise_tv": HELD_OUT,
    "framewise_cg_sense": HELD_OUT,
    "low_rank_sparse": HELD_OUT,
}


def trainer(method: str) -> Callable[[MethodConfig, HeldOutSamples], Fit]:
    """The function that fits a method's numbers."""
    module, _, function = TRAINERS[method].partition(":")
    found: Callable[[MethodConfig, HeldOutSamples], Fit] = getattr(
        import_module(f"proxflow.tasks.training.{module}"), function
    )
    return found


def trainable(kind: Modality) -> list[str]:
    """Names of the methods with numbers that training may choose, for scans of this kind."""
    return [name for name in TRAINERS if kind in METHOD_SCHEMAS[name].fits]

"""Which of the networks that are read a file of diffusion weights is of, told by its content."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from proxflow.data.weights.diffusion_weights import KIND, MOST_BYTES
from proxflow.data.weights.foreign_tensors import WRAPPER
from proxflow.data.weights.network_file import SUFFIXES
from proxflow.data.weights.torch_file import load_torch_file
from proxflow.data.weights.ve_weights import FROZEN
from proxflow.data.weights.weights_file import check_file


def diffusion_kind(path: Path, what: str = "prior") -> Literal["vp", "ve"]:
    """Variance exploding, if a checkpoint or state dict holds ``all_modules.0.W``, the frequencies of NCSN++;
    else preserving, for ``read_diffusion_weights`` to read or to refuse.

    Tensors stay in the file; no code of it is run. ``what``: names the file in sentences. Raises ScanError on
    a file that is missing, damaged or of another kind.
    """
    check_file(path, what, MOST_BYTES)
    if path.suffix not in SUFFIXES[1:]:
        return "vp"
    held = load_torch_file(path, KIND.holds, most_bytes=MOST_BYTES, mapped=True)
    return "ve" if any(FROZEN in (name, name.removeprefix(WRAPPER)) for name in _names(held)) else "vp"


def _names(held: Any) -> list[str]:
    """Of the tensors in a state dict, or in the model of a checkpoint."""
    model = held.get("model", held) if isinstance(held, dict) else None
    return [str(name) for name in model] if isinstance(model, dict) else []

"""``denoiser``: which denoiser a method regularises by."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

SHIPPED = ("dncnn-ct", "dncnn-mri")  # networks whose weights come with Proxflow
WEIGHT_FILES = (".safetensors", ".pt")

DenoiserName = Annotated[
    str,
    Field(
        pattern=r"^(tv(:(0?\.\d+|0|1))?|dncnn-ct|dncnn-mri|.+\.(safetensors|pt))$",
        examples=["tv, tv:0.03, dncnn-ct, dncnn-mri, or a file as weights.safetensors"],
        description="tv (tv:0.03 for noise of 3 % of the peak), the network dncnn-ct or dncnn-mri, or a file of "
        "weights, .safetensors or the authors' .pt, counted from the recipe's folder.",
    ),
]


def names_file(denoiser: str) -> bool:
    """Whether a denoiser is given by a file of weights."""
    return denoiser.endswith(WEIGHT_FILES)

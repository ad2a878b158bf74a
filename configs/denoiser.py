"""``denoiser``, ``network`` and ``prior``: which trained network, or other denoiser, a method stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

SHIPPED = ("dncnn-ct", "dncnn-mri")  # networks of images whose weights come with Proxflow
SHIPPED_VOLUMES = ("unet3d-radar", "unet3d-white", "deep2s-radar")  # and of volumes
SHIPPED_PRIORS = ("diffusion-ct", "diffusion-mri")  # diffusion models of images
SHIPPED_PROXES = ("lpn-ct", "lpn-mri")  # learned proximal networks of images
SHIPPED_RECONRESNETS = ("reconresnet-mri", "unet-mri")  # networks that take artefacts out of images
WEIGHT_FILES = (".safetensors", ".pt", ".pth")
BFLOAT16 = ":bfloat16"
NETWORK_FIELDS = ("denoiser", "network", "prior")  # of methods: what may name a network, or a file of weights

DenoiserName = Annotated[
    str,
    Field(
        pattern=r"^(tv(:(0?\.\d+|0|1))?|(dncnn-ct|dncnn-mri|.+\.(safetensors|pt))(:bfloat16)?)$",
        examples=["tv, tv:0.03, dncnn-ct, dncnn-mri, or a file as weights.safetensors"],
        description="tv (tv:0.03 for noise of 3 % of the peak), the network dncnn-ct or dncnn-mri, or a "
        "file of weights, .safetensors or the authors' .pt, counted from the recipe's folder; :bfloat16 "
        "after a network halves its time on recent CPUs.",
    ),
]

LevelDenoiserName = Annotated[
    str,
    Field(
        pattern=r"^(tv|nlm|(dncnn-ct|dncnn-mri|unet3d-radar|unet3d-white|.+\.(safetensors|pt))(:bfloat16)?)$",
        examples=["tv, nlm, unet3d-radar, dncnn-mri, or a file as weights.safetensors"],
        description="Total variation (tv) or non-local means (nlm), of images or volumes; the network "
        "unet3d-radar, or unet3d-white for white noise as strong as it is told, of volumes; dncnn-ct or "
        "dncnn-mri, of images, plane by plane; or a file of weights, such as train-volumes leaves, counted "
        "from the recipe's folder; :bfloat16 after a network halves its time on recent CPUs.",
    ),
]
ImageDenoiserName = Annotated[
    str,
    Field(
        pattern=r"^(tv|(diffusion-ct|diffusion-mri|dncnn-ct|dncnn-mri|.+\.(safetensors|pth?))(:bfloat16)?)$",
        examples=["tv, diffusion-ct, diffusion-mri, dncnn-ct, dncnn-mri, or a file as weights.safetensors"],
        description="Total variation (tv), diffusion-ct, diffusion-mri, or a file of diffusion weights, "
        ".safetensors or others' .pt and .pth, all told the noise; dncnn-ct, dncnn-mri or what "
        "train-denoiser leaves, which are not told, and see magnitudes of complex images. Files are counted "
        "from the recipe's folder; :bfloat16 after a network halves its time on recent CPUs.",
    ),
]
RadarNetworkName = Annotated[
    str,
    Field(
        pattern=r"^(deep2s-radar|.+\.safetensors)$",
        examples=["deep2s-radar, or a file as deep2s.safetensors"],
        description="The network deep2s-radar, or the file of weights that train-volumes leaves, counted "
        "from the recipe's folder.",
    ),
]

ReconResNetName = Annotated[
    str,
    Field(
        pattern=r"^(reconresnet-mri|unet-mri|.+\.safetensors)$",
        examples=["reconresnet-mri, unet-mri, or a file as reconresnet.safetensors"],
        description="The network reconresnet-mri, or the U-Net unet-mri, trained the same way; or a file of "
        "weights, such as train-reconresnet leaves or the authors released, counted from the recipe's "
        "folder.",
    ),
]


def names_file(denoiser: str) -> bool:
    """Whether a denoiser is given by a file of weights."""
    return denoiser.removesuffix(BFLOAT16).endswith(WEIGHT_FILES)


def anchored(denoiser: str, folder: Path) -> str:
    """The name with a relative file counted from ``folder``."""
    return str(folder / Path(denoiser).expanduser()) if names_file(denoiser) else denoiser

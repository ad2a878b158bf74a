"""State dicts of the authors' learned proximal networks, whose sizes their shapes tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from proxflow.models.networks.icnn import Icnn, icnn_of
from proxflow.models.networks.icnn_settings import LPN_GREY, LPN_PATCH, LPN_SMALL, STRIDES, IcnnSettings


def published_icnn_of(tensors: Mapping[str, Tensor]) -> Icnn:
    """The network of images with these weights, float32.

    Channels, width and side are read off the shapes; what they do not tell, beta, alpha and the signed range,
    is what was published for networks of that depth and side (``LPN_GREY``, ``LPN_PATCH``, ``LPN_SMALL``).
    Linear layers of the small network, which see all pixels at once, become convolutions with a kernel as
    large as the image.

    Raises ValueError where names or shapes are not those of an image network, as ``icnn_of``.
    """
    first = tensors.get("lin.0.weight")
    if first is None or first.ndim != 4:
        got = "none" if first is None else f"shape {tuple(first.shape)}"
        raise ValueError(f"lin.0.weight must be that of a convolution, got {got}")
    hidden, channels = first.shape[:2]
    n_layers = sum(name.startswith("lin.") and name.endswith(".weight") for name in tensors)
    kind = next((kind for kind, strides in STRIDES.items() if len(strides) + 3 == n_layers), None)
    if kind is None:
        counts = " or ".join(str(len(strides) + 3) for strides in STRIDES.values())
        raise ValueError(f"weights must be of {counts} layers (lin), got {n_layers}")
    k = len(STRIDES[kind]) + 1
    fitting = dict(tensors)
    for name, n in ((f"lin.{k}.weight", hidden), (f"res.{k - 1}.weight", channels)):
        weight = tensors.get(name)
        if weight is not None and weight.ndim == 2:
            fitting[name] = _as_kernel(name, weight, n)
    last = fitting.get(f"lin.{k}.weight")
    if last is None or last.ndim != 4:
        raise ValueError(
            f"lin.{k}.weight must see all pixels, got {'none' if last is None else last.ndim} axes"
        )
    side = last.shape[-1] * 2 ** STRIDES[kind].count(2)
    return icnn_of(fitting, _settings(kind, side, channels, hidden))


def _settings(kind: str, side: int, channels: int, hidden: int) -> IcnnSettings:
    published = LPN_SMALL if kind == "small" else LPN_PATCH if side == LPN_PATCH.side else LPN_GREY
    return replace(published, side=side, channels=channels, hidden=hidden)


def _as_kernel(name: str, weight: Tensor, n_channels: int) -> Tensor:
    """A linear layer's (out, channels * y * x) as (out, channels, y, x)."""
    pixels = weight.shape[1] // n_channels
    side = round(pixels**0.5)
    if n_channels * side * side != weight.shape[1]:
        raise ValueError(f"{name} must see {n_channels} square images, got shape {tuple(weight.shape)}")
    return weight.reshape(len(weight), n_channels, side, side)

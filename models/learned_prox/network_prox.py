"""An input-convex network as the proximal operator of images of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from proxflow.models.denoisers.turns import turned_back, turned_by
from proxflow.models.learned_prox.evaluated import Evaluated
from proxflow.models.learned_prox.windows import Patching, Start, Windows, averaged_windows, exact_windows
from proxflow.models.networks.channels_last import channels_last
from proxflow.models.networks.icnn import Icnn

USUAL_BYTES = 1 << 30  # where nobody says how much memory there is: so that results do not depend on it
HELD = 6  # arrays of the first layer's size that a pass holds at once
HELD_DOUBLE = 16  # in float64, whose convolutions unfold what they are given

Places = list[tuple[int, slice, slice, int]]
"""Image, rows, columns and turn of the patches of one pass."""


class NetworkProx:
    """f of a network for patches of ``side``, over images of any size; see ``LearnedProx``.

    ``exact``: zeros around the image let every pixel lie in c = (side / stride)^2 patches P_k, so that

        f(x) = (1 / c) sum_k P_k^T T_k^T f(T_k P_k x) = grad (1 / c) sum_k psi(T_k P_k x)

    T_k a quarter turn or a flip, its own for each of c tilings (``turned_by``): what the network errs by
    differs from one to the next, and averages out, at no cost. Ours, and exact as well.

    An image of the network's own size, if no stride is given, is its one patch, without zeros around it.
    ``averaged``: patches within the image, divided by how many cover a pixel, as the network's authors do; no
    proximal operator, unless it is one patch.

    Args:
        network: for images (not ``dense``); put into evaluation mode. Images are computed in its dtype.
        stride: between patches; None: half of a side. For exact patches it must divide the side.
        memory_bytes: of the activations of patches at once, one at least; None: 1 GiB.

    images: real (n, channels, y, x), any dtype and returned in it.
    Raises ValueError for a stride that does not fit, a dense network, images with other axes, and those
    smaller than one averaged patch.
    Source: Fang, Buchanan & Sulam, ICLR 2024, for the average; the constant count is that of their later code
    for a comparison of learned regularisers (arXiv:2510.01755).
    """

    def __init__(
        self,
        network: Icnn,
        *,
        patching: Patching = "exact",
        stride: int | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        settings = network.settings
        if settings.kind == "dense":
            raise ValueError("network must be one of images, got a dense one")
        if patching not in ("exact", "averaged"):
            raise ValueError(f"patching must be 'exact' or 'averaged', got {patching!r}")
        if stride is not None and not 1 <= stride <= settings.side:
            raise ValueError(f"stride must be from 1 to the side {settings.side}, got {stride}")
        if patching == "exact" and stride is not None and settings.side % stride:
            raise ValueError(f"stride must divide the side {settings.side} for exact patches, got {stride}")
        self.network = channels_last(network.eval())
        self.channels, self.side = settings.channels, settings.side
        self.strong_convexity = settings.strong_convexity
        self.patching, self.stride = patching, stride
        self.memory_bytes = memory_bytes

    @property
    def exact(self) -> bool:
        return self.patching == "exact"

    def __call__(self, images: Tensor) -> Tensor:
        return self.evaluated(images).image

    @torch.no_grad()
    def evaluated(self, images: Tensor) -> Evaluated:
        """f and psi, by one pass; psi is NaN of averaged patches."""

        def apply(patches: Tensor) -> tuple[Tensor, Tensor]:
            value = self.network.evaluated(patches)
            return value.image, value.potential

        return self._over_patches((images,), apply)

    @torch.no_grad()
    def derivative(self, images: Tensor, directions: Tensor) -> Tensor:
        """J(images) directions, exactly, at about the cost of two passes."""

        def apply(patches: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
            found = self.network.derivative(patches, along)
            return found, found.new_zeros(len(found))

        return self._over_patches((images, directions), apply).image

    def batches(self, images: Tensor) -> Iterator[Tensor]:
        """The patches of ``images`` that go through the network together."""
        windows = self.windows((images.shape[-2], images.shape[-1]))
        padded = _padded(images, windows)
        for places in self._batches(len(images), windows, images.dtype):
            yield _cut(padded, places)

    def windows(self, size: tuple[int, int]) -> Windows:
        """Where the patches of images of ``size`` (y, x) lie."""
        if self.stride is None and size == (self.side, self.side):
            return Windows(0, size, (Start(0, 0),), (Start(0, 0),))
        stride = self.side // 2 if self.stride is None else self.stride
        make = exact_windows if self.exact else averaged_windows
        return make(size, self.side, stride)

    def patches_at_once(self, dtype: torch.dtype) -> int:
        """As many as the budget of memory allows, one at least."""
        allowed = USUAL_BYTES if self.memory_bytes is None else self.memory_bytes
        return max(1, allowed // self._patch_bytes(dtype))

    def activation_bytes(self, n_images: int, size: tuple[int, int], dtype: torch.dtype) -> int:
        """What a pass over so many images of ``size`` (y, x) holds, in ``dtype`` of the network."""
        windows = self.windows(size)
        patches = n_images * len(windows.rows) * len(windows.columns)
        return min(patches, self.patches_at_once(dtype)) * self._patch_bytes(dtype)

    def _patch_bytes(self, dtype: torch.dtype) -> int:
        held = HELD_DOUBLE if dtype == torch.float64 else HELD
        return int(held * self.network.settings.hidden * self.side**2 * dtype.itemsize)

    def _over_patches(
        self, arrays: tuple[Tensor, ...], apply: Callable[..., tuple[Tensor, Tensor]]
    ) -> Evaluated:
        images = arrays[0]
        if images.ndim != 4 or images.shape[1] != self.channels or images.is_complex():
            got = f"{images.dtype} {tuple(images.shape)}"
            raise ValueError(f"images must be real with axes (n, {self.channels}, y, x), got {got}")
        ny, nx = images.shape[-2:]
        windows = self.windows((ny, nx))
        dtype = self.network.lin[0].weight.dtype
        padded = [_padded(array.to(dtype), windows) for array in arrays]  # type: ignore[arg-type]
        total, count = torch.zeros_like(padded[0]), padded[0].new_zeros(windows.padded)
        potential = torch.zeros(len(images), dtype=torch.float64, device=images.device)
        for places in self._batches(len(images), windows, total.dtype):
            made, potentials = apply(*(_cut(array, places) for array in padded))
            for (i, y, x, turn), patch, psi in zip(places, made, potentials, strict=True):
                total[i, :, y, x] += turned_back(patch, turn)
                count[y, x] += 1
                potential[i] += psi
        count /= len(images)
        start = windows.before
        seen = slice(start, start + ny), slice(start, start + nx)
        image = (total[:, :, *seen] / count[seen]).to(images.dtype)
        one_count = bool((count[seen] == count[seen][0, 0]).all())
        return Evaluated(image, potential / count[seen][0, 0] if one_count else potential * torch.nan)

    def _batches(self, n_images: int, windows: Windows, dtype: torch.dtype) -> Iterator[Places]:
        n = windows.n_tilings
        places = [
            (i, slice(y.at, y.at + self.side), slice(x.at, x.at + self.side), y.tiling * n + x.tiling)
            for i in range(n_images)
            for y in windows.rows
            for x in windows.columns
        ]
        at_once = self.patches_at_once(dtype)
        for start in range(0, len(places), at_once):
            yield places[start : start + at_once]


def _cut(padded: Tensor, places: Places) -> Tensor:
    return torch.stack([turned_by(padded[i, :, y, x], turn) for i, y, x, turn in places])


def _padded(images: Tensor, windows: Windows) -> Tensor:
    after = [n - windows.before - m for n, m in zip(windows.padded, images.shape[-2:], strict=True)]
    return functional.pad(images, (windows.before, after[1], windows.before, after[0]))

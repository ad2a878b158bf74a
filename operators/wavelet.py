"""Orthonormal 2-D wavelets of any image size."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes


class Wavelet(LinearOperator):
    """Multi-level separable wavelet transform W with W^H W = W W^H = I, for every (ny, nx).

    Args:
        shape: (ny, nx), odd sizes too.
        wavelet: an orthogonal family of PyWavelets: "haar", "db4", "sym8", "coif2", ...
        levels: how often the coarse block is split again.

    x: real or complex (*batch, ny, nx).  y: the same shape and unit, packed: the coarse block at
    ``[:a, :b]`` with (a, b) = ``approximation_shape``, details to its right and below, level by level.
    Per level and axis n samples give ceil(n / 2) coarse and floor(n / 2) detail ones; boundaries wrap.
    Of an odd axis the last sample is passed unchanged to the coarse half, and the others, even in
    number, are transformed: that keeps W orthonormal, where PyWavelets repeats the sample and is not.
    For even sizes equal to ``pywt.wavedec2(..., mode="periodization")``.

    Raises ValueError if ``wavelet`` is unknown or not orthogonal, or if ``levels`` would split an axis
    of fewer than two samples.
    Source: Mallat, A Wavelet Tour of Signal Processing, sec. 7.5 and 7.7.
    """

    def __init__(self, shape: tuple[int, int], wavelet: str = "db4", levels: int = 4) -> None:
        super().__init__()
        self.domain_shape = self.range_shape = tuple(shape)
        self.low, self.high = _orthogonal_filters(wavelet)
        self.block_shapes = _block_shapes(self.domain_shape, levels)
        self.approximation_shape = self.block_shapes[-1]

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return apply_linear(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return apply_linear(y, self._adjoint, self._forward)

    def normal(self, x: Tensor) -> Tensor:
        """x itself, as W^H W = I."""
        check_trailing_axes("x", x, self.domain_shape)
        return x.clone()

    def _forward(self, x: Tensor) -> Tensor:
        packed = x.resolve_conj().reshape(-1, *self.domain_shape).clone()
        for ny, nx in self.block_shapes[:-1]:
            along_y = self._analyse(packed[:, :ny, :nx])
            packed[:, :ny, :nx] = self._analyse(along_y.mT).mT
        return packed.reshape(x.shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        image = y.resolve_conj().reshape(-1, *self.range_shape).clone()
        for ny, nx in reversed(self.block_shapes[:-1]):
            along_x = self._synthesise(image[:, :ny, :nx].mT).mT
            image[:, :ny, :nx] = self._synthesise(along_x)
        return image.reshape(y.shape)

    def _analyse(self, x: Tensor) -> Tensor:
        """One level along the rows of x (item, n, m): c_k = sum_j h_j x_{2k + j + 1 - J/2}, d_k with g."""
        n_pairs, n_coarse = x.shape[1] // 2, (x.shape[1] + 1) // 2
        index = self._wrapped_rows(n_pairs, x.device)
        extended = _real_view(x.contiguous()).index_select(1, index)
        result = torch.zeros(x.shape, dtype=x.dtype, device=x.device)
        rows = _real_view(result)
        for tap, (h, g) in enumerate(zip(self.low, self.high, strict=True)):
            samples = extended[:, tap : tap + 2 * n_pairs - 1 : 2]
            rows[:, :n_pairs].add_(samples, alpha=h)
            rows[:, n_coarse:].add_(samples, alpha=g)
        result[:, n_pairs:n_coarse] = x[:, 2 * n_pairs :]  # of an odd axis, the last sample
        return result

    def _synthesise(self, y: Tensor) -> Tensor:
        """The transpose of ``_analyse``."""
        n_pairs, n_coarse = y.shape[1] // 2, (y.shape[1] + 1) // 2
        index = self._wrapped_rows(n_pairs, y.device)
        rows = _real_view(y.contiguous())
        extended = rows.new_zeros(rows.shape[0], len(index), rows.shape[2])
        for tap, (h, g) in enumerate(zip(self.low, self.high, strict=True)):
            samples = extended[:, tap : tap + 2 * n_pairs - 1 : 2]
            samples.add_(rows[:, :n_pairs], alpha=h).add_(rows[:, n_coarse:], alpha=g)
        result = torch.zeros(y.shape, dtype=y.dtype, device=y.device)
        _real_view(result).index_add_(1, index, extended)
        result[:, 2 * n_pairs :] = y[:, n_pairs:n_coarse]
        return result

    def _wrapped_rows(self, n_pairs: int, device: torch.device) -> Tensor:
        """Rows 1 - J/2 to n + J/2 - 2, modulo n, that the J taps at the n/2 positions touch."""
        n_taps = len(self.low)
        return (torch.arange(2 * n_pairs + n_taps - 2, device=device) + 1 - n_taps // 2) % (2 * n_pairs)


def _real_view(x: Tensor) -> Tensor:
    """(item, n, m) complex as (item, n, 2 m) real, sharing memory; real arrays unchanged."""
    return torch.view_as_real(x).flatten(-2) if x.is_complex() else x


def _orthogonal_filters(name: str) -> tuple[list[float], list[float]]:
    """Low- and high-pass taps in the order in which they meet the samples."""
    import pywt

    if name not in pywt.wavelist(kind="discrete") or not pywt.Wavelet(name).orthogonal:
        raise ValueError(f"wavelet must be an orthogonal one of PyWavelets, such as db4, got {name!r}")
    wavelet = pywt.Wavelet(name)
    return wavelet.dec_lo[::-1], wavelet.dec_hi[::-1]


def most_levels(shape: tuple[int, ...]) -> int:
    """How often images (ny, nx) can be halved, the shorter side down to 1."""
    return (min(shape) - 1).bit_length()


def _block_shapes(shape: tuple[int, ...], levels: int) -> list[tuple[int, int]]:
    """The block split at each level, and last the coarse one."""
    if len(shape) != 2:
        raise ValueError(f"shape must be two sizes (ny, nx), got {shape}")
    if not 0 <= levels <= most_levels(shape):
        raise ValueError(f"levels must be 0 to {most_levels(shape)} for shape {shape}, got {levels}")
    blocks = [(shape[0], shape[1])]
    for _ in range(levels):
        ny, nx = blocks[-1]
        blocks.append(((ny + 1) // 2, (nx + 1) // 2))
    return blocks

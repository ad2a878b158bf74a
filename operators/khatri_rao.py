"""Matrices whose rows are products of two factors' rows, applied block by block."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

CACHE_BYTES = 8 << 20  # of one block's scratch: what it holds is read again at once
MIN_CHUNK = 512  # voxels in a block; fewer make the products too short


class Factors(Protocol):
    """U (group, row, voxel) and V (group, column, voxel) of any block."""

    n_groups: int
    n_rows: int
    n_columns: int
    n_voxels: int

    def block(
        self, groups: slice, voxels: slice, dtype: torch.dtype, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """U and V of these groups and voxels."""
        ...


class Pair(NamedTuple):
    u: Tensor  # (group, row, voxel)
    v: Tensor  # (group, column, voxel)


class KhatriRao:
    """y[g, i, j] = sum over n of U[g, i, n] V[g, j, n] x[n], the matrix itself never formed.

    A block of groups and voxels is one batched matrix product, (V)(U x)^T forwards and (y V) U backwards.
    Blocks are as large as the processor's cache likes; their factors are kept if all of them fit
    ``memory_bytes`` and computed at each use if not. ``normal`` computes them once where those of one
    block of groups fit.

    x: complex (voxel,).  y: complex (group, row, column), of one dtype and device.
    Raises ValueError if ``memory_bytes`` does not hold a block of one voxel.
    """

    def __init__(self, factors: Factors, memory_bytes: int, dtype: torch.dtype, device: torch.device) -> None:
        self.factors, self.dtype, self.device = factors, dtype, device
        self.shape = (factors.n_groups, factors.n_rows, factors.n_columns)
        itemsize = dtype.itemsize
        per_voxel = (factors.n_rows + factors.n_columns) * itemsize
        if per_voxel * 2 > memory_bytes:
            raise ValueError(f"memory_bytes must be at least {2 * per_voxel}, got {memory_bytes}")
        # factors of a block and about as much scratch: products, and what making the factors takes
        budget = min(CACHE_BYTES, memory_bytes // 2)
        n_groups = max(1, min(factors.n_groups, budget // (per_voxel * MIN_CHUNK)))
        n_voxels = max(1, min(factors.n_voxels, budget // (per_voxel * n_groups)))
        self.groups = _slices(factors.n_groups, n_groups)
        self.chunks = _slices(factors.n_voxels, n_voxels)
        self.group_bytes = per_voxel * n_groups * factors.n_voxels
        self.memory_bytes = memory_bytes
        self.keeps = per_voxel * factors.n_groups * factors.n_voxels <= memory_bytes
        self._kept: dict[tuple[int, int], Pair] = {}

    def forward(self, x: Tensor) -> Tensor:
        y = x.new_zeros(self.shape)
        for groups in self.groups:
            for chunk in self.chunks:
                self._add_forward(y[groups], x[chunk], self._block(groups, chunk))
        return y

    def adjoint(self, y: Tensor) -> Tensor:
        x = y.new_zeros(self.factors.n_voxels)
        y = y.conj().resolve_conj()  # conjugates of y and of the sum are cheaper than those of the factors
        for groups in self.groups:
            for chunk in self.chunks:
                self._add_adjoint(x[chunk], y[groups], self._block(groups, chunk))
        return x.conj().resolve_conj()

    def normal(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        """A^H W A x with W = diag(``weight``), (group, row, column), or the identity."""
        total = torch.zeros_like(x)
        for groups in self.groups:
            hold = self.keeps or self.group_bytes <= self.memory_bytes
            held = [self._block(groups, chunk) for chunk in self.chunks] if hold else None
            y = x.new_zeros((groups.stop - groups.start, *self.shape[1:]))
            for i, chunk in enumerate(self.chunks):
                self._add_forward(y, x[chunk], held[i] if held else self._block(groups, chunk))
            y = (y if weight is None else y * weight[groups]).conj().resolve_conj()
            for i, chunk in enumerate(self.chunks):
                self._add_adjoint(total[chunk], y, held[i] if held else self._block(groups, chunk))
        return total.conj().resolve_conj()

    def columns(self, chunk: slice) -> Tensor:
        """The matrix's columns for these voxels, (group, row, column, voxel)."""
        parts = [self._make(groups, chunk) for groups in self.groups]
        return torch.cat([part.u[:, :, None] * part.v[:, None] for part in parts])

    def _block(self, groups: slice, chunk: slice) -> Pair:
        if not self.keeps:
            return self._make(groups, chunk)
        key = groups.start, chunk.start
        if key not in self._kept:
            self._kept[key] = self._make(groups, chunk)
        return self._kept[key]

    def _make(self, groups: slice, chunk: slice) -> Pair:
        return Pair(*self.factors.block(groups, chunk, self.dtype, self.device))

    @staticmethod
    def _add_forward(y: Tensor, x: Tensor, block: Pair) -> None:
        y += torch.bmm(block.v, (block.u * x).mT).mT

    @staticmethod
    def _add_adjoint(x: Tensor, y: Tensor, block: Pair) -> None:
        product = torch.bmm(y, block.v).mul_(block.u)
        x += torch.view_as_complex(torch.view_as_real(product).sum((0, 1)))


def _slices(n: int, size: int) -> list[slice]:
    count = -(-n // size)
    return [slice(n * i // count, n * (i + 1) // count) for i in range(count)]

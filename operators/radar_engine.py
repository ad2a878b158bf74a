"""A radar matrix on one device and in one precision: factors, and their order to the data's order."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from proxflow.operators.khatri_rao import Factors, KhatriRao
from proxflow.operators.radar_factors import PairFactors, ProductFactors, Scene
from proxflow.operators.wave_phasors import equispaced

# a factor's entry made or read, in multiply-adds of the matrix product; measured in complex64 on two cores
ENTRY_COST = 8
GRAM_BYTES = 64 << 20  # of the matrix's columns at a time
GRAM_ROWS = 512  # of the Gram matrix at a time: only blocks on and above the diagonal are computed


class RadarEngine:
    """A, A^H, A^H A and A A^H for flat x (voxel,) and y of the operator's range, no batch axes.

    Without ``pairs`` every transmitter meets every receiver (``ProductFactors``). With them, the product
    of the antennas in use is taken where it costs less than each pair by itself (``PairFactors``).
    """

    def __init__(
        self,
        scene: Scene,
        pairs: Tensor | None,
        reference_range_m: Tensor | None,
        mask: Tensor | None,
        memory_bytes: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.shape = _range_shape(scene, pairs)
        self.flat: Tensor | None = None  # each pair's place in the product
        weight = None if mask is None else mask.to(dtype)
        self.by_pair = pairs is not None and _pairs_cost_less(scene, pairs, reference_range_m, dtype)
        factors: Factors
        if self.by_pair:
            assert pairs is not None
            regular = _is_regular(scene, _longest_path(scene, pairs, reference_range_m), dtype)
            factors = PairFactors(replace(scene, regular=regular), pairs, reference_range_m)
        else:
            if pairs is not None:
                scene, self.flat = _antennas_in_use(scene, pairs)
                self.flat = self.flat.to(device)
                if reference_range_m is not None:
                    turns = 2 * reference_range_m * (scene.frequencies_hz[:, None] / scene.speed)
                    turned = torch.polar(torch.ones_like(turns), 2 * math.pi * (turns - turns.round())).to(
                        dtype
                    )
                    weight = turned if weight is None else weight * turned
            regular = _is_regular(scene, _longest_way(scene), dtype)
            factors = ProductFactors(replace(scene, regular=regular))
        self.matrix = KhatriRao(factors, memory_bytes, dtype, device)
        self.weight = None if weight is None else weight.to(device)
        self._normal_weight: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return self._gather(self.matrix.forward(x))

    def adjoint(self, y: Tensor) -> Tensor:
        return self.matrix.adjoint(self._scatter(y))

    def normal(self, x: Tensor) -> Tensor:
        if self.flat is None and not self.by_pair and self.weight is None:
            return self.matrix.normal(x)
        if self._normal_weight is None:  # entries not measured: 0; measured by two equal pairs: 2
            ones = torch.ones(self.shape, dtype=x.dtype, device=x.device)
            self._normal_weight = self._scatter(ones if self.weight is None else self.weight)
        return self.matrix.normal(x, self._normal_weight)

    def gram(self, *, less_second_half: bool = False) -> Tensor:
        """A A^H, (measurement, measurement), measurements in the order of the flattened y.

        With ``less_second_half`` that of the first half of the pairs less the second.
        """
        matrix = self.matrix
        size = math.prod(self.shape) // (2 if less_second_half else 1)
        gram = torch.zeros((size, size), dtype=matrix.dtype, device=matrix.device)
        rows = [slice(i, min(i + GRAM_ROWS, size)) for i in range(0, size, GRAM_ROWS)]
        n = max(1, GRAM_BYTES // (math.prod(matrix.shape) * matrix.dtype.itemsize))
        for start in range(0, matrix.factors.n_voxels, n):
            chunk = slice(start, min(start + n, matrix.factors.n_voxels))
            columns = self._gather(matrix.columns(chunk))
            if less_second_half:
                first, second = columns.chunk(2, dim=1)
                columns = first - second
            columns = columns.reshape(size, -1)
            conjugate = columns.mH.resolve_conj()
            for block in rows:
                gram[block, block.start :].addmm_(columns[block], conjugate[:, block.start :])
        return gram.triu() + gram.triu(1).mH

    def _gather(self, core: Tensor) -> Tensor:
        """(group, row, column, ...) to the range's axes, weighted."""
        if self.by_pair:
            y = core.flatten(1, 2)[:, : self.shape[0]].transpose(0, 1)
        else:
            y = core if self.flat is None else core.flatten(1, 2).index_select(1, self.flat)
        if self.weight is None:
            return y.contiguous()
        return y * self.weight.reshape(self.weight.shape + (1,) * (y.ndim - self.weight.ndim))

    def _scatter(self, y: Tensor) -> Tensor:
        """The adjoint of ``_gather``."""
        if self.weight is not None:
            y = y * self.weight.conj()
        groups, rows, columns = self.matrix.shape
        if self.by_pair:
            core = y.new_zeros((groups, rows * columns))
            core[:, : self.shape[0]] = y.transpose(0, 1)
            return core.view(groups, rows, columns)
        if self.flat is None:
            return y
        core = y.new_zeros((groups, rows * columns)).index_add_(1, self.flat, y)
        return core.view(groups, rows, columns)


def _range_shape(scene: Scene, pairs: Tensor | None) -> tuple[int, ...]:
    n = len(scene.frequencies_hz)
    return (n, len(scene.transmitters_m), len(scene.receivers_m)) if pairs is None else (n, len(pairs))


def _antennas_in_use(scene: Scene, pairs: Tensor) -> tuple[Scene, Tensor]:
    """The scene without the antennas that no pair names, and each pair's index into their product."""
    transmitters, t = pairs[:, 0].unique(return_inverse=True)
    receivers, r = pairs[:, 1].unique(return_inverse=True)
    used = replace(
        scene,
        transmitters_m=scene.transmitters_m[transmitters],
        receivers_m=scene.receivers_m[receivers],
    )
    return used, t * len(receivers) + r


def _pairs_cost_less(scene: Scene, pairs: Tensor, reference: Tensor | None, dtype: torch.dtype) -> bool:
    n = len(scene.frequencies_hz)
    n_transmitters, n_receivers = (len(pairs[:, i].unique()) for i in (0, 1))
    product = n * (n_transmitters * n_receivers + ENTRY_COST * (n_transmitters + n_receivers))
    regular = _is_regular(scene, _longest_path(scene, pairs, reference), dtype)
    entries = 2 * math.sqrt(n) if regular else n + 1
    return len(pairs) * (n + ENTRY_COST * entries) < product


def _is_regular(scene: Scene, longest_m: float, dtype: torch.dtype) -> bool:
    return equispaced(scene.frequencies_hz, longest_m / scene.speed, dtype)


def _longest_way(scene: Scene) -> float:
    antennas = torch.cat([scene.transmitters_m, scene.receivers_m])
    return float(scene.grid.distances(antennas)[1].max())


def _longest_path(scene: Scene, pairs: Tensor, reference: Tensor | None) -> float:
    """A bound of |d_T + d_R - 2 r|."""
    bounds = []
    for to_t, to_r in zip(
        scene.grid.distances(scene.transmitters_m), scene.grid.distances(scene.receivers_m), strict=True
    ):
        path = to_t[pairs[:, 0]] + to_r[pairs[:, 1]]
        bounds.append((path if reference is None else path - 2 * reference).abs().max())
    return float(torch.stack(bounds).max())

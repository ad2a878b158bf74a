"""The two ways in which a radar matrix splits into factors, see ``KhatriRao``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.operators.wave_phasors import Amplitude, phasors

Block = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Scene:
    """What both ways need to know; positions in metres, speed in metres per second."""

    transmitters_m: Tensor  # (transmitter, 3)
    receivers_m: Tensor  # (receiver, 3)
    frequencies_hz: Tensor  # (frequency,), equispaced if regular
    regular: bool
    grid: VoxelGrid
    speed: float
    gain: float  # of every entry
    antenna_gain: tuple[Amplitude | None, Amplitude | None]  # of a transmitter and of a receiver
    voxel_gain: Tensor | None  # (voxel,)


class ProductFactors:
    """Groups are frequencies, rows transmitters, columns receivers: every transmitter with every receiver.

    U[k, t, n] = g_t(n) exp(-j k_k d_T),  V[k, r, n] = g_r(n) exp(-j k_k d_R)
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.n_groups = len(scene.frequencies_hz)
        self.n_rows, self.n_columns = len(scene.transmitters_m), len(scene.receivers_m)
        self.n_voxels = scene.grid.n_voxels
        self._positions = scene.grid.positions()

    def block(self, groups: slice, voxels: slice, dtype: torch.dtype, device: torch.device) -> Block:
        scene, parts = self.scene, list[Tensor]()
        frequencies, points = scene.frequencies_hz[groups], self._positions[voxels].to(device)
        for antennas, gain in zip((scene.transmitters_m, scene.receivers_m), scene.antenna_gain, strict=True):
            distance, height = _distance(antennas.to(device), points)
            amplitude = None if gain is None else gain(distance, height)
            if not parts:
                amplitude = _times(amplitude, scene, voxels, device)
            delay = distance / scene.speed
            parts.append(phasors(delay, frequencies, dtype, regular=scene.regular, amplitude=amplitude))
        return parts[0], parts[1]


class PairFactors:
    """Groups are pairs of antennas, and a pair's frequencies are k = k_i + k_j: rows i, columns j.

    U[p, i, n] = g_t(n) g_r(n) exp(-j k_i D),  V[p, j, n] = exp(-j k_j D),  D = d_T + d_R - 2 r_p

    with k_i every J-th of F equispaced frequencies and k_j the J first steps, J about sqrt(F): F phasors
    of a pair and voxel are products of 2 sqrt(F). The last row may run past F; ``KhatriRao``'s result there
    is not used. Frequencies that are not equispaced take one row each and V = 1.
    """

    def __init__(self, scene: Scene, pairs: Tensor, reference_range_m: Tensor | None) -> None:
        self.scene, self.pairs, self.reference = scene, pairs, reference_range_m
        n = len(scene.frequencies_hz)
        self.n_columns = math.isqrt(n - 1) + 1 if scene.regular else 1
        self.n_rows = -(-n // self.n_columns)
        self.n_groups, self.n_voxels = len(pairs), scene.grid.n_voxels
        first, last = scene.frequencies_hz[0], scene.frequencies_hz[-1]
        step = (last - first) / max(n - 1, 1)
        self.row_frequencies = scene.frequencies_hz
        self.column_frequencies = torch.zeros(1, dtype=torch.float64)
        if scene.regular:
            self.row_frequencies = first + step * self.n_columns * torch.arange(self.n_rows)
            self.column_frequencies = step * torch.arange(self.n_columns)
        self._positions = scene.grid.positions()

    def block(self, groups: slice, voxels: slice, dtype: torch.dtype, device: torch.device) -> Block:
        scene, pairs = self.scene, self.pairs[groups]
        points = self._positions[voxels].to(device)
        path: Tensor | float = 0.0
        amplitude = None
        antennas = scene.transmitters_m, scene.receivers_m
        for which, all_positions, gain in zip((0, 1), antennas, scene.antenna_gain, strict=True):
            used, place = pairs[:, which].unique(return_inverse=True)
            distance, height = (each[place] for each in _distance(all_positions[used].to(device), points))
            path = path + distance
            if gain is not None:
                one_way = gain(distance, height)
                amplitude = one_way if amplitude is None else amplitude * one_way
        amplitude = _times(amplitude, scene, voxels, device)
        if self.reference is not None:
            path = path - 2 * self.reference[groups, None].to(device)
        delay = torch.as_tensor(path / scene.speed)
        u, v = (
            phasors(delay, frequencies, dtype, regular=scene.regular, amplitude=gain).transpose(0, 1)
            for frequencies, gain in ((self.row_frequencies, amplitude), (self.column_frequencies, None))
        )
        return u, v


def _distance(antennas: Tensor, points: Tensor) -> Block:
    """d (antenna, voxel) and z_voxel - z_antenna, float64."""
    offset = points - antennas[:, None]
    return offset.norm(dim=-1), offset[..., 2]


def _times(amplitude: Tensor | None, scene: Scene, voxels: slice, device: torch.device) -> Tensor | None:
    """``amplitude`` with the gains that are no antenna's."""
    if scene.gain != 1:
        amplitude = (
            torch.full((1, 1), scene.gain, device=device) if amplitude is None else amplitude * scene.gain
        )
    if scene.voxel_gain is not None:
        gain = scene.voxel_gain[voxels].to(device)
        amplitude = gain if amplitude is None else amplitude * gain
    return amplitude

"""Near-field multistatic stepped-frequency radar in the first Born approximation."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes
from proxflow.operators.radar_checks import checked_antennas, checked_frequencies, checked_mask, checked_pairs
from proxflow.operators.radar_engine import RadarEngine
from proxflow.operators.radar_factors import Scene
from proxflow.operators.voxel_grid import VoxelGrid
from proxflow.operators.wave_phasors import SPEED_OF_LIGHT, Amplitude, spreading

Map = Callable[[Tensor], Tensor]

MEMORY_BYTES = 2 << 30


class NearFieldMimo(LinearOperator):
    """y[k, t, r] = sum over n of exp(-jk (d_T + d_R)) / (4 pi d_T d_R) x[n],  k = 2 pi f_k sqrt(eps) / c,

    where d_T and d_R are the distances of voxel n to transmitter t and receiver r. Isotropic point antennas,
    time convention exp(+jwt); no pulse spectrum, antenna pattern, voxel volume or factor k.

    Args:
        transmitters_m, receivers_m: (transmitter, 3), (receiver, 3), points (x, y, z) in metres.
        frequencies_hz: (frequency,).
        grid: the voxels; arrays end in (z, y, x).
        pairs: int (pair, 2), transmitter and receiver of each channel, if not all with all.
        amplitude: "spreading" as above; "none": 1; or a real tensor (z, y, x) in place of 1 / (4 pi d_T d_R).
        relative_permittivity: eps of the medium; real, > 0.
        reference_range_m: (pair,), with ``pairs``: the phase is that of d_T + d_R - 2 r, as motion
            compensation to a scene centre leaves it.
        mask: bool (frequency, transmitter, receiver), or (frequency, pair); False: not measured, y = 0.
        memory_bytes: for the factors below; 2 GiB by default. Less is slower, down to a few KiB.

    x: complex (*batch, z, y, x).  y: complex (*batch, frequency, transmitter, receiver), or with ``pairs``
    (*batch, frequency, pair). complex64 or complex128, on any device; phases are always reduced in float64.
    The matrix is never formed: it factorises over transmitter and receiver, or for sparse pairs over coarse
    and fine frequency (``ProductFactors``, ``PairFactors``), whichever is cheaper; the adjoint uses the same
    factors. Kept factors take bytes, 8 F (T + R) N in complex64 for N voxels, and are made at first use.
    Raises ValueError for arrays of the wrong shape, values that are not finite, or a voxel on an antenna.
    Source: Oral & Oktem, IEEE Trans. Comput. Imaging 10:762 (2024), whose images run (x, y, z).
    """

    def __init__(
        self,
        transmitters_m: Tensor,
        receivers_m: Tensor,
        frequencies_hz: Tensor,
        grid: VoxelGrid,
        *,
        pairs: Tensor | None = None,
        amplitude: Literal["spreading", "none"] | Tensor = "spreading",
        relative_permittivity: float = 1.0,
        reference_range_m: Tensor | None = None,
        mask: Tensor | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        super().__init__()
        self.grid = grid
        self.transmitters_m = checked_antennas("transmitters_m", transmitters_m)
        self.receivers_m = checked_antennas("receivers_m", receivers_m)
        self.frequencies_hz = checked_frequencies(frequencies_hz)
        antennas = len(self.transmitters_m), len(self.receivers_m)
        self.pairs, self.reference_range_m = checked_pairs(pairs, antennas, reference_range_m)
        channels = antennas if self.pairs is None else (len(self.pairs),)
        self.domain_shape, self.range_shape = grid.shape, (len(self.frequencies_hz), *channels)
        self.mask = checked_mask(mask, self.range_shape)
        if not 0 < relative_permittivity < math.inf:
            raise ValueError(f"relative_permittivity must be positive, got {relative_permittivity}")
        self.relative_permittivity = relative_permittivity
        self.memory_bytes = MEMORY_BYTES if memory_bytes is None else memory_bytes
        self.gain = 1.0
        self.voxel_gain: Tensor | None = None
        self.antenna_gain: tuple[Amplitude | None, Amplitude | None] = None, None
        self._engines: dict[tuple[torch.dtype, torch.device], RadarEngine] = {}
        if isinstance(amplitude, Tensor):
            self.voxel_gain = _checked_gain(amplitude, grid)
        elif amplitude == "spreading":
            self.refuse_voxels_on_antennas()
            self.gain, self.antenna_gain = 1 / (4 * math.pi), (spreading, spreading)
        elif amplitude != "none":
            raise ValueError(f"amplitude must be 'spreading', 'none' or a tensor, got {amplitude!r}")

    def with_antenna_gain(self, transmitter: Amplitude | None, receiver: Amplitude | None) -> NearFieldMimo:
        """The same antennas, voxels and mask with exp(-jk (d_T + d_R)) times these two gains, None for 1.

        Raises ValueError if a gain is given and a voxel lies on an antenna.
        """
        other = copy.copy(self)
        other.gain, other.voxel_gain, other.antenna_gain = 1.0, None, (transmitter, receiver)
        other._engines = {}
        if transmitter is not None or receiver is not None:
            other.refuse_voxels_on_antennas()
        return other

    @property
    def wavenumbers(self) -> Tensor:
        """k = 2 pi f sqrt(eps) / c in the medium, (frequency,), rad/m, float64."""
        return 2 * math.pi * self.frequencies_hz / self._speed

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self._applied(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        return self._applied(y, self._adjoint, self._forward)

    def normal(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        return self._applied(x, self._normal, self._normal)

    def gram(self, dtype: torch.dtype = torch.complex64, device: torch.device | str = "cpu") -> Tensor:
        """A A^H, (measurement, measurement), by dense products over chunks of voxels: 4 M^2 N flops."""
        return self._engine(dtype, torch.device(device)).gram()

    def refuse_voxels_on_antennas(self) -> None:
        """Raise ValueError, naming the first, if a voxel's centre lies on an antenna."""
        antennas = torch.cat([self.transmitters_m, self.receivers_m])
        on = self.grid.distances(antennas)[0] <= 1e-6 * min(self.grid.voxel_m)
        if on.any():
            place = ", ".join(f"{value:g}" for value in antennas[on][0].tolist())
            raise ValueError(f"grid must have no voxel on an antenna, got one on that at ({place}) m")

    def _applied(self, array: Tensor, there: Map, back: Map) -> Tensor:
        if array.dtype not in (torch.complex64, torch.complex128):
            raise ValueError(f"x and y must be complex64 or complex128, got {array.dtype}")
        return apply_linear(array, there, back)

    def _forward(self, x: Tensor) -> Tensor:
        return self._per_item(x, self.domain_shape, self.range_shape, lambda engine: engine.forward)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._per_item(y, self.range_shape, self.domain_shape, lambda engine: engine.adjoint)

    def _normal(self, x: Tensor) -> Tensor:
        return self._per_item(x, self.domain_shape, self.domain_shape, lambda engine: engine.normal)

    def _per_item(
        self,
        array: Tensor,
        shape: tuple[int, ...],
        to_shape: tuple[int, ...],
        which: Callable[[RadarEngine], Map],
    ) -> Tensor:
        apply = which(self._engine(array.dtype, array.device))
        batch = array.shape[: array.ndim - len(shape)]
        item_shape = (-1,) if shape == self.domain_shape else shape
        items = array.reshape(-1, *shape).resolve_conj()
        out = array.new_empty((len(items), *to_shape))
        for item, target in zip(items, out, strict=True):
            target.copy_(apply(item.reshape(item_shape)).view(to_shape))
        return out.view(*batch, *to_shape)

    def _engine(self, dtype: torch.dtype, device: torch.device) -> RadarEngine:
        """Made at first use; the last precision and device alone are kept."""
        engine = self._engines.get((dtype, device))
        if engine is None:
            scene = Scene(
                transmitters_m=self.transmitters_m,
                receivers_m=self.receivers_m,
                frequencies_hz=self.frequencies_hz,
                regular=False,
                grid=self.grid,
                speed=self._speed,
                gain=self.gain,
                antenna_gain=self.antenna_gain,
                voxel_gain=self.voxel_gain,
            )
            engine = RadarEngine(
                scene, self.pairs, self.reference_range_m, self.mask, self.memory_bytes, dtype, device
            )
            self._engines = {(dtype, device): engine}
        return engine

    @property
    def _speed(self) -> float:
        return SPEED_OF_LIGHT / math.sqrt(self.relative_permittivity)


def _checked_gain(amplitude: Tensor, grid: VoxelGrid) -> Tensor:
    if tuple(amplitude.shape) != grid.shape or amplitude.is_complex():
        raise ValueError(
            f"amplitude must be real of shape {grid.shape}, got {amplitude.dtype} of {tuple(amplitude.shape)}"
        )
    return amplitude.detach().cpu().double().reshape(-1)

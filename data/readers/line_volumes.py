"""Images made from lines: averaged onto the encoded grid, then transformed as the plan says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from proxflow.data.readers.ismrmrd_lines import Lines
from proxflow.data.readers.ismrmrd_plan import Plan
from proxflow.data.readers.readout import centre_crop, centred_fft, crop_readout
from proxflow.data.readers.unsampled import shared_mask

# (line, coil, sample) of the acquisitions named, all of one size.
LineReader = Callable[[NDArray[np.intp]], NDArray[np.complex64]]


class LineVolumes:
    """The items of a Cartesian scan whose ``lines`` are read by number; one volume is held in memory."""

    def __init__(self, lines: Lines, plan: Plan, read_lines: LineReader) -> None:
        self._lines, self._plan, self._read_lines = lines, plan, read_lines
        self._kept: tuple[int, NDArray, NDArray[np.bool_]] | None = None

    def read(self, items: Sequence[int]) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """Samples (item, coil, ky, kx) and mask (item or 1, ky, kx) of these items."""
        pairs = [self._item(item) for item in items]
        masks = np.stack([mask for _, mask in pairs])
        return np.stack([samples for samples, _ in pairs]), shared_mask(masks)

    def _item(self, item: int) -> tuple[NDArray, NDArray[np.bool_]]:
        """(coil, ky, kx) and its mask."""
        volume, part = divmod(item, self._plan.parts)
        if self._kept is None or self._kept[0] != volume:
            self._kept = None  # frees the last volume before the next one is made
            self._kept = (volume, *self._volume(volume))
        _, samples, mask = self._kept
        if self._plan.kind == "hybrid":
            return samples[..., part], mask
        return samples[:, part], mask

    def _volume(self, volume: int) -> tuple[NDArray, NDArray[np.bool_]]:
        """(coil, z or kz, ky, kx or x) with what is fully sampled already transformed, and its 2-D mask."""
        samples, filled = self._grid(volume)
        plan = self._plan
        if plan.kind == "hybrid":
            image_lines = centre_crop(centred_fft(samples, 3, inverse=True), plan.n_columns, 3)
            return image_lines, filled
        if plan.kind == "slices":
            samples = centre_crop(centred_fft(samples, 1, inverse=True), plan.parts, 1)
        mask = filled[plan.mask_partition][:, None] & plan.columns[None, :]
        if plan.n_columns < samples.shape[3]:
            samples = crop_readout(samples, plan.n_columns, axis=3)
            mask = np.broadcast_to(mask[:, :1], (mask.shape[0], plan.n_columns)).copy()
        return np.where(mask, samples, np.complex64(0)), mask

    def _grid(self, volume: int) -> tuple[NDArray, NDArray[np.bool_]]:
        """One volume averaged on the encoded grid (coil, kz, ky, kx), and where (kz, ky) lines lie."""
        lines, plan = self._lines, self._plan
        nz, ny, nx = plan.encoded
        mine = np.flatnonzero(lines.volume == volume)
        place = lines.partition[mine] * ny + lines.row[mine]
        imaged = np.isin(place, place[~lines.calibration[mine]])
        used = ~lines.calibration[mine] | ~imaged
        mine, place = mine[used], place[used]
        data = self._read_lines(lines.acquisition[mine])
        backward = plan.reverse[mine]
        data[backward] = data[backward][..., ::-1]
        head = lines.heads[0]
        data = data[..., int(head["discard_pre"]) : data.shape[-1] - int(head["discard_post"])]
        count = np.bincount(place, minlength=nz * ny)
        total = np.zeros((nz * ny, plan.n_coils, data.shape[-1]), dtype=np.complex64)
        with np.errstate(invalid="ignore"):  # NaN and Inf are refused later, with their place
            np.add.at(total, place, data)
            total /= np.maximum(count, 1)[:, None, None]
        grid = np.zeros((plan.n_coils, nz * ny, nx), dtype=np.complex64)
        grid[..., plan.columns] = total.transpose(1, 0, 2)
        return grid.reshape(plan.n_coils, nz, ny, nx), (count > 0).reshape(nz, ny)

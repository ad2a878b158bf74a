"""Read ISMRMRD (MRD) HDF5 raw data, Cartesian, 2-D and 3-D."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import KSpace
from proxflow.data.readers.hdf5_file import open_hdf5, own_dataset, reading, top_level
from proxflow.data.readers.ismrmrd_header import parse_header
from proxflow.data.readers.ismrmrd_lines import sort_lines
from proxflow.data.readers.ismrmrd_plan import Plan, make_plan
from proxflow.data.readers.readout import centre_crop, centred_fft, crop_readout
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.validate import check_declared_size, checked


def is_ismrmrd(file: h5py.File) -> bool:
    """Whether the open file holds a group with ISMRMRD's ``xml`` and ``data``."""
    return _group_name(file) is not None


class IsmrmrdScan(Scan):
    """An ISMRMRD file as 2-D items, read line by line for the items asked for.

    * Noise scans become ``noise``, scaled to the imaging bandwidth and averaging.
    * Navigators, phase correction, feedback and dummy scans, and encoding spaces but the first, are left
      out. Calibration-only lines fill places that no imaging line fills (the ACS), unless the header
      calls the calibration separate or external. Each omission is said in ``info.notes``.
    * Reversed lines are turned round; ``center_sample`` counts in the turned direction, as converters
      write it. Lines measured again are averaged. Partial Fourier and asymmetric echoes stay unsampled.
    * Readout oversampling is removed unless the echo is asymmetric.
    * A 3-D scan sampled fully along the partitions becomes slices; otherwise one along its lines: each
      item is one readout position x with ky, kz in the plane (our kx, ky).

    Raises ScanError if the file is damaged, not Cartesian, or its lines make no grid.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_hdf5(path)
        self._kept: tuple[int, NDArray, NDArray[np.bool_]] | None = None
        try:
            with reading(path, "the file's structure"):
                self._open()
        except BaseException:
            self._file.close()
            raise

    def read(self, items: Sequence[int] | None = None) -> KSpace:
        rows = chosen_items(self.info, items)
        pairs = [self._item(row) for row in rows]
        samples = np.stack([pair[0] for pair in pairs])
        masks = np.stack([pair[1] for pair in pairs])
        if (masks == masks[0]).all():
            masks = masks[:1]
        kspace = KSpace(
            samples=samples,
            mask=masks,
            geometry=self.info.geometry.select(rows),
            labels=tuple(self.info.labels[i] for i in rows),
            noise=self._noise(),
            source=self.info.source,
        )
        return checked(self._path, kspace, rows)

    def close(self) -> None:
        self._file.close()

    def _open(self) -> None:
        path, name = self._path, _group_name(self._file)
        if name is None:
            raise ScanError(
                f"{path} must be ISMRMRD with dataset/xml and dataset/data, got {top_level(self._file)}"
            )
        self._data = own_dataset(self._file, path, f"{name}/data")
        with reading(path, f"{name}/xml"):
            encoding = parse_header(path, own_dataset(self._file, path, f"{name}/xml")[0])[0]
        if encoding.trajectory != "cartesian":
            raise ScanError(f"{path.name}: trajectory must be cartesian, got {encoding.trajectory}")
        if self._data.dtype.names is None or "head" not in self._data.dtype.names:
            raise ScanError(
                f"{path.name}: {name}/data must hold ISMRMRD acquisitions, got {self._data.dtype}"
            )
        with reading(path, f"{name}/data"):
            self._heads = self._data.fields("head")[:]
        self._lines = sort_lines(path, self._heads, encoding)
        self._plan: Plan = make_plan(path, self._lines, encoding)
        volume_bytes = 8 * self._plan.n_coils * int(np.prod(encoding.encoded_matrix))
        check_declared_size(path, "encoded matrix", volume_bytes, path.stat().st_size)
        self.info = ScanInfo(
            path=path,
            format="ismrmrd",
            shape=self._plan.shape,
            dtype="complex64",
            labels=self._plan.labels,
            geometry=self._plan.geometry,
            has_mask=True,
            has_noise=len(self._lines.noise) > 0,
            has_reference=False,
            file_bytes=path.stat().st_size,
            notes=self._lines.notes + self._plan.notes,
        )

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
        data = self._acquisitions(lines.acquisition[mine])
        backward = plan.reverse[mine]
        data[backward] = data[backward][..., ::-1]
        head = lines.heads[0]
        data = data[..., int(head["discard_pre"]) : data.shape[-1] - int(head["discard_post"])]
        count = np.bincount(place, minlength=nz * ny)
        total = np.zeros((nz * ny, plan.n_coils, data.shape[-1]), dtype=np.complex64)
        np.add.at(total, place, data)
        total /= np.maximum(count, 1)[:, None, None]
        grid = np.zeros((plan.n_coils, nz * ny, nx), dtype=np.complex64)
        grid[..., plan.columns] = total.transpose(1, 0, 2)
        return grid.reshape(plan.n_coils, nz, ny, nx), (count > 0).reshape(nz, ny)

    def _acquisitions(self, numbers: NDArray[np.intp]) -> NDArray[np.complex64]:
        """(line, coil, sample) of these acquisitions, of one size; contiguous runs are read at once."""
        head = self._heads[numbers[0]]
        n_coils, n_samples = int(head["active_channels"]), int(head["number_of_samples"])
        result = np.empty((len(numbers), n_coils, n_samples), dtype=np.complex64)
        for run in np.split(np.arange(len(numbers)), np.flatnonzero(np.diff(numbers) != 1) + 1):
            first, last = numbers[run[0]], numbers[run[-1]] + 1
            with reading(self._path, f"acquisitions {first} to {last - 1}"):
                raw = self._data.fields("data")[first:last]
            for i, values in zip(run, raw, strict=True):
                if values.dtype != np.float32 or values.size != 2 * n_coils * n_samples:
                    raise ScanError(
                        f"{self._path.name}: acquisition {numbers[i]} must hold {n_coils} channels of "
                        f"{n_samples} complex samples, got {values.size} {values.dtype} numbers"
                    )
                result[i] = values.view(np.complex64).reshape(n_coils, n_samples)
        return result

    def _noise(self) -> NDArray[np.complex64] | None:
        """(coil, n) at the bandwidth and averaging of the image's samples.

        White receiver noise has a variance inverse to the dwell time, and M averages divide it by M.
        """
        numbers = self._lines.noise
        if len(numbers) == 0:
            return None
        n_coils = self._plan.n_coils
        parts = []
        for number in numbers:
            head = self._heads[number]
            if head["active_channels"] != n_coils:
                got = head["active_channels"]
                raise ScanError(f"{self._path.name}: noise scan must have {n_coils} channels, got {got}")
            dwell = float(head["sample_time_us"]), float(self._lines.heads[0]["sample_time_us"])
            scale = np.sqrt(dwell[0] / dwell[1]) if min(dwell) > 0 else 1.0
            line = self._acquisitions(np.array([number]))[0]
            parts.append(line * np.float32(scale / np.sqrt(self._plan.n_averages)))
        return np.concatenate(parts, axis=1)


def _group_name(file: h5py.File) -> str | None:
    for name in file:
        group = file.get(name)
        if isinstance(group, h5py.Group) and all(
            isinstance(group.get(k), h5py.Dataset) for k in ("xml", "data")
        ):
            return name
    return None

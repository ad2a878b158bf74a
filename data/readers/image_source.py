"""Images to simulate from: NIfTI, NumPy and HDF5, one slice of a volume or one series in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.forms import SIGNATURES
from proxflow.data.readers.hdf5_file import open_hdf5, own_dataset, reading
from proxflow.data.readers.hdf5_images import own_arrays, said_of
from proxflow.data.readers.npz_arrays import is_npz, is_numpy, npz_keys, read_npy, read_npz
from proxflow.data.samples.catalogue import locate
from proxflow.data.validate import check_finite

Stack = Literal["slices", "times"]
USUAL_KEYS = ("reference", "image", "images", "hu", "data")
PIXEL_KEYS = ("pixel_mm", "pixel_size_mm")
PIXEL_OF_SCAN = "geometry/image_pixel"


@dataclass(frozen=True)
class ImageSource:
    """One slice at one or more times.

    Attributes:
        values: real float64 (time, y, x), magnitudes where the file has complex values.
        slice_index, n_slices: which slice of how many it is.
        pixel_mm: (y, x) size of a pixel, or None where the file does not tell.
        units: what the file says the values are in, or "".
        source: what the file says of its own origin and licence.
    """

    values: NDArray[np.float64]
    slice_index: int
    n_slices: int
    pixel_mm: tuple[float, float] | None = None
    units: str = ""
    source: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Held:
    """An array as a file holds it, its axes moved to (slice, time, y, x) by ``pick``."""

    array: Any
    axes: str  # of s, t, y, x; "-y" and "-x" are flips, done after picking
    pixel_mm: tuple[float, float] | None = None
    units: str = ""
    source: Mapping[str, str] = field(default_factory=dict)
    flips: tuple[bool, bool] = (False, False)


def read_images(
    path: str | Path,
    *,
    stack: Stack,
    slice_index: int | None = None,
    times: Sequence[int] | None = None,
    key: str | None = None,
    unsigned: bool = False,
) -> ImageSource:
    """One slice of the images in a NIfTI, .npy, .npz or HDF5 file, or of a sample's reference.

    Arrays end in (y, x); before these a fourth axis is (slice, time), a third alone what ``stack`` says.
    NIfTI is (x, y, slice[, time]), turned by its affine so that the front or the head points up and the
    patient's left lies to the right.

    Args:
        slice_index: from 0; the middle one if not given. times: which times, in this order; all if not given.
        key: name of the array in an .npz or HDF5 file; the only array of images, or one of a usual name.
        unsigned: take signed integers for unsigned ones, where bright pixels have wrapped to negative ones.

    Raises ScanError if the file cannot be read or has no such slice, time or array.
    """
    file = locate(path)
    if not file.is_file():
        raise ScanError(f"{file} must be an existing image file, got none there")
    with file.open("rb") as opened:
        head = opened.read(8)
    if head.startswith(SIGNATURES["HDF5"]):
        with open_hdf5(file) as opened_file:
            return _picked(file, _of_hdf5(opened_file, file, stack, key), slice_index, times, unsigned)
    if is_numpy(file):
        return _picked(file, _of_numpy(file, stack, key), slice_index, times, unsigned)
    if file.name.endswith((".nii", ".nii.gz")):
        return _picked(file, _of_nifti(file), slice_index, times, unsigned)
    raise ScanError(f"{file} must be an image in NIfTI, NumPy or HDF5 form, got other content")


def _of_nifti(path: Path) -> _Held:
    import nibabel

    try:
        image: Any = nibabel.load(path)
        codes = nibabel.aff2axcodes(image.affine)
        zooms = [float(zoom) for zoom in image.header.get_zooms()]
        array = image.dataobj if path.name.endswith(".nii") else np.asanyarray(image.dataobj)
    except Exception as error:  # nibabel has no one error for what it cannot read
        reason = " ".join(str(error).split())
        raise ScanError(f"{path.name} must be a readable NIfTI file, got an error: {reason}") from error
    if not 2 <= len(array.shape) <= 4:
        raise ScanError(f"{path.name} must have 2 to 4 axes, got shape {tuple(array.shape)}")
    # Rows follow the body's length where the plane shows it, else front to back.
    upright = next((axis for code in ("SI", "AP") for axis in (0, 1) if codes[axis] in code), 1)
    axes = ("yx" if upright == 0 else "xy") + "st"[: len(array.shape) - 2]
    flips = (codes[upright] in "SA", codes[1 - upright] in "RA")
    return _Held(array, axes, (zooms[upright], zooms[1 - upright]), flips=flips)


def _of_numpy(path: Path, stack: Stack, key: str | None) -> _Held:
    if not is_npz(path):
        array = read_npy(path)
        return _Held(array, _axes(path, array.shape, stack))
    names = npz_keys(path)
    if key in names:
        names = tuple(name for name in names if name in (key, *PIXEL_KEYS))
    arrays = read_npz(path, names)
    shapes = {name: array.shape for name, array in arrays.items() if array.dtype.kind in "iufc"}
    array = arrays[_chosen(path, shapes, key)]
    sizes = [arrays[name] for name in PIXEL_KEYS if name in arrays]
    return _Held(array, _axes(path, array.shape, stack), _pixel(sizes[0]) if sizes else None)


def _of_hdf5(file: h5py.File, path: Path, stack: Stack, key: str | None) -> _Held:
    with reading(path, "the file's structure"):
        array = own_dataset(file, path, _chosen(path, own_arrays(file, path, "iuf"), key))
        sizes = [own_dataset(file, path, name)[()] for name in (*PIXEL_KEYS, PIXEL_OF_SCAN) if name in file]
        said = said_of(file, path, array)
        values = array if said.factor is None else said.scaled(np.asarray(array[()]))
    pixel = _pixel(sizes[0]) if sizes else None
    return _Held(values, _axes(path, array.shape, stack), pixel, said.units, said.source)


def _chosen(path: Path, shapes: Mapping[str, tuple[int, ...]], key: str | None) -> str:
    images = [name for name, shape in shapes.items() if 2 <= len(shape) <= 4 and min(shape[-2:]) > 7]
    if key is None:
        usual = [name for name in USUAL_KEYS if name in images]
        if len(images) != 1 and not usual:
            raise ScanError(
                f"{path.name} must have one array of images, or its key must be given, got "
                f"{', '.join(images) or 'none'}"
            )
        return images[0] if len(images) == 1 else usual[0]
    if key not in images:
        raise ScanError(
            f"{path.name} must hold images under the key {key}, got {', '.join(images) or 'none'}"
        )
    return key


def _axes(path: Path, shape: tuple[int, ...], stack: Stack) -> str:
    if not 2 <= len(shape) <= 4:
        raise ScanError(f"{path.name} must have axes ([slice, time,] y, x), got shape {tuple(shape)}")
    return {2: "yx", 3: "syx" if stack == "slices" else "tyx", 4: "styx"}[len(shape)]


def _pixel(sizes: NDArray) -> tuple[float, float]:
    two = np.broadcast_to(np.asarray(sizes, np.float64).ravel()[:2], (2,))
    return float(two[0]), float(two[1])


def _picked(
    path: Path, held: _Held, slice_index: int | None, times: Sequence[int] | None, unsigned: bool
) -> ImageSource:
    sizes = dict(zip(held.axes, held.array.shape, strict=True))
    n_slices, n_times = sizes.get("s", 1), sizes.get("t", 1)
    one = n_slices // 2 if slice_index is None else slice_index
    if not 0 <= one < n_slices:
        raise ScanError(f"{path.name}: slice must lie between 0 and {n_slices - 1}, got {one}")
    chosen = list(range(n_times)) if times is None else list(times)
    if not chosen or not all(0 <= time < n_times for time in chosen):
        raise ScanError(f"{path.name}: times must lie between 0 and {n_times - 1}, got {chosen}")
    with reading(path, "images"):
        picked = held.array[tuple(one if axis == "s" else slice(None) for axis in held.axes)]
    left = held.axes.replace("s", "")
    values = np.moveaxis(np.asarray(picked), [left.index(a) for a in left if a in "tyx"], _places(left))
    values = values[chosen] if "t" in left else values[None]
    values = values[:, :: -1 if held.flips[0] else 1, :: -1 if held.flips[1] else 1]
    checked = _real(path, values, unsigned)
    return ImageSource(checked, one, n_slices, held.pixel_mm, held.units, held.source)


def _places(axes: str) -> list[int]:
    """Where each of these axes stands among (t, y, x) of those there are."""
    order = [axis for axis in "tyx" if axis in axes]
    return [order.index(axis) for axis in axes]


def _real(path: Path, values: NDArray, unsigned: bool) -> NDArray[np.float64]:
    if unsigned:
        if values.dtype.kind != "i":
            raise ScanError(
                f"{path.name} must hold signed integers to be taken as unsigned, got {values.dtype}"
            )
        values = values.astype(values.dtype.str.replace("i", "u"))
    if values.dtype.kind not in "iufc":
        raise ScanError(f"{path.name} must hold numbers, got {values.dtype}")
    real = np.abs(values).astype(np.float64) if values.dtype.kind == "c" else values.astype(np.float64)
    check_finite(path, "images", real)
    return np.ascontiguousarray(real)

"""Export a stored image to another program's form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proxflow.data.errors import ScanError
from proxflow.data.readers.image_h5 import StoredImage, read_image_h5


def export_image(image: str | Path, kind: str, folder: str | Path, *, companion: str | None = None) -> Path:
    """Write the image file ``image``, or the map ``companion`` in it, as ``kind`` into ``folder``; return
    what was written.

    ``image.h5`` becomes ``image.nii.gz``, ``image.tif``, ``image.npy``, ``image-animated.png``, or the
    folders ``image-dicom`` and ``image-png``; its map ``std``, ``image-std.nii.gz`` and so on. Raises
    ScanError if the image is unsound, has no such map, or ``kind`` is not one of ``EXPORTS``.
    """
    if kind not in EXPORTS:
        raise ScanError(f"kind must be one of {', '.join(EXPORTS)}, got {kind}")
    stem = Path(image).stem if companion is None else f"{Path(image).stem}-{companion}"
    return EXPORTS[kind](read_image_h5(image, companion=companion), Path(folder), stem)


def _nifti(stored: StoredImage, folder: Path, stem: str) -> Path:
    from proxflow.data.writers.nifti import write_nifti

    return write_nifti(folder / f"{stem}.nii.gz", stored.image, geometry=stored.geometry)


def _dicom(stored: StoredImage, folder: Path, stem: str) -> Path:
    from proxflow.data.writers.dicom import write_dicom

    target = folder / f"{stem}-dicom"
    modality = str(stored.attributes.get("modality", ""))
    write_dicom(target, stored.image, geometry=stored.geometry, labels=stored.labels, modality=modality)
    return target


def _tiff(stored: StoredImage, folder: Path, stem: str) -> Path:
    from proxflow.data.writers.tiff import write_tiff

    return write_tiff(folder / f"{stem}.tif", stored.image, geometry=stored.geometry)


def _png(stored: StoredImage, folder: Path, stem: str) -> Path:
    from proxflow.data.writers.png import write_png

    target = folder / f"{stem}-png"
    write_png(target, stored.image, geometry=stored.geometry, stem=stem)
    return target


def _apng(stored: StoredImage, folder: Path, stem: str) -> Path:
    from proxflow.data.writers.apng import write_apng

    return write_apng(folder / f"{stem}-animated.png", stored.image, geometry=stored.geometry)


def _npy(stored: StoredImage, folder: Path, stem: str) -> Path:
    from proxflow.data.writers.npy import write_npy

    return write_npy(folder / f"{stem}.npy", stored.image, geometry=stored.geometry)


# Each imports its library when called: an export needs one of them.
EXPORTS: dict[str, Callable[[StoredImage, Path, str], Path]] = {
    "nifti": _nifti,
    "dicom": _dicom,
    "tiff": _tiff,
    "png": _png,
    "apng": _apng,
    "npy": _npy,
}

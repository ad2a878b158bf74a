"""Read the Helsinki Tomography Challenge 2022 files: one fan-beam slice as a MATLAB struct."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.readers.mat_struct import field, is_mat, mat_names, read_mat
from proxflow.data.scan import Scan, ScanInfo, chosen_items
from proxflow.data.sinogram import ScanGeometry, Sinogram
from proxflow.data.validate import check_shape
from proxflow.data.validate_angles import check_angles
from proxflow.data.validate_sinogram import check_real, check_scan_geometry, checked_sinogram

STRUCTS = ("CtDataFull", "CtDataLimited")
SEGMENTATION = "reconFullFbpSeg"
MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
TEXTS = {
    "projectName": "project",
    "scanner": "scanner",
    "measurers": "measurers",
    "date": "date",
    "detector": "detector model",
    "tube": "X-ray tube",
    "voltage": "tube voltage",
    "current": "tube current",
}  # of the parameters, and as they are told
NAMES = {
    "column_size_mm": "pixelSizePost",
    "source_origin_mm": "distanceSourceOrigin",
    "source_detector_mm": "distanceSourceDetector",
}


def is_htc2022(path: Path) -> bool:
    """Whether the MATLAB file (v5 or v7.3) holds one of the challenge's structs."""
    return is_mat(path) and any(name in STRUCTS for name in mat_names(path))


class Htc2022Scan(Scan):
    """``CtDataFull`` or ``CtDataLimited``: attenuation (angle, column), a fan on a flat detector, one item.

    The challenge projects the central slice of its cone beam, so the rays are a fan. Its angles turn as
    ours do (counter-clockwise, y up). ``NAME_seg.mat`` beside ``NAME.mat``, ``NAME_full.mat`` or
    ``NAME_limited.mat`` gives ``labels_image``, its pixels of the challenge's effective pixel size.

    Raises ScanError if the file is damaged, a parameter is missing or makes no sense.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        names = mat_names(path)
        name = next((name for name in names if name in STRUCTS), None)
        if name is None:
            raise ScanError(f"{path} must hold {' or '.join(STRUCTS)}, got {_listed(names)}")
        content = read_mat(path, [name])
        self._samples = _samples(path, f"{name}.sinogram", field(path, content, f"{name}.sinogram"))
        parameters = content[name].get("parameters")
        if not isinstance(parameters, dict):
            raise ScanError(
                f"{path.name}: {name} must hold the struct parameters, got {_listed(content[name])}"
            )
        self._geometry, notes = self._read_geometry(parameters)
        self._pixel = _pixel_size(path, parameters)
        self._labels_image, companions = self._segmentation()
        self.info = ScanInfo(
            path=path,
            format="htc2022",
            shape=(1, *self._samples.shape),
            dtype=self._samples.dtype.name,
            labels=(str(parameters.get("projectName") or path.stem).strip("_ "),),
            has_reference=self._labels_image is not None,
            file_bytes=sum(file.stat().st_size for file in (path, *companions)),
            modality="ct",
            acquisition=self._geometry,
            quantity="attenuation",
            notes=notes,
            source={
                name: f"{parameters[key]} {parameters.get(f'{key}Unit') or ''}".strip()
                for key, name in TEXTS.items()
                if parameters.get(key) not in (None, "")
            },
            companions=companions,
        )

    def read(self, items: Sequence[int] | None = None) -> Sinogram:
        chosen = chosen_items(self.info, items)
        labels_image = self._labels_image
        sinogram = Sinogram(
            samples=np.repeat(self._samples[None], len(chosen), axis=0),
            quantity="attenuation",
            geometry=self._geometry,
            labels=tuple(self.info.labels[i] for i in chosen),
            labels_image=None if labels_image is None else np.repeat(labels_image[None], len(chosen), axis=0),
            image_pixel_mm=None if labels_image is None else self._pixel,
            source=self.info.source,
        )
        return checked_sinogram(self._path, sinogram, chosen)

    def close(self) -> None:
        self._samples = self._samples[:0]
        self._labels_image = None

    def _read_geometry(self, parameters: dict[str, Any]) -> tuple[ScanGeometry, tuple[str, ...]]:
        path = self._path
        unit = str(parameters.get("distanceUnit", "mm")).strip()
        if unit not in MM_PER_UNIT:
            raise ScanError(f"{path.name}: distanceUnit must be mm, cm or m, got {unit}")
        n_angles, n_columns = self._samples.shape
        values = np.atleast_1d(field(path, parameters, "angles"))
        angles, notes = check_angles(path, "angles", values, "deg", {"angle": n_angles, "column": n_columns})
        geometry = ScanGeometry(
            beam="fan",
            angles_rad=angles,
            column_size_mm=_number(path, parameters, "pixelSizePost"),
            source_origin_mm=_number(path, parameters, "distanceSourceOrigin") * MM_PER_UNIT[unit],
            source_detector_mm=_number(path, parameters, "distanceSourceDetector") * MM_PER_UNIT[unit],
            axis_column=(n_columns - 1) / 2,  # the challenge centred its sinograms
        )
        return geometry, notes + check_scan_geometry(path, geometry, n_columns, NAMES)

    def _segmentation(self) -> tuple[NDArray[np.uint8] | None, tuple[Path, ...]]:
        """The segmentation beside the scan, (y, x), and its file; nothing if there is none."""
        stems = [self._path.stem, self._path.stem.removesuffix("_full").removesuffix("_limited")]
        candidates = [self._path.with_name(f"{stem}_seg.mat") for stem in dict.fromkeys(stems)]
        file = next((one for one in candidates if one.is_file()), None)
        if file is None:
            return None, ()
        image = field(file, read_mat(file, [SEGMENTATION]), SEGMENTATION)
        if image.ndim != 2 or image.dtype.kind == "c":
            raise ScanError(f"{file.name}: {SEGMENTATION} must be an image (y, x), got shape {image.shape}")
        with np.errstate(invalid="ignore"):
            labels = image.astype(np.uint8)
        if image.size == 0 or not (labels == image).all():
            raise ScanError(f"{file.name}: {SEGMENTATION} must hold labels 0 to 255, got other values")
        return labels, (file,)


def _samples(path: Path, name: str, array: NDArray) -> NDArray:
    check_shape(path, name, array.shape, "(angle, column)")
    check_real(path, name, array.dtype)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _pixel_size(path: Path, parameters: dict[str, Any]) -> float:
    """Pixel of the segmentation, mm: of the detector, brought to the axis of rotation."""
    if "effectivePixelSizePost" in parameters:
        return _number(path, parameters, "effectivePixelSizePost")
    detector, origin = (_number(path, parameters, f"distanceSource{end}") for end in ("Detector", "Origin"))
    return _number(path, parameters, "pixelSizePost") * origin / detector


def _number(path: Path, parameters: dict[str, Any], key: str) -> float:
    """A positive parameter."""
    if key not in parameters:
        raise ScanError(f"{path.name}: parameters must hold {key}, got {_listed(parameters)}")
    try:
        value = float(np.asarray(parameters[key]).item())
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < math.inf:
        raise ScanError(f"{path.name}: {key} must be a positive number, got {parameters[key]}")
    return value


def _listed(names: Any) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "") or "nothing"

"""Export an image as DICOM Secondary Capture, one file per item."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from pydicom.valuerep import DSfloat

from proxflow.data.kspace import Geometry
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.image_stack import check_image, item_affines, slices_and_frames

RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
MODALITIES = {"mri": "MR", "ct": "CT"}
COMMENT = "Reconstructed by Proxflow from raw data. No patient data are known. Not for diagnostic use."


def write_dicom(
    folder: str | Path,
    image: NDArray,
    *,
    geometry: Geometry,
    labels: Sequence[str] = (),
    modality: str = "",
    description: str = "Proxflow reconstruction",
) -> list[Path]:
    """Write the magnitude of image (item, y, x) as ``folder``/0001.dcm, ...; return the paths.

    16-bit pixels share one scale: value = pixel * RescaleSlope. All files form one new series of one new
    study. Patient attributes are empty: raw data carry none we trust. Positions are written only where
    the geometry knows them. Frames of one slice are numbered as temporal positions.

    ``modality`` is the kind of scan (ct, ct-dynamic, mri-...): Modality is CT, MR, or OT for any other. The
    class is Secondary Capture also for CT: CT Image Storage asks for Hounsfield units and a place in the
    patient, where ours has attenuation, in the unit of the image, and often no place.
    """
    folder = Path(folder)
    magnitude = np.abs(check_image(image, geometry)).astype(np.float64)
    slope = DSfloat(float(magnitude.max()) / 65535 or 1.0, auto_format=True)
    # Scale by the slope as written (16 characters), so that reading back is exact to half a step.
    pixels = np.clip(np.rint(magnitude / float(str(slope))), 0, 65535).astype("<u2")
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    affines = item_affines(geometry, image)
    _, n_frames = slices_and_frames(geometry, len(image))
    paths = []
    for i, plane in enumerate(pixels):
        dataset = _dataset(plane, slope, f"{description}: {labels[i]}" if labels else description)
        dataset.Modality = MODALITIES.get(modality.partition("-")[0], "OT")
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.InstanceNumber = i + 1
        if n_frames > 1:
            dataset.TemporalPositionIdentifier, dataset.NumberOfTemporalPositions = i % n_frames + 1, n_frames
        if geometry.voxel_size_mm is not None:
            depth, height, width = geometry.voxel_size_mm
            dataset.PixelSpacing, dataset.SliceThickness = _ds(height, width), _ds(depth)[0]
        if geometry.affine is not None:
            dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame, ""
            _place(dataset, affines[i])
        path = folder / f"{i + 1:04d}.dcm"
        with atomic_path(path) as temporary:
            dataset.save_as(temporary, enforce_file_format=True)
        paths.append(path)
    return paths


def _dataset(pixels: NDArray[np.uint16], slope: DSfloat, description: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        setattr(dataset, name, "")  # required by the standard, unknown to us
    for name in ("StudyID", "AccessionNumber", "ReferringPhysicianName", "PatientOrientation", "Laterality"):
        setattr(dataset, name, "")
    dataset.ConversionType, dataset.SeriesNumber = "WSD", 1
    dataset.Manufacturer, dataset.SecondaryCaptureDeviceManufacturer = "Proxflow", "Proxflow"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.SeriesDescription, dataset.ImageComments = description[:64], COMMENT
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", slope, "US"
    dataset.PixelData = pixels.tobytes()
    return dataset


def _place(dataset: Dataset, affine: NDArray[np.float64]) -> None:
    columns = affine[:3, :2] / np.linalg.norm(affine[:3, :2], axis=0)
    dataset.ImageOrientationPatient = _ds(*(columns[:, 0] * RAS_TO_LPS), *(columns[:, 1] * RAS_TO_LPS))
    dataset.ImagePositionPatient = _ds(*(affine[:3, 3] * RAS_TO_LPS))


def _ds(*values: float) -> list[DSfloat]:
    return [DSfloat(float(value), auto_format=True) for value in values]

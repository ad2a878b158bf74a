"""Image exports, read back through the libraries that other people use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.readers.image_h5 import read_image_h5
from proxflow.data.writers.apng import write_apng
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.dicom import write_dicom
from proxflow.data.writers.export import EXPORTS, export_image
from proxflow.data.writers.image_h5 import write_image_h5
from proxflow.data.writers.nifti import write_nifti
from proxflow.data.writers.png import write_png
from proxflow.data.writers.tiff import write_tiff

# Oblique: columns step along (-1.2, 0, 0.9), rows along (0, -2, 0), slices along (2.4, 0, 3.2).
AFFINE = ((-1.2, 0.0, 2.4, 11.0), (0.0, -2.0, 0.0, 22.0), (0.9, 0.0, 3.2, 33.0), (0.0, 0.0, 0.0, 1.0))
GEOMETRY = Geometry((7, 5), (4.0, 14.0, 7.5), AFFINE, slices=(3, 1, 2))


@pytest.fixture
def image() -> np.ndarray:
    random = np.random.default_rng(8)
    return (random.normal(size=(3, 7, 5)) + 1j * random.normal(size=(3, 7, 5))).astype(np.complex64)


def position(item: int, y: int, x: int) -> np.ndarray:
    return (np.array(AFFINE) @ [x, y, GEOMETRY.slices[item], 1])[:3]


def test_a_full_disk_is_told_with_the_file_and_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import resource, signal
import numpy as np
from proxflow.data.kspace import Geometry
from proxflow.data.writers.image_h5 import write_image_h5
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for _ in range(2):  # HDF5 that failed once used to take the process down at the next file
    try:
        write_image_h5({str(tmp_path / "image.h5")!r}, np.ones((2, 256, 256), np.complex64),
                       geometry=Geometry((256, 256), slices=(0, 1)))
    except OSError as error:
        print(error.filename, error.strerror)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == 2 * [f"{tmp_path / 'image.h5'} File too large"]
    assert list(tmp_path.iterdir()) == []


def test_nifti_maps_a_voxel_to_its_place(image: np.ndarray, tmp_path: Path) -> None:
    nifti = nibabel.load(write_nifti(tmp_path / "a.nii.gz", image, geometry=GEOMETRY))
    assert nifti.shape == (5, 7, 3)
    assert nifti.header.get_xyzt_units()[0] == "mm"
    assert (int(nifti.header["sform_code"]), int(nifti.header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(nifti.header.get_zooms(), (1.5, 2.0, 4.0), rtol=1e-6)
    data = np.asarray(nifti.dataobj)
    for item, y, x in ((0, 2, 4), (1, 6, 0), (2, 0, 1)):
        index = np.linalg.inv(nifti.affine) @ [*position(item, y, x), 1]
        np.testing.assert_allclose(index, np.rint(index), atol=1e-4)
        assert data[tuple(np.rint(index[:3]).astype(int))] == pytest.approx(abs(image[item, y, x]))


def test_nifti_of_a_wider_image_keeps_the_centre(tmp_path: Path) -> None:
    wide = np.zeros((3, 10, 8), np.complex64)
    wide[0, 10 // 2, 8 // 2] = 1
    nifti = nibabel.load(write_nifti(tmp_path / "a.nii", wide, geometry=GEOMETRY))
    index = np.argwhere(np.asarray(nifti.dataobj) == 1)[0]
    np.testing.assert_allclose((nifti.affine @ [*index, 1])[:3], position(0, 7 // 2, 5 // 2), atol=1e-4)


def test_nifti_without_position_is_axial_and_frames_are_the_fourth_axis(
    image: np.ndarray, tmp_path: Path
) -> None:
    geometry = Geometry((7, 5), slices=(0, 0, 0))
    nifti = nibabel.load(write_nifti(tmp_path / "a.nii", image, geometry=geometry, complex_values=True))
    assert nifti.shape == (5, 7, 1, 3)
    assert nibabel.aff2axcodes(nifti.affine) == ("L", "P", "S")
    assert int(nifti.header["sform_code"]) == 2
    np.testing.assert_array_equal(np.asarray(nifti.dataobj)[:, :, 0, 1], image[1].T)
    with pytest.raises(ScanError, match=r"equally spaced slices, got slices \[0, 1, 5\]"):
        write_nifti(tmp_path / "b.nii", image, geometry=Geometry((7, 5), slices=(0, 1, 5)))


def test_dicom_reads_back(image: np.ndarray, tmp_path: Path) -> None:
    paths = write_dicom(tmp_path / "series", image, geometry=GEOMETRY, labels=("a", "b", "c"))
    files = [pydicom.dcmread(path) for path in paths]
    assert len({file.SOPInstanceUID for file in files}) == 3
    assert len({file.SeriesInstanceUID for file in files}) == 1
    assert all(pydicom.uid.UID(str(file.SOPInstanceUID)).is_valid for file in files)
    for item, file in enumerate(files):
        assert (file.PatientName, file.PatientID) == ("", "")
        assert "No patient data are known" in file.ImageComments
        values = file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept)
        np.testing.assert_allclose(values, np.abs(image[item]), atol=0.51 * float(file.RescaleSlope))
        rows, columns = np.array(file.ImageOrientationPatient, float).reshape(2, 3)
        dy, dx = (float(size) for size in file.PixelSpacing)
        y, x = 6, 3
        lps = np.array(file.ImagePositionPatient, float) + rows * dx * x + columns * dy * y
        np.testing.assert_allclose(lps * [-1, -1, 1], position(item, y, x), atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "modality"),
    [("ct", "CT"), ("ct-dynamic", "CT"), ("mri-radial", "MR"), ("radar", "OT"), ("", "OT")],
)
def test_dicom_says_how_the_image_was_made(
    image: np.ndarray, tmp_path: Path, kind: str, modality: str
) -> None:
    (path, *_) = write_dicom(tmp_path / "series", image, geometry=GEOMETRY, modality=kind)
    assert pydicom.dcmread(path).Modality == modality


def test_tiff_and_png_hold_the_magnitude(image: np.ndarray, tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", image, geometry=GEOMETRY)
    np.testing.assert_allclose(tifffile.imread(path), np.abs(image), rtol=1e-6)
    first = write_png(tmp_path / "png", image, geometry=GEOMETRY, window=(0.5, 1.5))[0]
    expected = np.rint(255 * np.clip(np.abs(image[0]).astype(float) - 0.5, 0, 1))
    np.testing.assert_array_equal(np.asarray(Image.open(first)), expected)
    with pytest.raises(ScanError, match="window must rise"):
        write_png(tmp_path, image, geometry=GEOMETRY, window=(1.0, 1.0))


def test_image_h5_round_trip_with_long_attributes(image: np.ndarray, tmp_path: Path) -> None:
    attributes = {"method": "tv", "recipe": "x" * 100_000, "n_iter": 30, "lam": 0.01}
    path = write_image_h5(tmp_path / "image.h5", image, geometry=GEOMETRY, attributes=attributes)
    stored = read_image_h5(path)
    np.testing.assert_array_equal(stored.image, image)
    assert stored.image.dtype == np.complex64
    assert (stored.geometry, dict(stored.attributes)) == (GEOMETRY, attributes)


def test_maps_lie_beside_the_image_and_are_exported_by_name(image: np.ndarray, tmp_path: Path) -> None:
    spread = np.abs(image)
    maps = {"std": (spread, "spread of samples")}
    path = write_image_h5(tmp_path / "image.h5", image, geometry=GEOMETRY, labels=("a", "b", "c"), maps=maps)
    np.testing.assert_array_equal(read_image_h5(path).image, image)
    assert read_image_h5(path, companion="std").labels == ("a", "b", "c")
    assert export_image(path, "npy", tmp_path, companion="std") == tmp_path / "image-std.npy"
    np.testing.assert_array_equal(np.load(tmp_path / "image-std.npy"), spread)
    with h5py.File(path) as file:
        assert file["maps/std"].attrs["description"] == "spread of samples"
    for absent in ("var", "../image"):
        with pytest.raises(ScanError, match=f"must hold a map {absent}, got one with std"):
            export_image(path, "npy", tmp_path, companion=absent)
    for wrong in (image, spread[:2]):
        with pytest.raises(ScanError, match=r"map std must be real of shape"):
            write_image_h5(tmp_path / "b.h5", image, geometry=GEOMETRY, maps={"std": (wrong, "")})
    assert not (tmp_path / "b.h5").exists()


def test_every_export_of_a_stored_image(image: np.ndarray, tmp_path: Path) -> None:
    path = write_image_h5(tmp_path / "image.h5", image, geometry=GEOMETRY, labels=("a", "b", "c"))
    for kind in EXPORTS:
        assert export_image(path, kind, tmp_path / "out").exists()
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "image.npy"), image)
    with pytest.raises(ScanError, match="kind must be one of nifti"):
        export_image(path, "jpeg", tmp_path)
    with pytest.raises(ScanError, match="must be an existing image file"):
        export_image(tmp_path / "absent.h5", "npy", tmp_path)


def test_exports_refuse_what_is_no_stack(image: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"image must be a float or complex array \(item, y, x\)"):
        write_tiff(tmp_path / "a.tif", image[0], geometry=GEOMETRY)
    with pytest.raises(ScanError, match="image must be finite, got 1"):
        write_tiff(
            tmp_path / "a.tif", np.where(np.arange(5) > -1, image, 0) * _one_nan(image), geometry=GEOMETRY
        )
    with pytest.raises(ScanError, match="geometry must name the slice of 2 items, got 3"):
        write_tiff(tmp_path / "a.tif", image[:2], geometry=GEOMETRY)
    assert list(tmp_path.iterdir()) == []


def _one_nan(image: np.ndarray) -> np.ndarray:
    factor = np.ones(image.shape, np.float32)
    factor[1, 2, 3] = np.nan
    return factor


def test_atomic_path_leaves_nothing_behind_on_failure(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "a.txt"
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


SERIES = Geometry((7, 5), (4.0, 14.0, 7.5), slices=(0, 0, 0))


def test_frames_are_an_axis_of_their_own(image: np.ndarray, tmp_path: Path) -> None:
    nifti = nibabel.load(write_nifti(tmp_path / "a.nii", image, geometry=SERIES))
    assert nifti.shape == (5, 7, 1, 3) and b"axis 4: frames" in nifti.header["descrip"].item()
    np.testing.assert_allclose(np.asarray(nifti.dataobj)[:, :, 0, 2], np.abs(image[2]).T, rtol=1e-6)
    with tifffile.TiffFile(write_tiff(tmp_path / "a.tif", image, geometry=SERIES)) as file:
        assert (file.series[0].axes, file.series[0].shape, len(file.pages)) == ("TYX", (3, 7, 5), 3)
        np.testing.assert_allclose(file.asarray(), np.abs(image), rtol=1e-6)
    both = Geometry((7, 5), slices=(4, 4, 4, 6, 6, 6))
    twice = np.concatenate([image, 2 * image])
    with tifffile.TiffFile(write_tiff(tmp_path / "b.tif", twice, geometry=both)) as file:
        assert (file.series[0].axes, file.series[0].shape) == ("ZTYX", (2, 3, 7, 5))
        np.testing.assert_allclose(file.asarray()[1], 2 * np.abs(image), rtol=1e-6)


@pytest.mark.parametrize("slices", [(3, 1, 2), (), (0, 0, 1), (0, 1, 0)])
def test_other_stacks_are_slices(image: np.ndarray, tmp_path: Path, slices: tuple[int, ...]) -> None:
    path = write_tiff(tmp_path / "a.tif", image, geometry=Geometry((7, 5), slices=slices))
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "ZYX" and len(file.pages) == 3


def test_dicom_numbers_frames_in_time(image: np.ndarray, tmp_path: Path) -> None:
    files = [pydicom.dcmread(path) for path in write_dicom(tmp_path / "series", image, geometry=SERIES)]
    assert [file.TemporalPositionIdentifier for file in files] == [1, 2, 3]
    assert {file.NumberOfTemporalPositions for file in files} == {3}
    slices = [pydicom.dcmread(path) for path in write_dicom(tmp_path / "b", image, geometry=GEOMETRY)]
    assert not any("NumberOfTemporalPositions" in file for file in slices)


def test_animated_png_shows_every_item_in_turn(image: np.ndarray, tmp_path: Path) -> None:
    path = write_apng(tmp_path / "a.png", image, geometry=SERIES, window=(0.5, 1.5))
    stills = write_png(tmp_path / "png", image, geometry=SERIES, window=(0.5, 1.5))
    with Image.open(path) as moving:
        assert moving.format == "PNG" and moving.n_frames == 3 and moving.info["loop"] == 0
        for k, still in enumerate(stills):
            moving.seek(k)
            np.testing.assert_array_equal(np.asarray(moving.convert("L")), np.asarray(Image.open(still)))
        assert moving.info["duration"] == 400
    with Image.open(write_apng(tmp_path / "b.png", image[:1], geometry=Geometry((7, 5)))) as one:
        assert getattr(one, "n_frames", 1) == 1

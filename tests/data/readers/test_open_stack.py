"""Stacks of pictures are read image by image where their form allows it, and told to be held where not."""

from __future__ import annotations

import gzip
import logging
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pytest
import tifffile

from proxflow.data.errors import ScanError
from proxflow.data.readers.open_stack import open_stack
from tests.dicom_files import write_dicom

STACK = np.random.default_rng(4).integers(0, 4000, (40, 90, 70)).astype(np.uint16)  # half a megabyte


def nifti(path: Path, slope: float | None = None) -> None:
    image: Any = nibabel.Nifti1Image(STACK.transpose(2, 1, 0), np.eye(4))  # type: ignore[no-untyped-call,attr-defined]
    image.header.set_slope_inter(slope, 0 if slope else None)
    image.to_filename(path)


@pytest.fixture
def stack_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write STACK into the file or folder of that name, in the form that its suffix tells."""

    def write(name: str) -> Path:
        path = tmp_path / name
        if name.endswith((".nii", ".nii.gz")):
            nifti(path)
        elif name == "fortran.npy":
            np.save(path, np.asfortranarray(STACK))
        elif name.endswith(".npy"):
            np.save(path, STACK)
        elif name.endswith(".npz"):
            np.savez(path, images=STACK)
        elif name.endswith(".h5"):
            with h5py.File(path, "w") as file:
                file["images"] = STACK
        elif name.endswith(".tif"):
            packed = "zlib" if name == "packed.tif" else None
            tifffile.imwrite(path, STACK, photometric="minisblack", metadata=None, compression=packed)
        elif name.endswith(".dcm"):
            write_dicom(path, STACK)
        else:
            path.mkdir()
            for number, plane in enumerate(STACK):
                write_dicom(path / f"{number}.dcm", plane, InstanceNumber=number)
        return path

    return write


@pytest.mark.parametrize(
    "name", ["a.npy", "fortran.npy", "a.h5", "a.tif", "packed.tif", "a.nii", "a.dcm", "folder"]
)
def test_an_image_is_read_by_itself(name: str, stack_file: Callable[[str], Path]) -> None:
    with open_stack(stack_file(name)) as stack:
        assert (stack.shape, stack.held_bytes) == (STACK.shape, 0)
        stack.image(0)  # loads what the form's library loads late
        tracemalloc.start()
        try:
            image, taken = stack.image(37), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert taken < STACK.nbytes / 1.5
    np.testing.assert_array_equal(image, STACK[37])


@pytest.mark.parametrize("name", ["a.nii.gz", "a.npz"])
def test_what_is_read_as_a_whole_is_told(name: str, stack_file: Callable[[str], Path]) -> None:
    with open_stack(stack_file(name)) as stack:
        assert stack.held_bytes == STACK.nbytes
        np.testing.assert_array_equal(stack.image(37), STACK[37])


def test_what_is_read_as_a_whole_is_read_when_it_is_asked_for(stack_file: Callable[[str], Path]) -> None:
    volume, archive = stack_file("a.nii.gz"), stack_file("a.npz")
    volume.write_bytes(volume.read_bytes()[:100_000])
    damaged = bytearray(archive.read_bytes())
    damaged[1000:1020] = bytes(20)
    archive.write_bytes(damaged)
    for path, words in (
        (volume, "readable NIfTI file, got an error: Compr"),
        (archive, "complete NumPy file"),
    ):
        with open_stack(path) as stack, pytest.raises(ScanError, match=f"{path.name} must be a {words}"):
            stack.image(0)


def test_a_volume_larger_than_its_file_can_hold_is_refused(stack_file: Callable[[str], Path]) -> None:
    path = stack_file("a.nii")
    raw = bytearray(path.read_bytes())
    raw[42:48] = b"\xff\x7f" * 3  # 32767 along each axis
    (path.parent / "a.nii.gz").write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(ScanError, match=r"a.nii.gz: the volume must fit its file, got 703\d+ declared bytes"):
        open_stack(path.parent / "a.nii.gz")


def test_a_damaged_header_is_told_once(
    stack_file: Callable[[str], Path], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = stack_file("a.nii")
    raw = bytearray(path.read_bytes())
    raw[70:72] = b"\x63\0"
    path.write_bytes(raw)
    with pytest.raises(ScanError, match=r"a.nii must be a readable NIfTI file, got an error: data code 99"):
        open_stack(path)
    assert not caplog.records and capfd.readouterr() == ("", "")
    assert logging.getLogger("nibabel.global").isEnabledFor(logging.WARNING)  # for all that reads after


def test_scaled_slices_are_those_of_the_scaled_volume(tmp_path: Path) -> None:
    """Of .nii.gz the stored and the scaled values lie in memory at once."""
    for name in ("a.nii", "a.nii.gz"):
        nifti(tmp_path / name, slope=0.3)
    with open_stack(tmp_path / "a.nii") as one, open_stack(tmp_path / "a.nii.gz") as whole:
        np.testing.assert_array_equal(one.image(5), whole.image(5))
        np.testing.assert_allclose(one.image(5), 0.3 * STACK[5], rtol=1e-6)
        assert (one.held_bytes, whole.held_bytes) == (0, STACK.size * (8 + 2))


def test_an_unfinished_volume_is_refused_before_it_is_read(stack_file: Callable[[str], Path]) -> None:
    path = stack_file("a.nii")
    path.write_bytes(path.read_bytes()[:-1])
    size = path.stat().st_size
    with pytest.raises(ScanError, match=rf"a.nii must hold its {size + 1} declared bytes, got {size}"):
        open_stack(path)


def test_chunks_of_one_image_alone_are_not_kept(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=STACK, chunks=(1, 45, 70), compression="gzip")
    with open_stack(tmp_path / "a.h5") as stack:
        assert stack.held_bytes == 0
        np.testing.assert_array_equal(stack.image(37), STACK[37])


@pytest.mark.parametrize("lead", [(24,), (4, 6)])
def test_a_compressed_chunk_is_kept_for_the_images_that_share_it(
    lead: tuple[int, ...], tmp_path: Path
) -> None:
    """The chunks of one image, more than HDF5 keeps by itself, are damaged once the first was read."""
    shape, path = (*lead, 330, 310), tmp_path / "a.h5"
    numbered = np.arange(24, dtype=np.float32).reshape(*lead, 1, 1) + np.zeros(shape, np.float32)
    with h5py.File(path, "w") as file:
        made = file.create_dataset("a", data=numbered, chunks=(*lead, 330, 155), compression="gzip")
        places = [made.id.get_chunk_info(number) for number in range(2)]
    with open_stack(path) as stack:
        assert stack.held_bytes == numbered.nbytes
        assert (stack.image(0) == 0).all()
        with path.open("r+b") as raw:
            for place in places:
                raw.seek(place.byte_offset)
                raw.write(b"\xff" * place.size)
        assert (stack.image(23) == 23).all()
    with open_stack(path) as stack, pytest.raises(ScanError, match=r"a.h5: a must be readable, got damaged"):
        stack.image(23)

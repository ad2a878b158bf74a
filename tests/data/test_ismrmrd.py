"""ISMRMRD files made with the ismrmrd package, and the measured phantom."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import h5py
import ismrmrd
import numpy as np
import pytest

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan


def oversampled(brain: np.ndarray, foreign: SimpleNamespace) -> np.ndarray:
    """k-space of the same images in a twice wider field of view along x."""
    nx = brain.shape[-1]
    images = foreign.ifft2c(brain)
    wide = np.pad(images, [(0, 0)] * 3 + [(nx - nx // 2, nx // 2)])
    return foreign.fftc(foreign.fftc(wide, -1), -2).astype(np.complex64)


def test_multislice_scan_with_noise_navigators_averages_and_reversed_lines(
    brain: np.ndarray, foreign: SimpleNamespace, tmp_path: Path
) -> None:
    random = np.random.default_rng(1)
    lines, make = oversampled(brain, foreign), foreign.acquisition
    noise = random.normal(size=(4, 2000)) + 1j * random.normal(size=(4, 2000))
    file = [make(noise, flags=(ismrmrd.ACQ_IS_NOISE_MEASUREMENT,), sample_time_us=8.0)]
    file.append(make(np.ones((4, 7)), flags=(ismrmrd.ACQ_IS_NAVIGATION_DATA,)))
    file.append(make(np.ones((4, 80)), flags=(ismrmrd.ACQ_IS_DUMMYSCAN_DATA,)))
    for row in range(48):
        for item in (1, 0):
            for average, change in enumerate((1 + 0.25j, 1 - 0.25j)):
                line, flags = lines[item, :, row] * change, ()
                if average:
                    line, flags = line[:, ::-1], (ismrmrd.ACQ_IS_REVERSE,)
                counters = {"kspace_encode_step_1": row, "slice": item, "average": average}
                file.append(make(line, flags=flags, sample_time_us=2.0, **counters))
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((1, 48, 40), oversampling=2), file)
    with open_scan(path) as scan:
        assert scan.info.format == "ismrmrd"
        assert scan.info.shape == (2, 4, 48, 40)
        assert scan.info.labels == ("slice 0", "slice 1")
        assert "2 navigator, correction, feedback or dummy acquisitions left out." in scan.info.notes
        read = scan.read()
        second = scan.read([1])
    np.testing.assert_allclose(read.samples, brain, rtol=0, atol=2e-6 * np.abs(brain).max())
    np.testing.assert_array_equal(second.samples, read.samples[1:])
    assert read.mask.shape == (1, 48, 40)
    assert read.mask.all()
    assert read.noise is not None
    # The image's dwell time is a quarter, so its noise deviates twice as much; two averages.
    np.testing.assert_allclose(read.noise, noise * 2 / np.sqrt(2), rtol=1e-6)


def test_readout_crop_keeps_the_noise_deviation(foreign: SimpleNamespace, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(64, 2, 128)) + 1j * random.normal(size=(64, 2, 128))
    file = [foreign.acquisition(line, kspace_encode_step_1=row) for row, line in enumerate(values)]
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((1, 64, 64), oversampling=2), file)
    with open_scan(path) as scan:
        assert scan.read().samples.std() == pytest.approx(np.sqrt(2), rel=0.02)


def test_partial_fourier_and_asymmetric_echo_stay_unsampled(
    brain: np.ndarray, foreign: SimpleNamespace, tmp_path: Path
) -> None:
    # 30 of 48 lines with the centre at counter 10 of 48, and 28 of 40 samples with the centre at 8.
    rows, columns = np.arange(14, 44), np.arange(12, 40)
    file = [
        foreign.acquisition(brain[0][:, row, columns], kspace_encode_step_1=row - 14, center_sample=8)
        for row in rows
    ]
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((1, 48, 40), centre=10), file)
    with open_scan(path) as scan:
        read = scan.read()
    expected = np.zeros((48, 40), bool)
    expected[np.ix_(rows, columns)] = True
    np.testing.assert_array_equal(read.mask[0], expected)
    np.testing.assert_array_equal(read.samples[0], brain[0] * expected)


@pytest.mark.parametrize(("mode", "kept"), [("embedded", True), ("separate", False)])
def test_calibration_lines_fill_gaps_unless_separate(
    brain: np.ndarray, foreign: SimpleNamespace, tmp_path: Path, mode: str, kept: bool
) -> None:
    calibration, both = (
        (ismrmrd.ACQ_IS_PARALLEL_CALIBRATION,),
        (ismrmrd.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING,),
    )
    file = []
    for row in range(0, 48, 2):
        flags = both if 18 <= row < 30 else ()
        file.append(foreign.acquisition(brain[0][:, row], flags=flags, kspace_encode_step_1=row))
    for row in range(18, 30):  # even ones lie on imaging lines and must not change them
        file.append(
            foreign.acquisition(brain[0][:, row] * (1 + row % 2), flags=calibration, kspace_encode_step_1=row)
        )
    extra = (
        "<parallelImaging><accelerationFactor><kspace_encoding_step_1>2</kspace_encoding_step_1>"
        "<kspace_encoding_step_2>1</kspace_encoding_step_2></accelerationFactor>"
        f"<calibrationMode>{mode}</calibrationMode></parallelImaging>"
    )
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((1, 48, 40), extra=extra), file)
    with open_scan(path) as scan:
        read = scan.read()
        assert any("separate calibration" in note for note in scan.info.notes) is not kept
    sampled = read.mask[0, :, 0]
    assert sampled[0:48:2].all()
    assert sampled[19:30:2].all() == kept
    assert not sampled[1:17:2].any()
    np.testing.assert_array_equal(read.samples[0][:, 0:48:2], brain[0][:, 0:48:2])


def volume(foreign: SimpleNamespace) -> np.ndarray:
    random = np.random.default_rng(5)
    shape = (2, 6, 10, 8)  # coil, z, y, x
    return (random.normal(size=shape) + 1j * random.normal(size=shape)).astype(np.complex64)


def test_full_partitions_become_slices(foreign: SimpleNamespace, tmp_path: Path) -> None:
    images = volume(foreign)
    lines = foreign.fftc(foreign.fftc(foreign.fftc(images, 3), 2), 1)
    rows = [r for r in range(10) if r % 3 != 1]
    file = [
        foreign.acquisition(
            lines[:, z, y], kspace_encode_step_1=y, kspace_encode_step_2=z, slice_dir=(0, 0, 1)
        )
        for z in range(6)
        for y in rows
    ]
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((6, 10, 8)), file)
    with open_scan(path) as scan:
        assert scan.info.shape == (6, 2, 10, 8)
        read = scan.read([2, 5])
    expected = foreign.fftc(foreign.fftc(images, 3), 2).transpose(1, 0, 2, 3)[[2, 5]]
    sampled = np.isin(np.arange(10), rows)
    np.testing.assert_array_equal(read.mask[0], np.repeat(sampled[:, None], 8, axis=1))
    np.testing.assert_allclose(read.samples, expected * sampled[:, None], rtol=0, atol=1e-5)


def test_undersampling_in_both_phase_encodings_becomes_readout_positions(
    foreign: SimpleNamespace, tmp_path: Path
) -> None:
    images = volume(foreign)
    lines = foreign.fftc(foreign.fftc(foreign.fftc(images, 3), 2), 1)
    mask = np.random.default_rng(6).random((6, 10)) < 0.5
    directions = {"read_dir": (1, 0, 0), "phase_dir": (0, 1, 0), "slice_dir": (0, 0, 1)}
    file = [
        foreign.acquisition(lines[:, z, y], kspace_encode_step_1=y, kspace_encode_step_2=z, **directions)
        for z, y in zip(*np.nonzero(mask), strict=True)
    ]
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((6, 10, 8)), file)
    with open_scan(path) as scan:
        assert scan.info.shape == (8, 2, 6, 10)
        assert scan.info.labels[3] == "x position 3"
        read = scan.read()
    np.testing.assert_array_equal(read.mask, mask[None])
    expected = foreign.fftc(foreign.fftc(images, 2), 1).transpose(3, 0, 1, 2)
    np.testing.assert_allclose(read.samples, expected * mask, rtol=0, atol=1e-5)
    assert read.geometry.voxel_size_mm == (1.5, 5.0, 2.0)  # x, z, y of the scanner
    # Column steps along y (posterior), rows along z (superior), items along x (left).
    np.testing.assert_allclose(np.array(read.geometry.affine)[:3, :3], [[0, 0, -1.5], [-2, 0, 0], [0, 5, 0]])


def test_affine_is_position_and_directions_turned_to_ras(
    brain: np.ndarray, foreign: SimpleNamespace, tmp_path: Path
) -> None:
    read_dir, phase_dir, slice_dir = np.array([[0, 0.6, -0.8], [1, 0, 0], [0, -0.8, -0.6]])
    centre, gap = np.array([10.0, -20.0, 30.0]), 7.0
    file = []
    for row in range(48):
        for counter, rank in ((0, 1), (1, 0)):  # numbered against the slice direction
            position = centre + rank * gap * slice_dir
            where = {
                "position": position,
                "read_dir": read_dir,
                "phase_dir": phase_dir,
                "slice_dir": slice_dir,
            }
            line = brain[counter][:, row]
            file.append(foreign.acquisition(line, kspace_encode_step_1=row, slice=counter, **where))
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((1, 48, 40)), file)
    with open_scan(path) as scan:
        geometry = scan.info.geometry
    assert geometry.slices == (1, 0)
    assert geometry.voxel_size_mm == (5.0, 2.0, 1.5)
    ix, iy = 3, 41
    for item, rank in enumerate((1, 0)):
        lps = centre + rank * gap * slice_dir + (ix - 20) * 1.5 * read_dir + (iy - 24) * 2.0 * phase_dir
        ras = np.array(geometry.affine) @ [ix, iy, geometry.slices[item], 1]
        np.testing.assert_allclose(ras[:3], lps * [-1, -1, 1], atol=1e-4)


def test_only_the_lines_asked_for_are_read(
    brain: np.ndarray, foreign: SimpleNamespace, tmp_path: Path
) -> None:
    file = []
    for item in (0, 1):
        for row in range(48):
            file.append(foreign.acquisition(brain[item][:, row], kspace_encode_step_1=row, slice=item))
    path = foreign.ismrmrd(tmp_path / "scan.h5", foreign.header((1, 48, 40)), file)
    with h5py.File(path, "r+") as h5:
        last = h5["dataset/data"][95]
        last["data"] = last["data"][:-2]  # a line of slice 1 lost a sample
        h5["dataset/data"][95] = last
    with open_scan(path) as scan:
        np.testing.assert_array_equal(scan.read([0]).samples[0], brain[0])
        with pytest.raises(ScanError, match="acquisition 95 must hold 4 channels of 40 complex samples"):
            scan.read([1])


def test_what_cannot_be_a_cartesian_grid_is_refused(
    brain: np.ndarray, foreign: SimpleNamespace, tmp_path: Path
) -> None:
    line = foreign.acquisition(brain[0][:, 0])
    far = foreign.acquisition(brain[0][:, 0], kspace_encode_step_1=60)
    wide = foreign.acquisition(np.ones((4, 50)))
    fewer = foreign.acquisition(brain[0][:3, 0])
    noise = foreign.acquisition(brain[0][:, 0], flags=(ismrmrd.ACQ_IS_NOISE_MEASUREMENT,))
    header = foreign.header((1, 48, 40))
    cases = [
        (
            foreign.header((1, 48, 40), trajectory="epi"),
            [line],
            "trajectory must be cartesian, got epi",
        ),
        (b"<nonsense", [line], "XML header must follow the ISMRMRD schema"),
        (
            header.replace(b"<x>40</x>", b"<x>many</x>", 1),
            [line],
            "XML header must follow the ISMRMRD schema",
        ),
        (foreign.header((1, 60000, 60000)), [line], "must fit its file|must fit the encoded matrix"),
        (header, [far], "kspace_encode_step_1 must lie in the encoded matrix of 48 .* got 60 to 60"),
        (header, [wide], "readouts must fit the encoded matrix of 40 columns, got 50 samples"),
        (header, [line, fewer], "active_channels must be the same in every imaging line, got 3, 4"),
        (header, [noise], "must hold imaging lines, got none in 1 acquisitions"),
    ]
    for number, (xml, lines, sentence) in enumerate(cases):
        path = foreign.ismrmrd(tmp_path / f"{number}.h5", xml, lines)
        with pytest.raises(ScanError, match=sentence):
            open_scan(path)


def test_measured_phantom_is_a_sharp_disc(foreign: SimpleNamespace) -> None:
    with open_scan("sample://phantom-2coil") as scan:
        assert scan.info.geometry.voxel_size_mm == (4.0, 1.25, 1.25)
        image = np.sqrt((np.abs(foreign.ifft2c(scan.read().samples[0])) ** 2).sum(0))
    bright = np.median(image[90:130, 70:90])
    assert image[:12, :12].mean() < 0.15 * bright  # air
    assert image[52:66, 100:120].mean() < 0.3 * bright  # the insert, above the bar: upright
    assert np.abs(image[70:80, 10:150]).max() > 0.8 * bright
    edge = image[:40, 80] / bright  # from air into the phantom within three pixels
    first = int(np.argmax(edge > 0.7))
    assert edge[first - 3] < 0.3

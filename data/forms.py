"""The forms that scans have: their readers, and what tells one from another."""

from __future__ import annotations

from typing import Literal, NamedTuple

Container = Literal["HDF5", "MATLAB", "NumPy", "TIFF", "BART", "CSV", "Twix", "Picture"]


class Form(NamedTuple):
    """A reader's module and class, and the function that tells its form from the others of one name.

    ``told_by`` names a function of that module, of an open HDF5 file or of a path; ``modality`` is what a
    sidecar must give, or the caller where there is no sidecar and the form is read ``bare``, at the angles of
    a schedule. A form with neither takes what is left, and says what is wrong with it.
    """

    module: str
    reader: str
    told_by: str | None = None
    modality: str | None = None
    bare: bool = False


class Kind(NamedTuple):
    """A name one may give as ``reader``: the container its files are, and the forms it covers.

    ``told_by`` is the function that tells it from the others of its container, as ``module:function``.
    """

    container: Container
    forms: tuple[Form, ...]
    told_by: str | None = None


# Containers known by their first bytes. BART, CSV, Twix and NIfTI files are known by their names, DICOM
# by bytes further in.
SIGNATURES: dict[Container, tuple[bytes, ...]] = {
    "HDF5": (b"\x89HDF\r\n\x1a\n",),
    "MATLAB": (b"MATLAB ",),
    "NumPy": (b"\x93NUMPY", b"PK\x03\x04"),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "Picture": (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"),
}

PAGES = (".tif", ".tiff")  # names of the files of which a folder is a stack

# Where pictures may lie besides the container of their own: read if the caller says that they are pictures.
PICTURES_TOO: tuple[Container, ...] = ("HDF5", "NumPy", "TIFF")

# Within a container the first kind whose ``told_by`` holds is taken.
READERS: dict[str, Kind] = {
    "proxflow": Kind(
        "HDF5",
        (
            Form("radial_h5", "RadialH5Scan", "is_radial_h5"),
            Form("dynamic_kspace_h5", "DynamicH5Scan", "is_dynamic_h5"),
            Form("sinogram_h5", "SinogramH5Scan", "is_sinogram_h5"),
            Form("dynamic_sinogram_h5", "DynamicSinogramH5Scan", "is_dynamic_sinogram_h5"),
            Form("radar_h5", "RadarH5Scan", "is_radar_h5"),
            Form("kspace_h5", "KSpaceH5Scan"),
        ),
        "measurement_h5:is_measurement",
    ),
    "ismrmrd": Kind(
        "HDF5",
        (
            Form("ismrmrd_radial", "RadialIsmrmrdScan", "is_radial_ismrmrd"),
            Form("ismrmrd_h5", "IsmrmrdScan"),
        ),
        "ismrmrd_h5:is_ismrmrd",
    ),
    "nxtomo": Kind("HDF5", (Form("nxtomo", "NxtomoScan"),), "nxtomo:is_nxtomo"),
    "dxchange": Kind("HDF5", (Form("dxchange", "DxchangeScan"),), "dxchange:is_dxchange"),
    "fastmri": Kind("HDF5", (Form("fastmri", "FastMriScan"),), "fastmri:is_fastmri"),
    "htc2022": Kind("MATLAB", (Form("htc2022", "Htc2022Scan"),), "htc2022:is_htc2022"),
    "gotcha": Kind("MATLAB", (Form("gotcha", "GotchaScan"),), "gotcha:is_gotcha"),
    "matlab": Kind("MATLAB", (Form("radar_array", "RadarArrayScan"),), "radar_array:is_radar_array"),
    "numpy": Kind(
        "NumPy",
        (
            Form("radial_npz", "RadialNpzScan", "is_radial_npz"),
            Form("sinogram_array", "SinogramArrayScan", modality="ct"),
            Form("dynamic_array", "DynamicArrayScan", modality="ct-dynamic", bare=True),
            Form("radar_array", "RadarArrayScan", modality="radar"),
            Form("numpy_array", "NumpyScan"),
        ),
    ),
    "tiff": Kind("TIFF", (Form("tiff_stack", "TiffStackScan"),)),
    "bart": Kind("BART", (Form("bart", "BartScan"),)),
    "merit": Kind("CSV", (Form("merit", "MeritScan"),), "merit:is_merit"),
    "csv": Kind("CSV", (Form("radar_array", "RadarArrayScan"),)),
    "twix": Kind("Twix", (Form("twix", "TwixScan"),)),
    "image": Kind("Picture", (Form("image_file", "ImageFileScan"),)),
}

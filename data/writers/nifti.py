"""Export an image as NIfTI-1."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError
from proxflow.data.kspace import Geometry
from proxflow.data.writers.atomic import atomic_path
from proxflow.data.writers.image_stack import check_image, item_affines, item_grid

SCANNER, ALIGNED = 1, 2  # NIfTI's codes for what the affine refers to


def write_nifti(
    path: str | Path, image: NDArray, *, geometry: Geometry, complex_values: bool = False
) -> Path:
    """Write image (item, y, x) to a .nii or .nii.gz as (x, y, slice[, frame]), millimetres; return ``path``.

    The magnitude (float32) unless ``complex_values`` (complex64). Voxels are not reordered beyond the
    transposition: the affine carries every direction, so a viewer shows left, front and head where they
    are. Items of one slice are its frames, in their order, at times that are not told. Without a known
    position the plane is taken as axial, its affine coded "aligned" instead of "scanner" and the
    description says so. Raises ScanError if items form no grid of slices.
    """
    path = Path(path)
    if not path.name.endswith((".nii", ".nii.gz")):
        raise ScanError(f"path must end in .nii or .nii.gz, got {path.name}")
    image = check_image(image, geometry)
    grid = item_grid(geometry, len(image))
    values = image.astype(np.complex64) if complex_values else np.abs(image).astype(np.float32)
    volume = values[grid.items].transpose(3, 2, 1, 0)  # (frame, slice, y, x) to (x, y, slice, frame)
    if volume.shape[3] == 1:
        volume = volume[..., 0]
    affine = item_affines(geometry, image)[grid.items[0, 0]].copy()
    affine[:3, 2] *= grid.step
    known = geometry.affine is not None
    nifti = nibabel.Nifti1Image(volume, affine)
    nifti.set_sform(affine, SCANNER if known else ALIGNED)
    nifti.set_qform(affine, SCANNER if known else ALIGNED)
    nifti.header.set_xyzt_units("mm" if geometry.voxel_size_mm else "unknown", "unknown")
    said = ["Proxflow"] if known else ["Proxflow", "position unknown, taken as axial"]
    if len(grid.items) > 1:
        said.append("axis 4: frames")
    nifti.header["descrip"] = "; ".join(said).encode()
    with atomic_path(path) as temporary:
        nibabel.save(nifti, temporary)
    return path

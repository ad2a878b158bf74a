"""Labels of a lesion that is bright in FLAIR, for `reconresnet_table --lesions` where nobody has drawn one.

    python -m benchmarks.flair_lesion DATA/anatomy/mri_brain/tcga_fg_6692_flair_bet.nii.gz lesion.nii.gz

The brain is what is above 0, as in images without skull. Smoothed by a Gaussian of 1.5 voxels, the lesion is
the largest piece, opened and its holes filled, of what is brighter than the brain's median by 2.5 standard
deviations, which are taken from the median of the deviations, so that the lesion does not count. It is where
an image has changed, and no clinician's outline.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SMOOTH, BRIGHT = 1.5, 2.5  # voxels, standard deviations
OF_NORMAL = 1.4826  # standard deviation over the median of absolute deviations


def bright_piece(flair: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The lesion of a volume (x, y, z); nothing where no voxel is bright enough."""
    brain = flair > 0
    if not brain.any():
        return brain
    middle = np.median(flair[brain])
    spread = OF_NORMAL * np.median(np.abs(flair[brain] - middle))
    bright = brain & (ndimage.gaussian_filter(flair, SMOOTH) > middle + BRIGHT * spread)
    pieces, _ = ndimage.label(ndimage.binary_opening(bright))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    found: NDArray[np.bool_] = ndimage.binary_fill_holes((pieces == sizes.argmax()) & (pieces > 0))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("flair", type=Path, help="NIfTI, without skull")
    parser.add_argument("out", type=Path, help="NIfTI of 0 and 1 on the same voxels")
    asked = parser.parse_args()
    volume = nibabel.load(asked.flair)
    lesion = bright_piece(np.asarray(volume.dataobj, dtype=np.float64))
    if not lesion.any():
        raise SystemExit(f"{asked.flair} must show something brighter than the brain, found nothing")
    nibabel.save(nibabel.Nifti1Image(lesion.astype(np.uint8), volume.affine), asked.out)
    slices = np.flatnonzero(lesion.any((0, 1)))
    print(f"{asked.out}: {int(lesion.sum())} voxels in slices {slices[0]} to {slices[-1]}")


if __name__ == "__main__":
    main()

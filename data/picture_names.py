"""How pictures are named: files that their names tell, and one array of a file that holds several."""

from __future__ import annotations

NIFTI_NAMES = (".nii", ".nii.gz")


def split_array(place: str) -> tuple[str, str]:
    """``FILE::ARRAY`` as file and name of the array, "" where none is named."""
    text, _, array = place.partition("::")
    return text, array

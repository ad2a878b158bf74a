"""How pictures are named: files that their names tell, and one array of a file that holds several."""

from __future__ import annotations

import os

NIFTI_NAMES = (".nii", ".nii.gz")


def split_array(place: str) -> tuple[str, str]:
    """``FILE::ARRAY`` as file and name of the array, "" where none is named.

    A file, a folder or a BART pair of that very name is not cut: folders may hold ``::`` in their names. Else
    the last ``::`` counts.
    """
    whole = os.path.expanduser(place)  # noqa: PTH111 - as below: names too long or odd for Path are no files
    if "::" not in place or os.path.exists(whole) or os.path.exists(f"{whole}.cfl"):  # noqa: PTH110
        return place, ""
    text, _, array = place.rpartition("::")
    return text, array

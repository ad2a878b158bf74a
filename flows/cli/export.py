"""``proxflow export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from proxflow.flows.cli.options import Json


def command(
    run: Annotated[Path, Parameter(help="A run folder, or an image file in it, as result/images/tv.h5.")],
    /,
    *,
    to: Annotated[
        Literal["nifti", "dicom", "tiff", "png", "apng", "npy"], Parameter(help="The kind of file to write.")
    ],
    out: Annotated[
        Path | None, Parameter(name="--out", help="Folder to write to; beside the image if not given.")
    ] = None,
    companion: Annotated[
        str | None,
        Parameter(name="--map", help="A map in the image's place, as std: image-std.nii.gz."),
    ] = None,
    json: Json = False,
) -> int:
    """Write a run's image as NIfTI, DICOM, TIFF, PNG, animated PNG or NumPy.

    Examples:
        proxflow export runs/20260101-120000-brain --to nifti

        proxflow export result --to dicom --out series
    """
    from proxflow.data.writers.export import export_image
    from proxflow.tasks.errors import RequestError

    image = _image(run)
    folder = image.parent if out is None else out
    try:
        written = export_image(image, to, folder, companion=companion)
    except OSError as error:
        if error.filename is None:
            raise
        raise RequestError(
            f"--out must be a folder that can be written, got {folder}: {error.strerror}"
        ) from None
    if json:
        _print_json(written, to)
    else:
        print(f"wrote {written}")
    return 0


def _image(run: Path) -> Path:
    from proxflow.tasks.errors import RequestError

    image = run / "image.h5" if run.is_dir() else run
    if not image.is_file():
        what = "a run folder with image.h5" if run.is_dir() else "an existing run folder or image file"
        raise RequestError(f"export must be given {what}, got {run}")
    return image


def _print_json(written: Path, kind: str) -> None:
    import json

    print(json.dumps({"status": "done", "kind": kind, "path": str(written.resolve())}))

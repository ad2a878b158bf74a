"""``proxflow simulate``: scans of things that move, made of an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from proxflow.flows.cli.options import Json
from proxflow.tasks.simulation.requests import CtRequest, MriRequest, SimulationRequest

app = App(
    name="simulate",
    help="Make the scan of something that moves from an image, with the true frames in it.",
)

Image = Annotated[str, Parameter(help="A NIfTI, .npy, .npz or HDF5 file of images, or sample://NAME.")]
Out = Annotated[Path, Parameter(name=["--out", "-o"], help="The scan file to write, as scan.h5.")]
Force = Annotated[bool, Parameter(negative=(), help="Overwrite a file that is already there.")]
CT, MRI = CtRequest(), MriRequest()


@app.command(name="ct-dynamic")
def ct_dynamic(
    image: Image,
    /,
    *,
    out: Out,
    request: Annotated[CtRequest, Parameter(name="*", negative=())] = CT,
    force: Force = False,
    json: Json = False,
) -> int:
    """Dynamic CT: a few parallel projections of every frame, of a slice that breathes or bends.

    The slice is taken for Hounsfield units unless its file says 1/mm, and becomes attenuation with water at
    0.02/mm. The body alone is placed in the middle of the frame. The file keeps the true frames as reference,
    so that `proxflow run` can judge what it makes of the projections.

    Examples:
        proxflow simulate ct-dynamic sample://dynamic-ct-lung --out scan.h5 --frames 32 --size 64

        proxflow simulate ct-dynamic chest.nii.gz --out scan.h5 --slice 40 --amplitude 6 --schedule golden

        proxflow inspect scan.h5
    """
    from proxflow.data.writers.dynamic_sinogram_h5 import write_dynamic_sinogram_h5
    from proxflow.tasks.simulation.simulate_ct import simulate_ct

    def write() -> Path:
        return write_dynamic_sinogram_h5(out, simulate_ct(image, out, request), pack_reference=True)

    what = _counted(request.views_per_frame, "projection")
    return _write(write, out, request, what, force=force, json=json)


@app.command(name="mri-dynamic")
def mri_dynamic(
    image: Image,
    /,
    *,
    out: Out,
    request: Annotated[MriRequest, Parameter(name="*", negative=())] = MRI,
    force: Force = False,
    json: Json = False,
) -> int:
    """Dynamic MRI: a few golden-angle spokes of every frame, of images that change and breathe.

    Magnitudes, a still or a series, are interpolated in time to the frames, moved and given a smooth phase.
    The maps of the coils are those of a real head coil. The file keeps maps and true frames.

    Examples:
        proxflow simulate mri-dynamic series.npz --out scan.h5 --frames 24 --spokes-per-frame 6

        proxflow simulate mri-dynamic abdomen.nii.gz --out scan.h5 --slice 9 --amplitude 4 --snr 20

        proxflow inspect scan.h5
    """
    from proxflow.data.writers.dynamic_kspace_h5 import write_dynamic_kspace_h5
    from proxflow.tasks.simulation.simulate_mri import simulate_mri

    def write() -> Path:
        return write_dynamic_kspace_h5(out, simulate_mri(image, out, request))

    what = f"{_counted(request.spokes_per_frame, 'spoke')} by {_counted(request.coils, 'coil')}"
    return _write(write, out, request, what, force=force, json=json)


def _write(
    write: Callable[[], Path], out: Path, request: SimulationRequest, views: str, *, force: bool, json: bool
) -> int:
    import shlex

    from proxflow.tasks.errors import RequestError

    if out.is_dir() or (out.exists() and not force):
        what = "is a folder" if out.is_dir() else "exists; --force overwrites it"
        raise RequestError(f"--out must be a new scan file, got {out}, which {what}")
    try:
        path = write()
    except OSError as error:
        raise RequestError(f"--out must be a file that can be written, got {out}: {error.strerror}") from None
    told = f"{_counted(request.frames, 'frame')} of {request.size} x {request.size} pixels, {views} a frame"
    if json:
        _print_json(path, told)
        return 0
    print(f"wrote {out}: simulated, {told}")
    print(f"next  proxflow inspect {shlex.quote(str(out))}")
    return 0


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _print_json(path: Path, told: str) -> None:
    import json

    print(json.dumps({"status": "done", "scan": str(path.resolve()), "description": told}))

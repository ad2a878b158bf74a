"""``proxflow inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from proxflow.flows.cli.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from proxflow.tasks.scan_summary import ScanSummary

PICTURE_WIDTH = 72  # character cells


def command(
    file: Annotated[str, Parameter(help="A scan file or sample://NAME; without it, the samples.")] = "",
    /,
    *,
    item: Annotated[
        int | None, Parameter(help="The slice or frame looked at; the middle one if not given.")
    ] = None,
    reader: Annotated[
        str,
        Parameter(help="File format: ismrmrd, fastmri, bart, numpy, proxflow; auto looks at the content."),
    ] = "auto",
    picture: Annotated[
        Path | None, Parameter(help="Write image, k-space and mask side by side to this PNG file.")
    ] = None,
    json: Json = False,
) -> int:
    """Show what is in a scan: shapes, geometry, sampling, noise, and a picture.

    Examples:
        proxflow inspect sample://brain-13coil

        proxflow inspect scan.h5 --picture scan.png
    """
    from rich.console import Console

    if not file:
        return _list_samples(json)
    from proxflow.data.open_scan import open_scan
    from proxflow.tasks.errors import RequestError
    from proxflow.tasks.scan_picture import write_scan_picture
    from proxflow.tasks.scan_summary import summarise

    if picture is not None and picture.suffix.lower() != ".png":
        raise RequestError(f"--picture must end in .png, got {picture}")
    with open_scan(file, reader=reader) as scan:
        summary = summarise(scan, item)
    if picture is not None:
        try:
            write_scan_picture(picture, summary)
        except OSError as error:
            raise RequestError(
                f"--picture must be a file that can be written, got {picture}: {error.strerror}"
            ) from None
    if json:
        _print_json(_document(summary, picture))
    else:
        _show(Console(highlight=False), summary, picture)
    return 0


def _list_samples(as_json: bool) -> int:
    from rich.console import Console
    from rich.table import Table

    from proxflow.data.samples.catalogue import SAMPLES, SCHEME

    if as_json:
        samples = {
            SCHEME + name: {"description": sample.description, "licence": sample.licence}
            for name, sample in SAMPLES.items()
        }
        _print_json({"status": "done", "samples": samples})
        return 0
    table = Table("scan", "what it is", "licence", show_edge=False, pad_edge=False)
    for name, sample in SAMPLES.items():
        table.add_row(f"[bold]{SCHEME}{name}[/]", sample.description, sample.licence)
    console = Console(highlight=False)
    console.print("Measured scans that ship with Proxflow; `proxflow inspect NAME_OR_FILE` shows one.\n")
    console.print(table)
    return 0


def _show(console: Console, summary: ScanSummary, picture: Path | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from proxflow.tasks.terminal_picture import terminal_picture, to_grey

    table = Table.grid(padding=(0, 2))
    for name, text in _facts(summary):
        table.add_row(Text(name, style="bold"), Text(text))
    console.print(table)
    if console.is_terminal:
        voxel = summary.info.geometry.voxel_size_mm
        aspect = voxel[1] / voxel[2] if voxel else 1.0
        width = min(PICTURE_WIDTH, console.width)
        console.print()
        console.print(terminal_picture(to_grey(summary.image), width, pixel_aspect=aspect), soft_wrap=True)
    if picture is not None:
        console.print(f"picture  {picture}", soft_wrap=True)


def _facts(summary: ScanSummary) -> list[tuple[str, str]]:
    info, geometry = summary.info, summary.info.geometry
    items, coils, ky, kx = info.shape
    voxel, extent = geometry.voxel_size_mm, geometry.field_of_view_mm
    size = "not told by the file"
    if voxel is not None and extent is not None:
        size = (
            f"{extent[1]:.4g} x {extent[2]:.4g} mm in plane (y, x), voxel "
            f"{voxel[1]:.3g} x {voxel[2]:.3g} x {voxel[0]:.3g} mm (y, x, z)"
        )
    facts = [
        ("file", f"{info.path} ({info.file_bytes / 2**20:.1f} MiB)"),
        ("format", f"{info.format}, {info.modality}"),
        ("k-space", f"{items} item x {coils} coil x {ky} ky x {kx} kx, {info.dtype}"),
        ("image", f"{geometry.matrix[0]} x {geometry.matrix[1]} (y, x)"),
        ("size", size),
        ("position", "known" if geometry.affine is not None else "not told by the file"),
        ("items", _labels(info.labels)),
        ("sampling", _sampling(summary)),
        ("noise", _noise(summary)),
        ("reference", "an image came with the scan" if info.has_reference else "none in the file"),
    ]
    facts += [(name, text) for name, text in info.source.items()]
    return facts + [("note", note) for note in info.notes]


def _labels(labels: tuple[str, ...]) -> str:
    if len(labels) <= 4:
        return ", ".join(labels)
    return f"{labels[0]}, {labels[1]}, … {labels[-1]}"


def _sampling(summary: ScanSummary) -> str:
    if summary.fully_sampled:
        return f"every sample of item {summary.item}"
    return (
        f"{int(summary.mask.sum())} of {summary.mask.size} samples, R = {summary.acceleration:.3f}, "
        f"fully sampled centre {summary.acs[0]} x {summary.acs[1]} (item {summary.item})"
    )


def _noise(summary: ScanSummary) -> str:
    scanned = "noise measurement in the file; " if summary.info.has_noise else ""
    if summary.noise_std is None:
        return scanned + summary.noise_source
    return f"{scanned}standard deviation of a sample {summary.noise_std:.4g} ({summary.noise_source})"


def _document(summary: ScanSummary, picture: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    info = summary.info
    return {
        "status": "done",
        "file": str(info.path),
        "file_bytes": info.file_bytes,
        "format": info.format,
        "modality": info.modality,
        "axes": ["item", "coil", "ky", "kx"],
        "shape": list(info.shape),
        "dtype": info.dtype,
        "labels": list(info.labels),
        "geometry": asdict(info.geometry) | {"voxel_size_mm": info.geometry.voxel_size_mm},
        "item": summary.item,
        "fully_sampled": summary.fully_sampled,
        "acceleration": summary.acceleration,
        "acs": list(summary.acs),
        "has_noise": info.has_noise,
        "noise_std": summary.noise_std,
        "noise_source": summary.noise_source,
        "has_reference": info.has_reference,
        "source": dict(info.source),
        "notes": list(info.notes),
        "picture": None if picture is None else str(picture.resolve()),
    }


def _print_json(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document))

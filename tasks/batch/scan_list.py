"""Which scans a batch is asked to reconstruct: files, folders, patterns, lists and samples."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from proxflow.data.samples.catalogue import SCHEME
from proxflow.tasks.batch.scan_files import is_ignored, is_scan_folder, looks_like_scan, without_companions
from proxflow.tasks.errors import RequestError

MOST_NAMED = 3  # in an error
LARGEST_LIST_BYTES = 16 << 20


def find_scans(arguments: Sequence[str], reader: str = "auto") -> list[str]:
    """The scans that ``arguments`` name, each once, in the order named: absolute paths or ``sample://NAME``.

    A file stands for itself, whatever it holds. Of a folder, those of its files are taken that look like
    scans; a stack of TIFF pages with its sidecar is one scan, and where the reader is ``image`` a folder of
    DICOM files. ``*``, ``?``, ``[...]`` and ``**`` are patterns, where no file has that very name. ``@FILE``
    is a text with one of these on each line, counted from its folder; lines that are empty or begin with #
    are left out.

    Raises RequestError where nothing is named, or a folder, a pattern or a list holds no scan.
    """
    if not arguments:
        raise RequestError("scans must name at least one scan, folder, pattern or @list, got none")
    found: dict[str, str] = {}
    for argument in arguments:
        scans = list(_scans(str(argument), Path.cwd(), reader))
        if not scans:
            raise RequestError(f"scans must match at least one scan, got none for {str(argument)!r}")
        for scan in scans:
            found.setdefault(_identity(scan), scan)
    if not any(scan.startswith(SCHEME) or _is_there(Path(scan)) for scan in found.values()):
        named = ", ".join(map(repr, arguments[:MOST_NAMED]))
        raise RequestError(f"scans must match at least one scan, got none for {named}")
    return list(found.values())


def _scans(argument: str, folder: Path, reader: str) -> Iterator[str]:
    if argument.startswith("sample:/"):  # a Path made of sample://NAME has one slash
        yield SCHEME + argument.removeprefix("sample:").lstrip("/")
    elif argument.startswith("@"):
        listed = _absolute(argument[1:], folder)
        for line in _lines(listed):
            yield from _scans(line, listed.parent, reader)
    else:
        path = _absolute(argument, folder)
        if path.is_dir() and not is_scan_folder(path, reader):
            yield from map(str, _in_order(path.iterdir(), reader))
        elif not path.exists() and glob.has_magic(argument):
            matches = (Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207
            yield from map(str, _in_order(matches, reader))
        else:
            yield str(path)


def _in_order(paths: Iterator[Path], reader: str) -> list[Path]:
    """Those of ``paths`` that look like scans, sorted by name."""
    return without_companions(
        (path for path in paths if not is_ignored(path.name) and looks_like_scan(path, reader)), reader
    )


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > LARGEST_LIST_BYTES:
            raise RequestError(f"list of scans must be smaller than {LARGEST_LIST_BYTES} bytes, got {path}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RequestError(f"list of scans must be a readable text file, got {path}: {reason}") from None
    lines = (line.strip() for line in text.splitlines())
    kept = [line for line in lines if line and not line.startswith("#")]
    if nested := next((line for line in kept if line.startswith("@")), None):
        raise RequestError(f"list of scans must name scans, not further lists, got {nested!r} in {path}")
    return kept


def _absolute(text: str, folder: Path) -> Path:
    return folder / Path(text).expanduser()


def _is_there(path: Path) -> bool:
    """Whether a file of that name is there, or the pair that BART names so."""
    return path.exists() or path.with_name(path.name + ".cfl").exists()


def _identity(scan: str) -> str:
    """The same for two names of one scan: links, and the two files of a BART pair."""
    if scan.startswith(SCHEME):
        return scan
    path = Path(scan)
    if path.suffix in (".cfl", ".hdr"):
        path = path.with_suffix("")
    return str(path.resolve())

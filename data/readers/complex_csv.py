"""Text tables of real and complex numbers, as measuring programs write them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxflow.data.errors import ScanError


def read_complex_csv(path: Path) -> NDArray[np.complex64]:
    """Complex (row, column) of cells ``a+bi`` or ``a+bj``, comma-separated, without a header.

    Raises ScanError naming line and column of what is no number, if lines differ in length, if no cell
    has an imaginary part, or if the file ends before that of its last cell.
    """
    lines = _lines(path)
    rows = [
        [_complex(path, line, column, cell) for column, cell in enumerate(cells, 1)] for line, cells in lines
    ]
    table = np.array(rows, dtype=np.complex64)
    if not table.imag.any():
        raise ScanError(f"{path.name} must hold complex numbers a+bi, got only real ones (magnitude only?)")
    line, cells = lines[-1]
    if not ends_with_line_end(path) and not set("ij") & set(cells[-1]):
        raise ScanError(
            f"{path.name}: line {line}, column {len(cells)} must be a number a+bi, got {cells[-1][:40]!r} at "
            "the file's end (cut short?)"
        )
    return table


def ends_with_line_end(path: Path) -> bool:
    """Whether the last line is ended, as programs do; one that is not may have been cut short."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        return file.read(1) in (b"\n", b"\r")


def read_real_csv(path: Path, n_columns: int) -> NDArray[np.float64]:
    """Real (row, ``n_columns``), comma-separated, without a header; raises ScanError naming the place."""
    rows = []
    for line, cells in _lines(path):
        if len(cells) != n_columns:
            raise ScanError(f"{path.name}: line {line} must have {n_columns} columns, got {len(cells)}")
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            raise ScanError(f"{path.name}: line {line} must hold numbers, got {','.join(cells)}") from None
    return np.array(rows, dtype=np.float64)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Numbered lines that are not empty, all of one length."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [(i, cells) for i, cells in enumerate(csv.reader(file), 1) if any(map(str.strip, cells))]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        reason = " ".join(str(error).split())
        raise ScanError(f"{path.name} must be readable text, got an error: {reason}") from error
    if not lines:
        raise ScanError(f"{path.name} must hold numbers, got an empty file")
    width = len(lines[0][1])
    for number, cells in lines:
        if len(cells) != width:
            raise ScanError(
                f"{path.name}: line {number} must have {width} columns as line {lines[0][0]}, "
                f"got {len(cells)}"
            )
    return lines


def _complex(path: Path, line: int, column: int, cell: str) -> complex:
    text = cell.strip().replace(" ", "")
    try:
        return complex(text[:-1] + "j" if text.endswith("i") else text)
    except ValueError:
        raise ScanError(
            f"{path.name}: line {line}, column {column} must be a number a+bi, got {cell[:40]!r}"
        ) from None

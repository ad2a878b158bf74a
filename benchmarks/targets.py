"""What the operators are to reach, read off the rows of the table."""

from __future__ import annotations

from benchmarks.operator_row import Row

PARALLEL = "1 x 256 x 256, 180 x 363"
PARALLEL_8 = "8 x 256 x 256, 180 x 363"
RADIAL = "8 coils, 320 x 320, 64 x 640 samples"
RADAR = "20 frequencies, 12 x 13 antennas, 49 x 25 x 25"
SIGPY = "sigpy, os 2 w 6 (our error)"


def target_lines(rows: list[Row]) -> list[str]:
    """One line for each target whose rows are there: the measured figure, and whether it meets the target."""
    found = {(row.size, row.action, row.implementation): row for row in rows}
    lines = []

    def ratio(text: str, least: float, size: str, slow: tuple[str, str], fast: tuple[str, str]) -> None:
        a, b = found.get((size, *slow)), found.get((size, *fast))
        if a is not None and b is not None:
            lines.append(_line(text, a.seconds / b.seconds, least))

    for action in ("forward", "adjoint"):
        for other, least in (("astra line", 4), ("astra linear", 4), ("deepinv Tomography", 6)):
            text = f"ParallelBeam 256/180 {action}, {other} over ours"
            ratio(text, least, PARALLEL, (action, other), (action, "proxflow rays"))
        one, eight = (found.get((size, action, "proxflow rays")) for size in (PARALLEL, PARALLEL_8))
        if one is not None and eight is not None:
            text = f"ParallelBeam 256/180 {action}, one slice over an eighth of eight"
            lines.append(_line(text, 8 * one.seconds / eight.seconds, 1))
    ratio("radial SENSE forward, SigPy over ours", 3, RADIAL, ("forward", SIGPY), ("forward", "proxflow"))
    ratio(
        "radial SENSE, forward then adjoint over Toeplitz normal",
        2,
        RADIAL,
        ("normal", "proxflow, forward then adjoint"),
        ("normal", "proxflow"),
    )
    for dense in ("torch, A @ x", "torch, A held transposed"):
        ratio(f"radar forward, {dense} over ours", 3, RADAR, ("forward", dense), ("forward", "proxflow"))
        a, b = found.get((RADAR, "forward", dense)), found.get((RADAR, "forward", "proxflow"))
        if a is not None and b is not None and a.bytes and b.bytes:
            lines.append(_line(f"radar memory, {dense} over ours", a.bytes / b.bytes, 5))
    return lines


def _line(text: str, figure: float, least: float) -> str:
    return f"  {text:62s}{figure:7.2f}  at least {least:g}: {'met' if figure >= least else 'not met'}"

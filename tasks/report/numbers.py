"""Numbers as a reader wants them."""

from __future__ import annotations

import math


def number_text(value: float, unit: str = "") -> str:
    """Two decimals for dB; ratios to four decimals, below 0.1 to three digits; "∞"; "–" for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if unit == "dB":
        return f"{value:.2f}".replace("-", "−")
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    if abs(value) < 0.1:
        places = 4 if value == 0 else 2 - math.floor(math.log10(abs(value)))
        return f"{value:.{places}f}".replace("-", "−")
    return (f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}").replace("-", "−")


def seconds_text(seconds: float) -> str:
    """Milliseconds below a tenth of a second, minutes from 120 s."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min"


def bytes_text(size: int | None) -> str:
    """Binary units; a dash where not measured."""
    if size is None:
        return "–"
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024  # type: ignore[assignment]
    return f"{size:.2f} GiB"

"""Lists in one argument."""

from __future__ import annotations

from proxflow.tasks.errors import RequestError


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """``64,128`` as numbers, none of nothing; RequestError, which names ``option``, for anything else."""
    if text and not text.replace(",", "").isdecimal():
        raise RequestError(f"{option} must be whole numbers separated by commas, got {text}")
    return tuple(int(part) for part in text.split(",") if part)


def decimal_numbers(option: str, text: str) -> tuple[float, ...]:
    """``-5,12.5`` as numbers; RequestError, which names ``option``, for anything else."""
    try:
        return tuple(float(part) for part in text.split(",") if part)
    except ValueError:
        raise RequestError(f"{option} must be numbers separated by commas, got {text}") from None


def subject_names(text: str | None) -> tuple[str, ...]:
    """``patient1,patient2`` as names; none where nothing was said."""
    return tuple(name for name in (text or "").split(",") if name)

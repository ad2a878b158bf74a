"""A method asked for what these measurements do not allow."""

from __future__ import annotations


class UnsuitableError(ValueError):
    """The request and the measurements do not fit, in one sentence for who asked."""

"""Requests that cannot be met here, in one sentence: exit code 2 on the command line."""

from __future__ import annotations


class RequestError(ValueError):
    """What was asked for does not fit this scan or this machine (a device, a step, a method)."""

"""How our HTML pages are made from templates."""

from __future__ import annotations

from jinja2 import Environment, StrictUndefined


def page_environment() -> Environment:
    """Everything escaped; a name that a template does not get is an error."""
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)

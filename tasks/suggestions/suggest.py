"""A commented recipe that fits a scan of any kind, for a person to start from."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from proxflow.tasks.looks.base import Look
from proxflow.tasks.suggestions.base import Suggestion

SUGGESTIONS = {
    "mri-cartesian": "proxflow.tasks.suggestions.cartesian:suggest_cartesian",
    "mri-radial": "proxflow.tasks.suggestions.radial:suggest_radial",
    "mri-dynamic": "proxflow.tasks.suggestions.dynamic_mri:suggest_dynamic_mri",
    "ct": "proxflow.tasks.suggestions.tomography:suggest_tomography",
    "ct-dynamic": "proxflow.tasks.suggestions.dynamic_tomography:suggest_dynamic_tomography",
    "radar": "proxflow.tasks.suggestions.radar:suggest_radar",
    "image": "proxflow.tasks.suggestions.image:suggest_image",
}


def suggest_recipe(look: Look, path: str) -> Suggestion:
    """A recipe for the scan looked at; ``path`` is how the recipe is to name it, a file or ``sample://NAME``."""
    module, _, name = SUGGESTIONS[look.info.modality].partition(":")
    function: Callable[[Any, str], Suggestion] = getattr(import_module(module), name)
    return function(look, path)

"""The scan a recipe names: opened, and divided into a file and an array of it."""

from __future__ import annotations

from proxflow.configs.scan import ScanConfig
from proxflow.data.open_scan import open_scan
from proxflow.data.picture_names import split_array
from proxflow.data.scan import Scan


def open_recipe_scan(config: ScanConfig) -> Scan:
    """The scan as ``open_scan`` opens it; ScanError as there."""
    return open_scan(
        config.path, config.reader, kind=config.kind, schedule=config.schedule, array=config.array
    )


def divided(config: ScanConfig) -> ScanConfig:
    """``config`` with a path ``FILE::ARRAY`` divided into path and array, as ``split_array`` cuts it; itself
    where ``array`` is given."""
    if config.array is not None:
        return config
    file, array = split_array(config.path)
    return config.model_copy(update={"path": file, "array": array or None})

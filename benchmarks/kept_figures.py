"""A JSON file of results that is added to piece by piece, so that what was interrupted can go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proxflow.data.writers.atomic import atomic_path


class KeptFigures:
    """``content`` of ``path``, or an empty dictionary where there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}

    def save(self) -> None:
        """Write all of it; the file is the old one or the new one whatever happens meanwhile."""
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(self.content, indent=1) + "\n")

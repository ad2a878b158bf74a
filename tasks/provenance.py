"""What made an artefact: code, versions, machine."""

from __future__ import annotations

import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from proxflow.data.store.keys import tree_digest

NUMERICAL = ("operators", "models", "data", "tasks/stages", "tasks/modalities")
PRESENTATION = (*NUMERICAL, "tasks/report")
LIBRARIES = ("torch", "numpy", "scipy", "h5py", "scikit-image", "sigpy", "prefect")


@lru_cache
def source_digest(folders: tuple[str, ...] = NUMERICAL) -> str:
    """Digest of our own source that decides numbers; part of every stage's key."""
    return tree_digest(Path(__file__).resolve().parents[1], folders)


@lru_cache
def package_version() -> str:
    """Version of Proxflow, ``unknown`` when it runs from a checkout that was never installed."""
    try:
        return version("proxflow")
    except PackageNotFoundError:
        return "unknown"


@lru_cache
def versions() -> dict[str, str]:
    """Versions of Python, Proxflow and the libraries that compute."""
    found = {"python": platform.python_version(), "proxflow": package_version()}
    return found | {name: version(name) for name in LIBRARIES}


@lru_cache
def machine_text() -> str:
    """Host, system and processor in one line."""
    return f"{platform.node()}, {platform.system()} {platform.release()}, {platform.machine()}"

"""``runtime``: where the work is done and where intermediates are kept."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from proxflow.configs.base import Part
from proxflow.configs.errors import Problem, RecipeError

UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

SMALLEST_MEMORY = 2**20
MOST_BYTES = 2**63


class RuntimeConfig(Part):
    """Machine settings; none of them but device and precision changes a result."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$")] = Field(
        default="auto", description="auto, cpu, cuda or cuda:N.", examples=["auto, cpu, cuda or cuda:0"]
    )
    precision: Literal["single", "double"] = Field(
        default="single", description="complex64 or complex128 arithmetic."
    )
    runner: Literal["threads", "processes", "dask"] = Field(
        default="threads", description="Where slices and scans are computed."
    )
    workers: Annotated[int, Field(ge=1, le=256)] = Field(
        default=1, description="Slices, scans or methods computed at once; 1: all that a cluster can take."
    )
    threads: Annotated[int, Field(ge=0, le=1024)] = Field(
        default=0,
        description="Threads of each worker; if 0, this machine's cores shared among them, 1 on a cluster.",
    )
    scheduler: Annotated[str, Field(pattern=r"^((tcp|tls|ucx|ws|wss)://[^\s]{1,200})?$")] = Field(
        default="",
        description="Address of a running Dask scheduler; a cluster on this machine if empty.",
        examples=["the address of a Dask scheduler as tcp://127.0.0.1:8786"],
    )
    store: str = Field(
        default="", description="Folder of the artefact store; PROXFLOW_STORE or the user's cache if empty."
    )
    store_limit: str = Field(default="20GiB", description="Store size above which old artefacts are evicted.")
    memory: str = Field(
        default="",
        description="What operators may keep in memory (factors, a sparse matrix); a quarter of what is free "
        "if empty. Never decides a result.",
    )
    checkpoint_seconds: Annotated[float, Field(ge=0)] = Field(
        default=30.0, description="A long reconstruction saves its state this often; 0 switches it off."
    )

    @field_validator("store_limit", "memory")
    @classmethod
    def _is_a_size(cls, value: str, info: ValidationInfo) -> str:
        if value or info.field_name == "store_limit":
            size = parse_size(value)
            if info.field_name == "memory" and size < SMALLEST_MEMORY:
                raise ValueError("must be at least 1MiB")  # less is blocks of a few voxels, and never ends
        return value

    def store_root(self) -> Path:
        """The store's folder, ``~`` expanded; RecipeError where it is below a link that leads nowhere."""
        root = Path(self.store).expanduser() if self.store else default_store_root()
        for part in (root, *root.parents):
            if part.is_symlink() and not part.exists():  # a disk that is not mounted, say: never fill another
                target = part.readlink()
                what = f"must be a folder, got {part}, a link to {target}, which is not there"
                raise RecipeError([Problem("store", what)])
        return root


def parse_size(text: str) -> int:
    """``500MiB`` or ``20GiB`` in bytes; ValueError for anything else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|TiB)\s*", text)
    if match is None or not 0 < float(match[1]) * UNITS[match[2]] < MOST_BYTES:
        raise ValueError("must be a size like 500MiB or 20GiB")
    return int(float(match[1]) * UNITS[match[2]])


def default_store_root() -> Path:
    """``$PROXFLOW_STORE``, else ``$XDG_CACHE_HOME/proxflow``, else ``~/.cache/proxflow``."""
    if chosen := os.environ.get("PROXFLOW_STORE"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "proxflow"

"""Sidecars, the YAML or JSON files beside arrays: where they lie, and their text as a mapping."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from proxflow.data.errors import ScanError

SUFFIXES = (".yaml", ".yml", ".json")
ARRAYS = (".npy", ".npz", ".mat", ".csv", ".tif", ".tiff")  # files that may have a sidecar
LARGEST_BYTES = 64 * 2**20
DEEPEST = 40


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases, which could grow without bound, and with version 1.2's numbers.

    Version 1.1, PyYAML's, would read ``1e9`` as a text.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}  # type: ignore[misc]

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level > DEEPEST:  # PyYAML takes minutes over thousands of them
            problem = f"more than {DEEPEST} levels of nesting"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())
        super().fetch_flow_collection_start(token)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = set()
        for key, _ in node.value:
            if key.value in keys:
                problem = f"the key {key.value} stands twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                keys.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(?:0|[1-9][0-9]*)",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan|NaN|-?Infinity",
}.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), None)


def sidecar_path(target: Path) -> Path | None:
    """The sidecar of a file (same stem) or a folder (same name beside it, or ``scan`` in it), or None."""
    return next((path for path in _candidates(target) if path.is_file()), None)


def is_sidecar_of(path: Path, target: Path) -> bool:
    """Whether a file at ``path`` would be read as the sidecar of ``target``."""
    if not target.is_dir() and target.suffix.lower() not in ARRAYS:
        return False
    return path.absolute() in [candidate.absolute() for candidate in _candidates(target)]


def _candidates(target: Path) -> list[Path]:
    if target.is_dir():
        beside = [target.with_name(target.name + suffix) for suffix in SUFFIXES]
        return beside + [target / f"scan{suffix}" for suffix in SUFFIXES]
    return [target.with_suffix(suffix) for suffix in SUFFIXES] if target.name else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice} stands twice")
    return content


def sidecar_modality(target: Path) -> str | None:
    """What the sidecar of ``target`` gives as ``modality``; None without sidecar or without the key."""
    path = sidecar_path(target)
    content = load_mapping(path) if path else {}
    return str(content["modality"]) if "modality" in content else None


def load_mapping(path: Path) -> dict[str, Any]:
    """The YAML or JSON mapping in ``path``; raises ScanError if it is none, or has aliases or keys twice."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ScanError(f"{path.name} must be at most {LARGEST_BYTES} bytes, got {path.stat().st_size}")
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":  # YAML reads JSON too, but takes ten seconds for thousands of antennas
            content = json.loads(text, object_pairs_hook=_once)
        else:
            content = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError, OSError) as error:
        if isinstance(error, ScanError):
            raise
        reason = " ".join(str(error).split())
        raise ScanError(f"{path.name} must be readable YAML or JSON, got an error: {reason}") from error
    if not isinstance(content, dict):
        raise ScanError(f"{path.name} must map names to values, got {type(content).__name__}")
    return content

"""YAML text as values plus the line every key stands on."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any, ClassVar

import yaml

from proxflow.configs.errors import Problem, RecipeError

KeyPath = tuple[str | int, ...]


class RecipeLoader(yaml.SafeLoader):
    """Safe YAML with version 1.2's numbers: ``1e-3`` is a float, ``2:10`` and ``on`` are strings.

    Version 1.1, PyYAML's, would read the range ``2:10`` as 130 in base 60. Aliases, which could grow without
    bound, and deep nesting, which takes PyYAML minutes, are refused. Whatever is wrong raises a YAMLError.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}  # type: ignore[misc]

    def read(self) -> tuple[yaml.Node | None, Any]:
        """The text's nodes and its values."""
        try:
            root = self.get_single_node()
            return root, None if root is None else self.construct_document(root)
        except (ValueError, LookupError, AttributeError) as error:  # of a tag that does not fit its value
            raise yaml.YAMLError(str(error)) from error

    def get_single_data(self) -> Any:
        """The text's values; what ``yaml.load`` calls."""
        return self.read()[1]

    def fetch_flow_collection_start(self, token: Any) -> None:
        self._refuse_depth(self.flow_level)
        super().fetch_flow_collection_start(token)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise AliasError(problem_mark=self.peek_event().start_mark)
        self._depth += 1
        self._refuse_depth(self._depth)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    _depth = 0

    def _refuse_depth(self, depth: int) -> None:
        if depth > DEEPEST:
            problem = f"more than {DEEPEST} levels of nesting"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())


class AliasError(yaml.MarkedYAMLError):
    """The text has an alias (``*name``)."""


for _tag, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(?:0|[1-9][0-9]*)",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
}.items():
    RecipeLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), None)

MAX_BYTES = 250_000  # a recipe is a page; of a larger file PyYAML reads 50 kB a second
DEEPEST = 40


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """The mapping in ``path`` and the 1-based line of every key path in it.

    Safe loading only. Raises RecipeError for a missing, unreadable, oversized or invalid file, for
    duplicate keys, for aliases (which could grow without bound) and for a top level that is no mapping.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if path.is_dir() else "a pipe or device"
            raise RecipeError([Problem("recipe", f"must be a file, got {kind}", str(path))])
        if status.st_size > MAX_BYTES:
            raise RecipeError([Problem("recipe", f"must be smaller than {MAX_BYTES} bytes", str(path))])
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RecipeError([Problem("recipe", f"must be a readable YAML file: {reason}", str(path))]) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """``read_yaml`` for text at hand; ``name`` is said in errors."""
    try:
        root, values = RecipeLoader(text).read()
    except AliasError:
        raise RecipeError([Problem("recipe", "must not use YAML aliases (*name)", name)]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).partition(";")[0]
        line = mark.line + 1 if mark else None
        raise RecipeError([Problem("recipe", f"must be valid YAML: {reason}", name, line)]) from None
    if root is None or not isinstance(values, dict):
        got = "nothing" if values is None else type(values).__name__
        raise RecipeError([Problem("recipe", f"must be a mapping of keys to values, got {got}", name)])
    lines: dict[KeyPath, int] = {}
    duplicates: list[Problem] = []
    _walk(root, (), lines, duplicates, name)
    if duplicates:
        raise RecipeError(duplicates)
    return values, lines


def _walk(
    node: yaml.Node, at: KeyPath, lines: dict[KeyPath, int], duplicates: list[Problem], name: str
) -> None:
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*at, str(key.value))
            line = key.start_mark.line + 1
            if place in lines:
                duplicates.append(
                    Problem(dotted(place), f"stands twice, first on line {lines[place]}", name, line)
                )
            lines[place] = line
            _walk(value, place, lines, duplicates, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*at, index), lines, duplicates, name)


def dotted(place: KeyPath) -> str:
    """``("prepare", 0, "n_coils")`` as ``prepare[0].n_coils``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")

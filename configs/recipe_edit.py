"""Values changed in a recipe's text, with its comments and its layout kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from proxflow.configs.yaml_source import KeyPath, RecipeLoader


def with_values(text: str, changes: Mapping[KeyPath, Any]) -> str:
    """YAML ``text`` with the scalar at each key path set; a key that is missing follows its mapping's first.

    Raises KeyError for a path whose mapping is not there, or that leads to a mapping or a list.
    """
    for path, value in changes.items():
        text = _with_value(text, path, _scalar(value))
    return text


def with_item(text: str, key: str, item: Mapping[str, Any]) -> str:
    """YAML ``text`` with a mapping of scalars put first into the list ``key`` at the top, made if need be."""
    pairs = [f"{name}: {_scalar(value)}" for name, value in item.items()]
    found = _child(yaml.compose(text, Loader=RecipeLoader), key)
    if found is None:
        return f"{text.rstrip()}\n\n{key}:\n  - {pairs[0]}\n" + "".join(f"    {pair}\n" for pair in pairs[1:])
    if not isinstance(found, yaml.SequenceNode):
        raise KeyError(key)
    if found.flow_style:
        at = found.start_mark.index + 1
        return f"{text[:at]}{{{', '.join(pairs)}}}{', ' if found.value else ''}{text[at:]}"
    mark = found.start_mark
    indent = " " * mark.column
    block = f"- {pairs[0]}\n" + "".join(f"{indent}  {pair}\n" for pair in pairs[1:]) + indent
    return text[: mark.index] + block + text[mark.index :]


def _with_value(text: str, path: KeyPath, scalar: str) -> str:
    node: yaml.Node | None = yaml.compose(text, Loader=RecipeLoader)
    for part in path[:-1]:
        node = _child(node, part)
    value = _child(node, path[-1])
    if isinstance(value, yaml.ScalarNode):
        return text[: value.start_mark.index] + scalar + text[value.end_mark.index :]
    if value is not None or not isinstance(node, yaml.MappingNode) or not node.value:
        raise KeyError(path)
    key, first = node.value[0]
    if not isinstance(first, yaml.ScalarNode):
        raise KeyError(path)
    if node.flow_style:
        at = first.end_mark.index
        return f"{text[:at]}, {path[-1]}: {scalar}{text[at:]}"
    end = text.find("\n", first.end_mark.index)
    line = f"\n{' ' * key.start_mark.column}{path[-1]}: {scalar}"
    return text + line if end < 0 else text[:end] + line + text[end:]


def _child(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def _scalar(value: Any) -> str:
    """As JSON, which is YAML too: text quoted, numbers in full."""
    return json.dumps(value, ensure_ascii=False)

"""Forms of the Prefect UI, generated from the recipe's schema.

What its forms can do was tried, and decides how the schema is written: a choice must be an ``anyOf`` whose
members carry their tag, and stands as tabs; limits are help text, for the browser would refuse a number with
words of its own where the command line has a sentence; titles are the keys of a recipe.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, WithJsonSchema

from proxflow.configs.catalogue import recipe_names
from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.configs.recipe import Recipe
from proxflow.flows.forms import AS_IN_RECIPE

LIMITS = {"minimum": "at least {}", "exclusiveMinimum": "above {}"}
LIMITS |= {"maximum": "at most {}", "exclusiveMaximum": "below {}"}
NOT_SHOWN = ("pattern", "minLength", "maxLength", "examples", "additionalProperties", "maxItems", "required")

Schema = dict[str, Any]


def section(name: str) -> Any:
    """The annotation of a flow's parameter for one section of a recipe, which may be left to the recipe."""
    whole = _plain_recipe()["properties"][name]
    members = whole["anyOf"] if "anyOf" in whole else [whole | {"title": "given here"}]
    kept = {"title": AS_IN_RECIPE, "type": "string", "const": AS_IN_RECIPE, "default": AS_IN_RECIPE}
    return _typed({"anyOf": [kept, *members], "default": AS_IN_RECIPE})


def scan_section() -> Any:
    """The annotation of ``scan``: each key by itself may be left to the recipe."""
    scan = _plain_recipe()["properties"]["scan"]
    keys = scan["properties"]
    first = {"path": keys["path"] | {"default": ""}}  # what a person fills in comes first
    for key in ("kind", "reader"):
        first[key] = keys[key] | {"enum": [AS_IN_RECIPE, *keys[key]["enum"]], "default": AS_IN_RECIPE}
    first["items"] = keys["items"] | {"default": ""}
    note = "What is left empty is as in the recipe."
    return _typed(scan | {"properties": first, "title": "scan", "description": note})


def recipe_choice() -> Any:
    """The annotation of the base recipe: a ready one from a list, or the path of a file."""
    ready = {"title": "ready recipe", "type": "string", "enum": recipe_names()}
    return _typed({"anyOf": [ready, {"title": "recipe file", "type": "string"}]})


def method_names() -> Any:
    """The annotation of the methods of a comparison."""
    return _typed({"type": "array", "items": {"type": "string", "enum": list(METHOD_SCHEMAS)}})


def _typed(schema: Schema) -> Any:
    return Annotated[Any, WithJsonSchema(schema)]


def _plain_recipe() -> Schema:
    whole = TypeAdapter(Annotated[Recipe, Field()]).json_schema()
    return _plain(whole, whole["$defs"])


def _plain(node: Any, definitions: Schema) -> Any:
    """Without references, tags of pydantic's and limits; see the head of this file."""
    if isinstance(node, list):
        return [_plain(part, definitions) for part in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        node = definitions[name] | {key: value for key, value in node.items() if key != "$ref"}
    limits = [words.format(f"{node[key]:g}") for key, words in LIMITS.items() if key in node]
    kept = {
        "anyOf" if key == "oneOf" else key: _plain(value, definitions)
        for key, value in node.items()
        if key not in (*LIMITS, *NOT_SHOWN, "$defs", "discriminator")
    }
    if limits:
        kept["description"] = f"{kept.get('description', '')} ({', '.join(limits)})".strip()
    if "properties" in kept:
        kept["properties"] = {name: _titled(name, part) for name, part in kept["properties"].items()}
        tag = next((part["const"] for part in kept["properties"].values() if "const" in part), None)
        kept["title"] = tag or kept.get("title", "")
    return kept


def _titled(name: str, schema: Schema) -> Schema:
    titled = schema | {"title": name}
    return titled | {"default": schema["const"]} if "const" in schema else titled


def texts() -> Any:
    """The annotation of a list of lines."""
    return _typed({"type": "array", "items": {"type": "string"}})

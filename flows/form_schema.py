"""Forms of the Prefect UI, generated from the recipe's schema.

What its forms can do was tried, and decides how the schema is written: a choice must be an ``anyOf`` whose
members carry their tag, and stands as tabs; limits are help text, for the browser would refuse a number with
words of its own where the command line has a sentence; titles are the keys of a recipe.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from proxflow.configs.base import Part
from proxflow.configs.catalogue import recipe_names
from proxflow.configs.denoiser_training import DenoiserTraining
from proxflow.configs.diffusion_training import DiffusionTraining
from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.configs.recipe import Recipe
from proxflow.configs.reconresnet_training import ReconResNetTraining
from proxflow.configs.volume_training import VolumeTraining
from proxflow.flows.forms import AS_IN_RECIPE
from proxflow.tasks.training.trainers import TRAINERS

LIMITS = {"minimum": "at least {}", "exclusiveMinimum": "above {}"}
LIMITS |= {"maximum": "at most {}", "exclusiveMaximum": "below {}"}  # in the order they are said
LIMITS |= {"multipleOf": "a multiple of {}"}
NOT_SHOWN = ("pattern", "minLength", "maxLength", "examples", "additionalProperties", "maxItems", "required")

Schema = dict[str, Any]
TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
NUMBER: Schema = {"type": "number"}  # its range is told by the flow, not by the browser
COUNT: Schema = {"type": "integer"}


def section(name: str) -> Schema:
    """One section of a recipe, which may be left to the base recipe."""
    whole = _plain_recipe()["properties"][name]
    members = whole["anyOf"] if "anyOf" in whole else [whole | {"title": "given here"}]
    kept = {"title": AS_IN_RECIPE, "type": "string", "const": AS_IN_RECIPE, "default": AS_IN_RECIPE}
    return {"anyOf": [kept, *members], "default": AS_IN_RECIPE}


def scan_section() -> Schema:
    """``scan``: each key by itself may be left to the recipe."""
    scan = _plain_recipe()["properties"]["scan"]
    keys = scan["properties"]
    first = {"path": keys["path"] | {"default": ""}}  # what a person fills in comes first
    for key in ("kind", "reader"):
        first[key] = keys[key] | {"enum": [AS_IN_RECIPE, *keys[key]["enum"]], "default": AS_IN_RECIPE}
    first["items"] = keys["items"] | {"default": ""}
    note = "What is left empty is as in the recipe."
    return scan | {"properties": first, "title": "scan", "description": note}


def recipe_choice() -> Schema:
    """The base recipe: a ready one from a list, or the path of a file."""
    ready = {"title": "ready recipe", "type": "string", "enum": recipe_names()}
    return {"anyOf": [ready, {"title": "recipe file", "type": "string"}]}


def method_names() -> Schema:
    """The methods of a comparison."""
    return {"type": "array", "items": {"type": "string", "enum": list(METHOD_SCHEMAS)}}


def trainable_names() -> Schema:
    """The methods of a training."""
    return {"type": "array", "items": {"type": "string", "enum": list(TRAINERS)}}


def denoiser_numbers() -> Schema:
    """How a denoiser of single images is trained."""
    return _training(DenoiserTraining)


def volume_numbers() -> Schema:
    """How a network for volumes is trained."""
    return _training(VolumeTraining)


def diffusion_numbers() -> Schema:
    """How a diffusion prior is trained."""
    return _training(DiffusionTraining)


def reconresnet_numbers() -> Schema:
    """How a network against artefacts is trained."""
    return _training(ReconResNetTraining)


def _training(config: type[Part]) -> Schema:
    whole = config.model_json_schema()
    plain: Schema = _plain(whole, whole.get("$defs", {}))
    return plain | {"title": "training"}


@cache
def _plain_recipe() -> Schema:
    """Made once, and only read: the parts of all forms are taken from it."""
    whole = Recipe.model_json_schema()
    plain: Schema = _plain(whole, whole["$defs"])
    return plain


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
        kept["description"] = f"{kept.get('description', '')} {', '.join(limits).capitalize()}.".strip()
    if "properties" in kept:
        kept["properties"] = {name: _titled(name, part) for name, part in kept["properties"].items()}
        tag = next((part["const"] for part in kept["properties"].values() if "const" in part), None)
        kept["title"] = tag or kept.get("title", "")
    return kept


def _titled(name: str, schema: Schema) -> Schema:
    titled = schema | {"title": name}
    return titled | {"default": schema["const"]} if "const" in schema else titled

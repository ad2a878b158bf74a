"""Recipe files to recipes: YAML, ``--set`` overrides, and every error at once with its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.recipe import Recipe
from proxflow.configs.yaml_source import KeyPath, RecipeLoader, dotted, read_yaml

PLAIN = {  # pydantic's kind of error -> our words
    "model_attributes_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "tuple_type": "must be a list",
    "invalid_key": "must have text as its key",
}


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read ``path``, apply ``key=value`` overrides, validate; RecipeError lists all problems.

    Relative paths inside the recipe (``scan.path``, ``calibrate.path``) count from its folder.
    """
    values, lines = read_yaml(path)
    for override in overrides:
        place = _apply(values, override)
        for known in [known for known in lines if known[: len(place)] == place]:
            del lines[known]  # the value no longer comes from that line
    return validate_recipe(values, lines, str(path), path.resolve().parent)


def validate_recipe(
    values: Mapping[str, Any],
    lines: Mapping[KeyPath, int] | None = None,
    file: str | None = None,
    folder: Path | None = None,
) -> Recipe:
    """A recipe from plain values; see ``load_recipe``."""
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        problems = [_problem(dict(item), values, lines or {}, file) for item in error.errors()]
        raise RecipeError(list(dict.fromkeys(problems))) from None
    if mistaken := list(_true_for_a_number(values, recipe.model_dump(mode="json"))):
        raise RecipeError(
            [
                Problem(dotted(at), "must be a number, got true or false", file, (lines or {}).get(at))
                for at in mistaken
            ]
        )
    if misfits := recipe.misfits():
        raise RecipeError([Problem(dotted(at), text, file, _line(lines or {}, at)) for at, text in misfits])
    return _with_absolute_paths(recipe, folder) if folder else recipe


def dump_recipe(recipe: Recipe) -> str:
    """The effective recipe as YAML, defaults included."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def nearest(name: str, valid: Sequence[str]) -> str:
    """`` (did you mean X?)``, or the list of valid names where nothing is near."""
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; valid: {', '.join(valid)}"


def _with_absolute_paths(recipe: Recipe, folder: Path) -> Recipe:
    updates: dict[str, Any] = {}
    if not recipe.scan.path.startswith("sample://"):
        path = str(folder / Path(recipe.scan.path).expanduser())
        updates["scan"] = recipe.scan.model_copy(update={"path": path})
    if recipe.calibrate.kind == "given":
        path = str(folder / Path(recipe.calibrate.path).expanduser())
        updates["calibrate"] = recipe.calibrate.model_copy(update={"path": path})
    return recipe.model_copy(update=updates)


def _apply(values: dict[str, Any], override: str) -> KeyPath:
    """Set ``a.b=value`` or ``a.0.b=value`` in place; the value is read as YAML."""
    key, equals, text = override.partition("=")
    parts: list[str | int] = [
        int(part) if part.isdecimal() and len(part) < 6 else part for part in key.strip().split(".")
    ]
    if not equals or not all(part != "" for part in parts):
        raise RecipeError([Problem("--set", f"must look like key=value, got {override!r}")])
    try:
        value = yaml.load(text, Loader=RecipeLoader) if text.strip() else ""
    except yaml.YAMLError:
        value = text
    at: Any = values
    for depth, part in enumerate(parts[:-1]):
        missing = isinstance(at, dict) and part not in at and isinstance(part, str)
        if missing:
            at[part] = {}
        at = _child(at, part, parts[: depth + 1])
    last = parts[-1]
    if (isinstance(at, dict) and isinstance(last, str)) or _has_index(at, last):
        container: Any = at
        container[last] = value
    else:
        raise RecipeError([Problem("--set", f"must name a key of the recipe, got {dotted(tuple(parts))}")])
    return tuple(parts)


def _child(at: Any, part: str | int, place: Sequence[str | int]) -> Any:
    fits = (isinstance(at, dict) and part in at) or (
        isinstance(at, list) and isinstance(part, int) and part < len(at)
    )
    if not fits:
        raise RecipeError([Problem("--set", f"must name a key of the recipe, got {dotted(tuple(place))}")])
    return at[part]


def _has_index(at: Any, part: str | int) -> bool:
    return isinstance(at, list) and isinstance(part, int) and part < len(at)


def _problem(
    error: dict[str, Any], values: Mapping[str, Any], lines: Mapping[KeyPath, int], file: str | None
) -> Problem:
    place = _without_tags(error["loc"], values)
    return Problem(dotted(place) or "recipe", _sentence(error, place), file, _line(lines, place))


def _line(lines: Mapping[KeyPath, int], place: KeyPath) -> int | None:
    """Where the value at ``place``, or what is nearest around it, stands in the file."""
    return next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)


def _true_for_a_number(given: Any, read: Any, place: KeyPath = ()) -> Iterator[KeyPath]:
    """Where pydantic took ``true`` for 1."""
    if isinstance(given, bool) and not isinstance(read, bool):
        yield place
    elif isinstance(given, Mapping) and isinstance(read, Mapping):
        for key in given:
            yield from _true_for_a_number(given[key], read.get(key), (*place, key))
    elif isinstance(given, list) and isinstance(read, list):
        for index, (one, other) in enumerate(zip(given, read, strict=False)):
            yield from _true_for_a_number(one, other, (*place, index))


def _without_tags(loc: tuple[str | int, ...], values: Any) -> KeyPath:
    """pydantic puts the tag of a union (``tv``) into the location; the file has no such key."""
    place: list[str | int] = []
    at = values
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(at, Mapping):
            if part in at or (last and part not in ("function-after", "str", "int")):
                place.append(part)
                at = at.get(part)
        elif isinstance(at, list | tuple) and isinstance(part, int):
            place.append(part)
            at = at[part] if part < len(at) else None
    return tuple(place)


def _sentence(error: dict[str, Any], place: KeyPath) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a known key{nearest(str(place[-1]), _valid_keys(error['loc'][:-1]))}"
    if kind == "missing":
        return "must be given"
    if kind == "union_tag_not_found":
        return f"must say its {context['discriminator']}"
    if kind == "union_tag_invalid":
        valid = [tag.strip().strip("'") for tag in context["expected_tags"].split(",")]
        key = context["discriminator"].strip("'")
        return f"must have a known {key}, got {context['tag']!r}{nearest(context['tag'], valid)}"
    if kind == "string_pattern_mismatch":
        field = _model_at(error["loc"][:-1]).model_fields[str(error["loc"][-1])]
        return f"must be {(field.examples or ['of another form'])[0]}, got {error['input']!r:.80}"
    message = PLAIN.get(kind) or error["msg"].removeprefix("Value error, ")
    for start, ours in (("Input should be", "must be"), ("String should", "must"), ("Tuple should", "must")):
        message = message.replace(start, ours)
    if kind == "literal_error" and isinstance(error["input"], str):
        valid = [str(tag).strip("'") for tag in context["expected"].replace(" or ", ", ").split(", ")]
        return f"must be one of {', '.join(valid)}, got {error['input']!r}"
    if not message.startswith("must"):
        message = f"must be valid: {message}"
    shown = repr(error["input"])
    return f"{message}, got {shown if len(shown) < 80 else shown[:77] + '...'}"


def _valid_keys(loc: tuple[str | int, ...]) -> list[str]:
    """Field names of the model that the location leads to."""
    return list(_model_at(loc).model_fields)


def _model_at(loc: tuple[str | int, ...]) -> type[BaseModel]:
    model: Any = Recipe
    for part in loc:
        model = _step(model, part)
    return model


def _step(model: Any, part: str | int) -> Any:
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model.model_fields[str(part)].annotation
    origin, args = get_origin(model), get_args(model)
    if origin is tuple:
        return args[0] if args[-1] is ... else args[int(part)]
    if hasattr(model, "__metadata__"):  # Annotated[Union[...], Field(discriminator=...)]
        return _step(args[0], part)
    if origin is Union or args:
        tagged = [member for member in args if isinstance(member, type) and issubclass(member, BaseModel)]
        for member in tagged:
            for key in ("kind", "method"):
                field = member.model_fields.get(key)
                if field is not None and part in get_args(field.annotation):
                    return member
    raise KeyError(part)

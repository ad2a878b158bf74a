"""What pydantic finds wrong with values, in our sentences and with the line of the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from proxflow.configs.errors import Problem, RecipeError
from proxflow.configs.yaml_source import KeyPath, dotted

Model = TypeVar("Model", bound=BaseModel)

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


def nearest(name: str, valid: Sequence[str]) -> str:
    """`` (did you mean X?)``, or the list of valid names where nothing is near."""
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; valid: {', '.join(valid)}"


def validated(
    schema: type[Model], values: Mapping[str, Any], lines: Mapping[KeyPath, int], file: str | None
) -> Model:
    """An instance of ``schema``; RecipeError with every problem, each with its line in ``file``."""
    try:
        made = schema.model_validate(values)
    except ValidationError as error:
        problems = [_problem(schema, dict(item), values, lines, file) for item in error.errors()]
        raise RecipeError(list(dict.fromkeys(problems))) from None
    if mistaken := list(_true_for_a_number(values, made.model_dump(mode="json"))):
        sentence = "must be a number, got true or false"
        raise RecipeError([Problem(dotted(at), sentence, file, lines.get(at)) for at in mistaken])
    return made


def _problem(
    schema: type[BaseModel],
    error: dict[str, Any],
    values: Mapping[str, Any],
    lines: Mapping[KeyPath, int],
    file: str | None,
) -> Problem:
    place = _without_tags(error["loc"], values)
    where = dotted(place) or schema.__name__.lower()
    return Problem(where, _sentence(schema, error, place), file, line_of(lines, place))


def line_of(lines: Mapping[KeyPath, int], place: KeyPath) -> int | None:
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


def _sentence(schema: type[BaseModel], error: dict[str, Any], place: KeyPath) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a known key{nearest(str(place[-1]), _valid_keys(schema, error['loc'][:-1]))}"
    if kind == "missing":
        return "must be given"
    if kind == "union_tag_not_found":
        return f"must say its {context['discriminator']}"
    if kind == "union_tag_invalid":
        valid = [tag.strip().strip("'") for tag in context["expected_tags"].split(",")]
        key = context["discriminator"].strip("'")
        return f"must have a known {key}, got {context['tag']!r}{nearest(context['tag'], valid)}"
    if kind == "string_pattern_mismatch":
        field = _model_at(schema, error["loc"][:-1]).model_fields[str(error["loc"][-1])]
        return f"must be {(field.examples or ['of another form'])[0]}, got {error['input']!r:.80}"
    message = PLAIN.get(kind) or error["msg"].removeprefix("Value error, ")
    for start, ours in (("Input should be", "must be"), ("String should", "must"), ("Tuple should", "must")):
        message = message.replace(start, ours)
    if kind == "literal_error" and isinstance(error["input"], str):
        valid = [str(tag).strip("'") for tag in context["expected"].replace(" or ", ", ").split(", ")]
        return f"must be one of {', '.join(valid)}, got {error['input']!r}"
    if kind == "value_error" and ", got " in message:  # of a validator of ours, which names the number
        return message if message.startswith("must") else f"must be valid: {message}"
    if not message.startswith("must"):
        message = f"must be valid: {message}"
    shown = repr(error["input"])
    return f"{message}, got {shown if len(shown) < 80 else shown[:77] + '...'}"


def _valid_keys(schema: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Field names of the model that the location leads to."""
    return list(_model_at(schema, loc).model_fields)


def _model_at(schema: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    model: Any = schema
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

"""Forms of the Prefect UI: what they ask for, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxflow.configs.errors import RecipeError
from proxflow.configs.loading import load_recipe
from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.flows.form_schema import scan_section, section
from proxflow.flows.forms import AS_IN_RECIPE, form_methods, form_recipe
from proxflow.flows.parameter_origin import Origin
from proxflow.flows.served_flows import SERVED


def defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """What a form sends for a tab in which nothing was changed."""
    return {key: part["default"] for key, part in schema["properties"].items() if "default" in part}


def test_untouched_form_is_the_base_recipe() -> None:
    form = {
        "recipe": "ct-tooth",
        "scan": defaults(scan_section()),
        "reconstruct": AS_IN_RECIPE,
        "changes": [],
    }
    assert form_recipe(form) == form_recipe({"recipe": "ct-tooth"})


@pytest.mark.parametrize("method", sorted(METHOD_SCHEMAS))
def test_tab_of_a_method_starts_with_its_defaults(method: str) -> None:
    tabs = {tab["title"]: tab for tab in section("reconstruct")["anyOf"]}
    sent = defaults(tabs[method])
    assert METHOD_SCHEMAS[method].model_validate(sent) == METHOD_SCHEMAS[method](method=method)  # type: ignore[call-arg]
    assert all(part.get("description") for key, part in tabs[method]["properties"].items() if key != "method")


def test_form_has_no_limits_of_its_own_but_says_them() -> None:
    text = repr([section(name) for name in ("reconstruct", "calibrate", "prepare", "runtime")])
    for word in ("'minimum'", "'maximum'", "'pattern'", "$ref", "oneOf", "discriminator"):
        assert word not in text
    assert "At least 1, at most 100000." in text


def test_sections_lie_over_the_recipe_and_paths_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = form_recipe(
        {
            "recipe": "ct-tooth",
            "scan": {"path": "other.h5", "kind": AS_IN_RECIPE, "items": ""},
            "reconstruct": {"method": "tv", "lam": 0.002},
            "changes": ["reconstruct.n_iter=7", " "],
            "name": "mine",
        }
    )
    assert (made.name, made.scan.path, made.scan.kind) == ("mine", str(tmp_path / "other.h5"), "ct")
    assert made.reconstruct.model_dump() == {
        "method": "tv", "n_iter": 7, "lam": 0.002, "tol": 1e-4, "nonnegative": False
    }  # fmt: skip
    assert [config.method for config in form_methods({"methods": ["sirt", "tv"]}, made)] == ["sirt", "tv"]


@pytest.mark.parametrize(
    "value", [5, "much", True, [1]], ids=["too large", "text", "true for a number", "a list"]
)
def test_refusal_is_the_command_lines(value: object, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as form:
        form_recipe({"recipe": "ct-tooth", "reconstruct": {"method": "tv", "lam": value}})
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("{name: x, scan: {kind: ct, path: 'sample://tooth'}}")
    with pytest.raises(RecipeError) as typed:
        load_recipe(recipe, [f"reconstruct={{method: tv, lam: {str(value).lower()}}}"])
    assert str(form.value) == str(typed.value).removeprefix(f"{recipe}: ")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (
            {"recipe": "ct-toth"},
            "recipe must be an existing file or a ready recipe, got 'ct-toth'; did you mean",
        ),
        ({"recipe": 3}, "recipe must be a name or a file, got 3"),
        ({"recipe": ""}, "scan must be given"),
        ({"changes": ["lam"]}, "changes must look like key=value, got 'lam'"),
        ({"changes": "lam=1"}, "changes must be a list of texts, got 'lam=1'"),
        ({"prepare": 3}, "prepare must be a list, got 3"),
        ({"scan": "x"}, "scan must be"),
        ({"reconstruct": {"method": "fbp"}}, "reconstruct must go with scan.kind mri-cartesian, got fbp"),
    ],
)
def test_senseless_forms_are_refused_by_name(form: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        form_recipe(form)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", sorted(SERVED))
def test_every_flow_can_be_deployed_with_its_defaults(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXFLOW_STORE", str(tmp_path / "store"))
    flow = SERVED[name].load()
    assert flow.name == name
    assert SERVED[name].checked(flow, {}, Origin(tmp_path, None, {})) == {}
    wrong, what = "recipe", "must be an existing file"
    if name.startswith("train-"):
        wrong, what = "training", "must be a mapping of keys to values"
    with pytest.raises(RecipeError, match=rf"serving.yaml, line 7: {wrong} {what}"):
        SERVED[name].checked(flow, {wrong: "none"}, Origin(tmp_path, "serving.yaml", {(wrong,): 7}))

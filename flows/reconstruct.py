"""The flows behind the forms of the Prefect UI and behind schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from prefect import flow
from pydantic import WithJsonSchema

from proxflow.flows.form_schema import TEXTS, method_names, recipe_choice, scan_section, section
from proxflow.flows.forms import AS_IN_RECIPE, DEFAULT_RECIPE, form_methods, form_recipe
from proxflow.flows.recorded_run import Plan, recorded_run

BASE, SCAN, METHODS, LINES = map(WithJsonSchema, (recipe_choice(), scan_section(), method_names(), TEXTS))
METHOD, PREPARE, CALIBRATE, IMAGE, EVALUATE, REPORT, RUNTIME = (
    WithJsonSchema(section(name))
    for name in ("reconstruct", "prepare", "calibrate", "image", "evaluate", "report", "runtime")
)


@flow(name="reconstruct", persist_result=False, validate_parameters=False)
def reconstruct(
    recipe: Annotated[Any, BASE] = DEFAULT_RECIPE,
    reconstruct: Annotated[Any, METHOD] = AS_IN_RECIPE,
    scan: Annotated[Any, SCAN] = None,
    changes: Annotated[Any, LINES] = None,
    prepare: Annotated[Any, PREPARE] = AS_IN_RECIPE,
    calibrate: Annotated[Any, CALIBRATE] = AS_IN_RECIPE,
    image: Annotated[Any, IMAGE] = AS_IN_RECIPE,
    evaluate: Annotated[Any, EVALUATE] = AS_IN_RECIPE,
    report: Annotated[Any, REPORT] = AS_IN_RECIPE,
    runtime: Annotated[Any, RUNTIME] = AS_IN_RECIPE,
    name: str = "",
) -> Any:
    """Reconstruct one scan by one method.

    Args:
        recipe: What is done where nothing else is said below. A file lies on the machine that serves.
        reconstruct: The method and its numbers; a method must go with the kind of scan.
        scan: What was measured; what is left empty is as in the recipe.
        changes: Single values of the recipe, as with --set: reconstruct.lam=0.01
        prepare: Steps between the file and the reconstruction, in order.
        calibrate: Coil maps, the axis of rotation, or the medium.
        image: The grid, where the scan does not fix it.
        evaluate: How the image is judged.
        report: Title, file name, further image files.
        runtime: Device, store, memory.
        name: Of the run and its folder; the recipe's if empty.
    """
    form = dict(locals())
    return recorded_run(lambda: plan_reconstruct(form))


@flow(name="compare", persist_result=False, validate_parameters=False)
def compare(
    recipe: Annotated[Any, BASE] = DEFAULT_RECIPE,
    methods: Annotated[Any, METHODS] = None,
    scan: Annotated[Any, SCAN] = None,
    changes: Annotated[Any, LINES] = None,
    prepare: Annotated[Any, PREPARE] = AS_IN_RECIPE,
    calibrate: Annotated[Any, CALIBRATE] = AS_IN_RECIPE,
    image: Annotated[Any, IMAGE] = AS_IN_RECIPE,
    evaluate: Annotated[Any, EVALUATE] = AS_IN_RECIPE,
    report: Annotated[Any, REPORT] = AS_IN_RECIPE,
    runtime: Annotated[Any, RUNTIME] = AS_IN_RECIPE,
    name: str = "",
) -> Any:
    """Reconstruct one scan by several methods, side by side in one report.

    Args:
        recipe: What is done where nothing else is said below. A file lies on the machine that serves.
        methods: Which methods, with the numbers the recipe gives them or their defaults; all of the recipe
            if none is chosen.
        scan: What was measured; what is left empty is as in the recipe.
        changes: Single values of the recipe, as with --set: compare.0.lam=0.01
        prepare: Steps between the file and the reconstruction, in order.
        calibrate: Coil maps, the axis of rotation, or the medium.
        image: The grid, where the scan does not fix it.
        evaluate: How the images are judged.
        report: Title, file name, further image files.
        runtime: Device, store, memory.
        name: Of the run and its folder; the recipe's if empty.
    """
    form = dict(locals())
    return recorded_run(lambda: plan_compare(form))


def plan_reconstruct(form: Mapping[str, Any]) -> Plan:
    """What a form of ``reconstruct`` asks for; RecipeError where it cannot be done."""
    recipe = form_recipe(form)
    return Plan(recipe, (recipe.reconstruct,), "proxflow run recipe.yaml")


def plan_compare(form: Mapping[str, Any]) -> Plan:
    """What a form of ``compare`` asks for; RecipeError where it cannot be done."""
    recipe = form_recipe(form)
    methods = form_methods(form, recipe)
    names = ",".join(config.method for config in methods)
    return Plan(recipe, methods, f"proxflow compare recipe.yaml --methods {names}")

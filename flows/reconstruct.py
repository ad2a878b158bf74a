"""The flows behind the forms of the Prefect UI and behind schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import flow

from proxflow.flows.form_schema import method_names, recipe_choice, scan_section, section, texts
from proxflow.flows.forms import AS_IN_RECIPE, DEFAULT_RECIPE, Origin, form_methods, form_recipe
from proxflow.flows.recorded_run import Plan, recorded_run

RecipeChoice, ScanSection, MethodNames, Changes = recipe_choice(), scan_section(), method_names(), texts()
Method, Prepare, Image, Calibrate = map(section, ("reconstruct", "prepare", "image", "calibrate"))
Evaluate, Report, Runtime = map(section, ("evaluate", "report", "runtime"))


@flow(name="reconstruct", persist_result=False, validate_parameters=False)
def reconstruct(
    recipe: RecipeChoice = DEFAULT_RECIPE,
    reconstruct: Method = AS_IN_RECIPE,
    scan: ScanSection = None,
    changes: Changes = None,
    prepare: Prepare = AS_IN_RECIPE,
    calibrate: Calibrate = AS_IN_RECIPE,
    image: Image = AS_IN_RECIPE,
    evaluate: Evaluate = AS_IN_RECIPE,
    report: Report = AS_IN_RECIPE,
    runtime: Runtime = AS_IN_RECIPE,
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
    return recorded_run(lambda: plan_reconstruct(form, Origin()))


@flow(name="compare", persist_result=False, validate_parameters=False)
def compare(
    recipe: RecipeChoice = DEFAULT_RECIPE,
    methods: MethodNames = None,
    scan: ScanSection = None,
    changes: Changes = None,
    prepare: Prepare = AS_IN_RECIPE,
    calibrate: Calibrate = AS_IN_RECIPE,
    image: Image = AS_IN_RECIPE,
    evaluate: Evaluate = AS_IN_RECIPE,
    report: Report = AS_IN_RECIPE,
    runtime: Runtime = AS_IN_RECIPE,
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
    return recorded_run(lambda: plan_compare(form, Origin()))


def plan_reconstruct(form: Mapping[str, Any], origin: Origin) -> Plan:
    """What a form of ``reconstruct`` asks for; RecipeError where it cannot be done."""
    recipe = form_recipe(form, origin)
    return Plan(recipe, (recipe.reconstruct,), "proxflow run recipe.yaml")


def plan_compare(form: Mapping[str, Any], origin: Origin) -> Plan:
    """What a form of ``compare`` asks for; RecipeError where it cannot be done."""
    recipe = form_recipe(form, origin)
    methods = form_methods(form, recipe, origin)
    names = ",".join(config.method for config in methods)
    return Plan(recipe, methods, f"proxflow compare recipe.yaml --methods {names}")

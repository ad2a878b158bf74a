"""Choose regularisation weights by held-out samples: no reference image is looked at.

    python -m benchmarks.choose_weights [RECIPE] [--fraction 0.05] [--seeds 3] [--set key=value]

For each method and weight the scan is reconstructed without a fraction of its samples, and the table shows
how well those are predicted, ||A x - y|| / ||y|| on them, mean over the seeds. The smallest error chooses.
The weights in the ready recipes and the methods' defaults were set so, on the shipped brain scan.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

from proxflow.configs.catalogue import recipe_path
from proxflow.configs.loading import load_recipe
from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.configs.recipe import Recipe
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.launch import machine_for
from proxflow.tasks.pipeline import calibrated
from proxflow.tasks.plain import PlainEngine
from proxflow.tasks.stage import StageCall

WEIGHTS = (0.0, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 5e-2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="mri-brain-poisson4")
    parser.add_argument("--fraction", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    recipe = load_recipe(recipe_path(Path(options.recipe)), options.set)
    table(recipe, options.fraction, options.seeds)


def table(recipe: Recipe, fraction: float, seeds: int) -> None:
    """Print the held-out error for every method that has a weight."""
    methods = [
        name
        for name, schema in METHOD_SCHEMAS.items()
        if "lam" in schema.model_fields and recipe.scan.kind in schema.fits
    ]
    machine = machine_for(recipe)
    store = ArtefactStore(machine.store_path, machine.store_limit)
    engine = PlainEngine(machine, store)
    inputs = calibrated(recipe, engine)
    print("lam       " + "".join(f"{name:>14}" for name in methods))
    errors: dict[str, dict[float, float]] = {name: {} for name in methods}
    for lam in WEIGHTS:
        for name in methods:
            config = recipe.methods([name])[0].model_copy(update={"lam": lam}).model_dump(mode="json")
            values = []
            for seed in range(seeds):
                task = {"method": config, "precision": "single", "fraction": fraction, "seed": seed}
                call = StageCall("hold_out", f"hold_out:{name}", task, inputs)
                with store.open(engine.submit(call).ref) as artefact:
                    values.append(mean(row["error"] for row in artefact.document("held_out")))
            errors[name][lam] = mean(values)
        print(f"{lam:<10g}" + "".join(f"{errors[name][lam]:14.5f}" for name in methods), flush=True)
    for name in methods:
        print(f"{name}: lam = {min(errors[name], key=errors[name].__getitem__):g}")
    store.release()


if __name__ == "__main__":
    main()

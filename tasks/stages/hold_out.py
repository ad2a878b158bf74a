"""Hold out: does a reconstruction without some measurements predict them?"""

from __future__ import annotations

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.tasks.memory import release_free_memory
from proxflow.tasks.modalities.registry import modality
from proxflow.tasks.reporting import reporter
from proxflow.tasks.stage import StageContext
from proxflow.tasks.stages.checkpoints import StageCheckpoints
from proxflow.tasks.stages.solve import load_problem, misfit, noise_floor, solve


def hold_out(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``held_out`` bool, per item the measurements that were judged; document ``held_out``: per item
    the error ||A x - y|| / ||y|| on them, and what their own noise contributes (None if unknown).

    A second reconstruction, from the other measurements, is judged by those it has not seen; the
    delivered image uses all of them. What a calibration has seen is never judged.
    """
    prepared, calibrated = context.inputs["prepared"], context.inputs["calibrated"]
    scan = prepared.document("scan")
    kind = modality(scan["modality"])
    n_items = len(scan["labels"])
    checkpoints = StageCheckpoints(context, n_items)
    results = []
    for item in range(n_items):
        problem = load_problem(context, item)
        split = kind.withhold(
            problem,
            calibrated,
            item,
            fraction=context.config["fraction"],
            seed=context.config["seed"] + item,
        )
        judged = split.judged.cpu().numpy()
        if item == 0:
            writer.create("held_out", (n_items, *judged.shape), judged.dtype)
        writer.append("held_out", judged[None])
        solution = solve(
            problem,
            context.config["method"],
            mask=split.given,
            monitor=checkpoints.monitor(item, reporter()),
            resume=checkpoints.unfinished(item),
        )
        error, norm = misfit(problem, solution.image, split.judged)
        floor = noise_floor(scan["noise_std"][item], problem.count(split.judged), norm)
        results.append({"error": error / (norm or 1.0), "noise": floor})
        release_free_memory()
    writer.document("held_out", results)

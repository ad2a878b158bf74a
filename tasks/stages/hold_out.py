"""Hold out: does a reconstruction without some measurements predict them?"""

from __future__ import annotations

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.models.solvers.iteration import Checkpoint
from proxflow.tasks.calls import StageContext
from proxflow.tasks.memory import release_free_memory
from proxflow.tasks.modalities.registry import modality
from proxflow.tasks.reporting import reporter
from proxflow.tasks.stages.checkpoints import Finished, StageCheckpoints
from proxflow.tasks.stages.solve import Solution, load_problem, misfit, noise_floor, solve


def hold_out(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``held_out`` bool, per item the measurements that were judged; document ``held_out``: per item
    the error ||A x - y|| / ||y|| on them, and what their own noise contributes (None if unknown).

    A second reconstruction, from the other measurements, is judged by those it has not seen; the
    delivered image uses all of them. What a calibration has seen is never judged.
    """
    n_items = len(context.inputs["prepared"].document("scan")["labels"])
    checkpoints = StageCheckpoints(context, n_items)
    results = []
    for item in range(n_items):
        found = checkpoints.finished(item)
        if found is None:
            found = hold_out_item(context, checkpoints, item)
            checkpoints.keep_finished(item, found)
        judged, result = found.image, found.fit
        if item == 0:
            writer.create("held_out", (n_items, *judged.shape), judged.dtype)
        writer.append("held_out", judged[None])
        results.append(result)
        release_free_memory()
    writer.document("held_out", results)


def hold_out_item(context: StageContext, checkpoints: StageCheckpoints, item: int) -> Finished:
    """Reconstruct one item without the measurements withheld, and predict these."""
    scan = context.inputs["prepared"].document("scan")
    problem = load_problem(context, item)
    split = modality(scan["modality"]).withhold(
        problem,
        context.inputs["calibrated"],
        item,
        fraction=context.config["fraction"],
        seed=context.config["seed"] + item,
    )

    def solved(resume: Checkpoint | None) -> Solution:
        monitor = checkpoints.monitor(item, reporter())
        return solve(problem, context, item, mask=split.given, monitor=monitor, resume=resume)

    solution = checkpoints.resumed(item, solved)
    error, norm = misfit(problem, solution.image, split.judged)
    floor = noise_floor(scan["noise_std"][item], problem.count(split.judged), norm)
    return Finished(split.judged.cpu().numpy(), {}, {"error": error / (norm or 1.0), "noise": floor})

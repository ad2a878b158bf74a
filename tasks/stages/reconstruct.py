"""Reconstruct: the image of every item by one method, resumable after a kill."""

from __future__ import annotations

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.models.methods.result import MAP_TEXTS
from proxflow.models.metrics.value import json_number
from proxflow.models.solvers.iteration import Checkpoint, DivergenceError
from proxflow.tasks.calls import StageContext
from proxflow.tasks.memory import release_free_memory
from proxflow.tasks.reporting import reporter
from proxflow.tasks.stages.certificates import CERTIFICATE
from proxflow.tasks.stages.checkpoints import Finished, StageCheckpoints
from proxflow.tasks.stages.image_maps import MAPS
from proxflow.tasks.stages.solve import Solution, load_problem, misfit, noise_floor, solve


def reconstruct(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``image``, real or complex (plane, y, x): one plane per item, or all planes of its volume;
    documents ``trace`` (per item, per iteration: objective, relative change, data residual, and the method's
    own figures), ``fit`` (per item: data residual, and what noise alone gives) and ``curves`` (per item).
    Of a method that returns maps also ``maps/NAME``, real, as ``image``, and the document ``maps``: what each
    of them is; of one that certifies its images the document ``certificate`` (per item).

    Raises DivergenceError, with the last good image kept among the checkpoints.
    """
    scan = context.inputs["prepared"].document("scan")
    n_items = len(scan["labels"])
    checkpoints = StageCheckpoints(context, n_items)
    traces, fits, curves, certificates = [], [], [], []
    for item in range(n_items):
        found = checkpoints.finished(item)
        if found is None:
            found = reconstruct_item(context, checkpoints, item)
            checkpoints.keep_finished(item, found)
        arrays = {"image": found.image} | {f"{MAPS}/{name}": values for name, values in found.maps.items()}
        for name, values in arrays.items():
            planes = values.reshape(-1, *values.shape[-2:])
            if item == 0:
                writer.create(name, (n_items * len(planes), *planes.shape[1:]), planes.dtype)
            for plane in planes:
                writer.append(name, plane[None])
        if item == 0 and found.maps:
            writer.document(MAPS, {name: MAP_TEXTS[name] for name in found.maps})
        traces.append(found.trace)
        fits.append(found.fit)
        curves.append(dict(found.curves))
        if found.certificate is not None:
            certificates.append(found.certificate.to_json())
        release_free_memory()
    writer.document("trace", traces)
    writer.document("fit", fits)
    writer.document("curves", curves)
    if certificates:
        writer.document(CERTIFICATE, certificates)


def reconstruct_item(context: StageContext, checkpoints: StageCheckpoints, item: int) -> Finished:
    """Image, trace and fit of one item; the solver goes on at its checkpoint if there is one."""
    noise_std = context.inputs["prepared"].document("scan")["noise_std"][item]
    problem = load_problem(context, item)

    def solved(resume: Checkpoint | None) -> Solution:
        monitor = checkpoints.monitor(item, reporter())
        return solve(problem, context, item, monitor=monitor, resume=resume)

    try:
        solution = checkpoints.resumed(item, solved)
    except DivergenceError as error:
        path = checkpoints.keep_image(item, error.last_good)
        error.add_note(f"item {item}; the last good image (in scaled units) is kept in {path}")
        raise
    residual, norm = misfit(problem, solution.image, problem.mask)
    fit = {
        "data_residual": residual / (norm or 1.0),
        "noise_residual": noise_floor(noise_std, problem.count(problem.mask), norm),
    }
    trace = {
        name: [json_number(getattr(report, name)) for report in solution.trace]
        for name in ("objective", "relative_change", "data_residual")
    }
    for index, (name, _) in enumerate(solution.trace[0].figures if solution.trace else ()):
        trace[name] = [json_number(report.figures[index][1]) for report in solution.trace]
    maps = {name: values.cpu().numpy() for name, values in solution.maps.items()}
    return Finished(solution.image.cpu().numpy(), trace, fit, solution.curves, maps, solution.certificate)

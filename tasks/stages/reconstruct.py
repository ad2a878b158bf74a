"""Reconstruct: the image of every item by one method, resumable after a kill."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.models.metrics.value import json_number
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.tasks.reporting import reporter
from proxflow.tasks.stage import StageContext
from proxflow.tasks.stages.checkpoints import StageCheckpoints
from proxflow.tasks.stages.solve import DTYPES, load_problem, misfit, solve


def reconstruct(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``image`` complex (item, y, x); documents ``trace`` (per item, per iteration: objective,
    relative change, data residual) and ``fit`` (per item: data residual, and what noise alone gives).

    Raises DivergenceError, with the last good image kept among the checkpoints.
    """
    prepared = context.inputs["prepared"]
    n_items, _, ny, nx = prepared.shape("samples")
    noise_std = prepared.document("scan")["noise_std"]
    dtype = DTYPES[context.config["precision"]]
    writer.create("image", (n_items, ny, nx), torch.empty(0, dtype=dtype).numpy().dtype)
    checkpoints = StageCheckpoints(context, n_items)
    traces, fits = [], []
    for item in range(n_items):
        image, trace, fit = checkpoints.finished(item) or _solve_item(
            context, checkpoints, item, noise_std[item]
        )
        writer.append("image", image[None])
        traces.append(trace)
        fits.append(fit)
    writer.document("trace", traces)
    writer.document("fit", fits)


def _solve_item(
    context: StageContext, checkpoints: StageCheckpoints, item: int, noise_std: float
) -> tuple[np.ndarray, dict[str, Any], dict[str, Any]]:
    problem = load_problem(context, item)
    monitor = checkpoints.monitor(item, reporter())
    try:
        solution = solve(
            problem, context.config["method"], monitor=monitor, resume=checkpoints.unfinished(item)
        )
    except DivergenceError as error:
        path = checkpoints.keep_image(item, error.last_good)
        error.add_note(f"item {item}; the last good image (in scaled units) is kept in {path}")
        raise
    residual, norm = misfit(problem, solution.image, problem.mask)
    count = int(problem.mask.sum()) * problem.samples.shape[0]
    fit = {
        "data_residual": residual / (norm or 1.0),
        "noise_residual": noise_std * count**0.5 / (norm or 1.0),
    }
    trace = {
        name: [json_number(getattr(report, name)) for report in solution.trace]
        for name in ("objective", "relative_change", "data_residual")
    }
    image = solution.image.cpu().numpy()
    checkpoints.keep_finished(item, image, trace, fit)
    return image, trace, fit

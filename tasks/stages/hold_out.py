"""Hold out: does a reconstruction without some samples predict them?"""

from __future__ import annotations

import numpy as np
import torch

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.models.calibration.acs import central_block
from proxflow.tasks.errors import RequestError
from proxflow.tasks.reporting import reporter
from proxflow.tasks.stage import StageContext
from proxflow.tasks.stages.checkpoints import StageCheckpoints
from proxflow.tasks.stages.solve import load_problem, misfit, solve


def hold_out(context: StageContext, writer: ArtefactWriter) -> None:
    """Write ``held_out`` bool (item, ky, kx), the samples kept from the method; document ``held_out``:
    per item the error ||A x - y|| / ||y|| on them, and what their own noise contributes.

    A second reconstruction, from the other samples, is judged by those it has not seen; the delivered
    image uses all samples. The calibration region is never held out: the coil maps have seen it.
    """
    prepared, calibration = context.inputs["prepared"], context.inputs["maps"].document("calibration")
    n_items, _, ny, nx = prepared.shape("samples")
    noise_std = prepared.document("scan")["noise_std"]
    writer.create("held_out", (n_items, ny, nx), np.bool_)
    checkpoints = StageCheckpoints(context, n_items)
    results = []
    for item in range(n_items):
        problem = load_problem(context, item)
        acs = calibration["acs"][item] if calibration["acs"] else [1, 1]
        held = held_out_samples(
            problem.mask.cpu().numpy(),
            fraction=context.config["fraction"],
            acs=(acs[0], acs[1]),
            seed=context.config["seed"] + item,
        )
        if not held.any():
            raise RequestError(
                "evaluate.held_out_fraction must be 0 where no sample lies outside the calibration region, "
                f"got {context.config['fraction']:g}"
            )
        writer.append("held_out", held[None])
        kept = torch.from_numpy(held).to(problem.mask.device)
        solution = solve(
            problem,
            context.config["method"],
            mask=problem.mask & ~kept,
            monitor=checkpoints.monitor(item, reporter()),
            resume=checkpoints.unfinished(item),
        )
        error, norm = misfit(problem, solution.image, kept)
        floor = noise_std[item] * (int(held.sum()) * problem.samples.shape[0]) ** 0.5
        results.append({"error": error / (norm or 1.0), "noise": floor / (norm or 1.0)})
    writer.document("held_out", results)


def held_out_samples(mask: np.ndarray, *, fraction: float, acs: tuple[int, int], seed: int) -> np.ndarray:
    """A random ``fraction`` of the samples of ``mask`` (ky, kx) outside the centre ``acs``.

    Whole lines where the mask is made of lines along an axis, as a scanner would skip them; single
    samples otherwise. At least one unit, as long as one is outside the centre.
    """
    outside = mask.copy()
    central_block(torch.from_numpy(outside), acs).fill_(False)
    rng = np.random.default_rng(seed)
    held = np.zeros_like(mask)
    for axis, acs_lines in ((1, acs[0]), (0, acs[1])):
        if (mask == np.take(mask, [0], axis=axis)).all() and not mask.all():
            lines = np.flatnonzero(np.take(mask, 0, axis=axis))
            start = len(np.take(mask, 0, axis=axis)) // 2 - acs_lines // 2
            lines = lines[(lines < start) | (lines >= start + acs_lines)]
            chosen = rng.choice(lines, min(len(lines), max(1, round(fraction * len(lines)))), replace=False)
            held[(chosen, slice(None)) if axis == 1 else (slice(None), chosen)] = True
            return held & mask
    points = np.flatnonzero(outside)
    chosen = rng.choice(points, min(len(points), max(1, round(fraction * len(points)))), replace=False)
    held.flat[chosen] = True
    return held

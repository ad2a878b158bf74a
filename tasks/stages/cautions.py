"""What a reader of the figures should be warned of, in sentences."""

from __future__ import annotations

from proxflow.configs.methods import METHOD_SCHEMAS, EarlyStopped
from proxflow.data.store.artefact import Artefact

PREFIX = "Caution: "
USELESS = 1.0  # predicting zeros for the held-out samples gives this error


def cautions(method: str, image: Artefact, held_out_error: float | None, misfit_text: str) -> list[str]:
    """On a method that stopped at its limit, or that predicts unseen samples worse than zeros would, for
    reasons such as ``misfit_text``. Where the number of iterations regularises, stopping at it is meant."""
    numbers, traces = image.provenance["config"]["method"], image.document("trace")
    found = []
    limit, tol = numbers.get("n_iter"), numbers.get("tol", 0)
    last = [trace["relative_change"][-1] for trace in traces if len(trace["relative_change"]) == limit]
    moving = [change for change in last if change is not None and change >= tol > 0]
    if moving and not issubclass(METHOD_SCHEMAS[method], EarlyStopped):
        where = f" in {len(moving)} of {len(traces)} items" if len(traces) > 1 else ""
        found.append(
            f"{PREFIX}{method} stopped at its limit of {limit} iterations{where}, while the image still "
            f"changed by {max(moving):.1e} an iteration (tol is {tol:g}); a larger n_iter may help."
        )
    if held_out_error is not None and held_out_error > USELESS:
        found.append(
            f"{PREFIX}{method} predicts held-out samples worse than zeros would ({held_out_error:.4g} > 1): "
            f"{misfit_text}."
        )
    return found

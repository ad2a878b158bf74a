"""An input-convex network with another square in its potential."""

from __future__ import annotations

from dataclasses import replace

import torch

from proxflow.models.networks.icnn import Icnn


@torch.no_grad()
def with_alpha(network: Icnn, alpha: float) -> Icnn:
    """The network whose f is the identity wherever that of ``network`` is, alpha_0 being its alpha:

        psi <- c (psi - alpha_0 ||y||^2) + alpha ||y||^2,   c = (1 - 2 alpha) / (1 - 2 alpha_0)

    Raises ValueError unless both are below 1/2.
    """
    settings = network.settings
    if not (settings.alpha < 0.5 and alpha < 0.5):
        raise ValueError(f"alpha must be below 0.5, got {settings.alpha} and {alpha}")
    made = Icnn(replace(settings, alpha=alpha)).to(network.lin[0].weight)  # type: ignore[arg-type]
    made.load_state_dict(network.state_dict())
    outer = [made.lin[-1], *made.res[len(made.lin) - 2 :]]  # the readout and, of some, an affine part
    for parameter in (parameter for layer in outer for parameter in layer.parameters()):
        parameter *= (1 - 2 * alpha) / (1 - 2 * settings.alpha)
    return made

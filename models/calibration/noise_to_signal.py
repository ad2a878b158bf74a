"""How much of the measurements is noise, told from those of their directions that no image reaches."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.inner_product import over_image, squared_norm
from proxflow.operators.base import LinearOperator

N_PROBES, PROBE_STEPS = 4, 40
DATA_STEPS = 100  # those of y see noise that is 1e-3 of its squares; 40 do not
# Ratios of noise to signal variance that are compared, in the unit of ||A||^2
RATIOS = torch.logspace(-9, 1, 201, dtype=torch.float64)
LEAST_QUIET = 0.02  # share of the directions whose eigenvalue lies below the noise, or the level is a guess


def noise_to_signal(operator: LinearOperator, y: Tensor, *, seed: int = 0) -> Tensor:
    """||w|| / ||y|| of y = A x + w per item, float64 (*batch), by maximum likelihood.

    x and w are taken as white, of variances s and v, so that y has the covariance s (A A^H + r I), r = v / s.
    Profiled over s, the likelihood of r is

        -L(r) = M log(y^H (A A^H + r I)^-1 y / M) + log det(A A^H + r I)

    and v = r y^H (A A^H + r I)^-1 y / M at its maximum over 201 values of r. The terms come from Lanczos'
    method, 100 steps of it from y and 40 from each of 4 random vectors (stochastic quadrature): 260
    applications of A A^H for one item, and no matrix, whatever M. An image that is not white changes s and
    hardly v, as long as some directions of the data hold noise alone.

    Args:
        operator: A, of norm 1.
        y: complex (*batch, *range).

    Raises UnsuitableError where fewer than 2 % of the directions lie below the noise found.
    Source: Golub & Meurant, Matrices, Moments and Quadrature (2010), chapters 7 and 11, for the quadrature.
    """
    n_range = len(operator.range_shape)
    items = y.reshape(-1, *operator.range_shape)
    ratios = RATIOS.to(y.device)
    rng = torch.Generator().manual_seed(seed)
    probes = torch.randn((N_PROBES, *operator.range_shape), dtype=y.dtype, generator=rng).to(y.device)
    nodes, weights = _quadrature(operator, probes, PROBE_STEPS)
    spectrum = (weights[..., None] * torch.log(nodes[..., None] + ratios)).sum(1).mean(0)  # log det / M
    found = []
    for item in items:
        square = float(squared_norm(item, n_range))
        if square == 0:
            found.append(0.0)
            continue
        at, weight = _quadrature(operator, item[None], DATA_STEPS)
        inverse = square * (weight[0, :, None] / (at[0, :, None] + ratios)).sum(0)  # y^H (A A^H + r)^-1 y
        best = int((torch.log(inverse) + spectrum).argmin())
        quiet = float((weights * (nodes < ratios[best])).sum(1).mean())
        if quiet < LEAST_QUIET:
            raise UnsuitableError(
                "epsilon must be given for these measurements, got null: an image could explain all of them, "
                "noise included"
            )
        found.append(math.sqrt(min(1.0, float(ratios[best] * inverse[best]) / square)))
    return torch.tensor(found, dtype=torch.float64, device=y.device).reshape(y.shape[: y.ndim - n_range])


def _quadrature(operator: LinearOperator, starts: Tensor, n_steps: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights, float64 (start, step), with b^H f(A A^H) b = ||b||^2 sum_j weight_j f(node_j)."""
    n_range = starts.ndim - 1
    steps = min(n_steps, math.prod(starts.shape[1:]))
    q = starts / over_image(squared_norm(starts, n_range).sqrt(), starts)
    basis, diagonal, beside = [q], [], []
    for step in range(steps):
        product = operator.forward(operator.adjoint(basis[-1]))
        diagonal.append((basis[-1].conj() * product).real.double().sum(tuple(range(-n_range, 0))))
        for _ in range(2):  # against all before, twice: or rounding brings found values back
            for known in basis:
                overlap = (known.conj() * product).sum(tuple(range(-n_range, 0)), keepdim=True)
                product = product - overlap * known
        norm = squared_norm(product, n_range).sqrt()
        if step == steps - 1 or float(norm.min()) <= 1e-6 * float(diagonal[0].max()):
            break
        beside.append(norm)
        basis.append(product / over_image(norm, product))
    matrix = torch.diag_embed(torch.stack(diagonal, -1))
    if beside:
        off = torch.diag_embed(torch.stack(beside, -1), 1)
        matrix = matrix + off + off.mT
    values, vectors = torch.linalg.eigh(matrix)
    return values.clamp_min(0), vectors[:, 0].square()

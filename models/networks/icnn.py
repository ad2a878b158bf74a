"""Input-convex networks whose gradient is a proximal operator, whatever their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from proxflow.models.networks.icnn_layers import applied, icnn_layers, resizing, transposed
from proxflow.models.networks.icnn_settings import IcnnSettings
from proxflow.models.networks.load_weights import load_weights

SOFTPLUS_LINEAR = 40.0  # exp(-40) is below the rounding of float64; torch's 20 leaves 2e-9 in the slope
LOG_MEAN, LOG_STD = -10.0, 0.1  # of the non-negative weights that an image network starts from


class IcnnValue(NamedTuple):
    """f(y), of y's shape, and psi(y), (n,)."""

    image: Tensor
    potential: Tensor


class Icnn(nn.Module):
    """psi convex in y, and f = grad psi, with g the softplus of ``beta``:

        z_0 = g(H_0 y + b_0),   z_k = g(W_k z_{k-1} + H_k r_k(y) + b_k),   psi = <w, z_K> + b + alpha ||y||^2

    W_k and w are at least 0, H_k of any sign, r_k the bilinear resizing to the resolution that W_k sees. g is
    convex and increasing, so psi is convex; its gradient's Jacobian is symmetric and positive semi-definite,
    which makes f the proximal operator of some function, and exactly so.

    f is written out as a reverse pass of its own,

        t_k = s_k g'(a_k),   s_{k-1} = W_k^T t_k,   f = H_0^T t_0 + sum_k r_k^T H_k^T t_k + 2 alpha y

    a_k what g sees, s_K = w: under ``no_grad`` nothing is kept for a second one; in a training it is
    differentiated once, as any network, where torch's gradient of psi would have to be kept as a graph.

    Parameters: ``lin`` W (``lin[0]`` is H_0, the last one w), ``res`` H. Image networks start from
    exp(N(-10, 0.1^2)) where weights are non-negative, the dense one from torch's own draw, clamped; the rest
    is torch's own. After each step of a training: ``project_``.

    y: (n, channels, side, side), or (n, channels) of a dense network, in the dtype of the weights.
    Raises ValueError for other shapes.
    Source: Fang, Buchanan & Sulam, ICLR 2024 (learned proximal networks); the layers are those of their code.
    The dense network's first step sees weights of any sign there, here clamped ones.
    """

    def __init__(self, settings: IcnnSettings) -> None:
        super().__init__()
        self.settings = settings
        lin, res, sides = icnn_layers(settings)
        self.lin, self.res = nn.ModuleList(lin), nn.ModuleList(res)
        self.sides = sides
        for side in sorted({side for side in sides if side != settings.side}):
            self.register_buffer(f"resize_{side}", resizing(settings.side, side), persistent=False)
        if settings.kind != "dense":
            for weight in self._non_negative():
                nn.init.normal_(weight, LOG_MEAN, LOG_STD)
                weight.data.exp_()
        self.project_()

    def forward(self, y: Tensor) -> Tensor:
        """f(y) = grad psi(y)."""
        return self.evaluated(y).image

    def evaluated(self, y: Tensor) -> IcnnValue:
        """f(y), and psi(y) from the same pass."""
        settings = self.settings
        inner = 2 * y - 1 if settings.signed else y
        potential, slopes = self._up(inner)
        square = inner.square().flatten(1).sum(1)
        image = self._down(inner, slopes) + 2 * settings.alpha * inner
        potential = potential + settings.alpha * square
        if settings.signed:
            return IcnnValue((image + 1) / 2, potential / 4 + y.flatten(1).sum(1) / 2)
        return IcnnValue(image, potential)

    def potential(self, y: Tensor) -> Tensor:
        """psi(y), (n,)."""
        inner = 2 * y - 1 if self.settings.signed else y
        found = self._up(inner)[0] + self.settings.alpha * inner.square().flatten(1).sum(1)
        return found / 4 + y.flatten(1).sum(1) / 2 if self.settings.signed else found

    def derivative(self, y: Tensor, direction: Tensor) -> Tensor:
        """J(y) d, J the Jacobian of f, which is the Hessian of psi: both passes differentiated along d.

        da_k = W_k dz_{k-1} + H_k r_k(d),  dt_k = ds_k g'(a_k) + s_k g''(a_k) da_k,  g'' = beta g' (1 - g')
        """
        inner = 2 * y - 1 if self.settings.signed else y
        _, slopes = self._up(inner)
        bends, dz = list[Tensor](), direction
        for k, slope in enumerate(slopes):
            da = applied(self.lin[k], dz)
            if k:
                da = da + applied(self.res[k - 1], self._resized(direction, k))
            dz = slope * da
            bends.append(self.settings.beta * (1 - slope) * dz)
        s = self._readout(y)
        ds, found = torch.zeros_like(s), 2 * self.settings.alpha * direction
        for k in range(len(slopes) - 1, -1, -1):
            side = self.sides[k - 1] if k else self.settings.side
            dt = ds * slopes[k] + s * bends[k]
            if k:
                found = found + self._resized_back(transposed(self.res[k - 1], dt, side), k)
                s = transposed(self.lin[k], s * slopes[k], side)
            ds = transposed(self.lin[k], dt, side)
        return found + ds

    @torch.no_grad()
    def project_(self) -> None:
        """Clamp to 0 from below what must not be negative."""
        for weight in self._non_negative():
            weight.clamp_(min=0)

    def _non_negative(self) -> list[nn.Parameter]:
        return [layer.weight for layer in self.lin[1:]]  # type: ignore[misc]

    def _up(self, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """psi without its square, and g' of every layer."""
        self._check(y)
        z, slopes, beta = y, list[Tensor](), self.settings.beta
        for k, layer in enumerate(self.lin[:-1]):
            a = layer(z)
            if k:
                a = a + self.res[k - 1](self._resized(y, k))
            slopes.append(torch.sigmoid(beta * a))
            z = functional.softplus(a, beta, SOFTPLUS_LINEAR)
        psi = self.lin[-1](z.flatten(1))
        if len(self.res) == len(self.lin) - 1:  # an affine part of psi itself
            psi = psi + self.res[-1](y)
        return psi[:, 0], slopes

    def _down(self, y: Tensor, slopes: list[Tensor]) -> Tensor:
        """The gradient of what ``_up`` computes."""
        s = self._readout(y)
        skipped = torch.zeros_like(y)
        if len(self.res) == len(self.lin) - 1:
            skipped = skipped + self.res[-1].weight  # type: ignore[operator]
        for k in range(len(slopes) - 1, 0, -1):
            t = s * slopes[k]
            side = self.sides[k - 1]
            skipped = skipped + self._resized_back(transposed(self.res[k - 1], t, side), k)
            s = transposed(self.lin[k], t, side)
        return skipped + transposed(self.lin[0], s * slopes[0], self.settings.side)

    def _readout(self, y: Tensor) -> Tensor:
        """w, with axes like those of the last hidden layer."""
        weight: Tensor = self.lin[-1].weight  # type: ignore[assignment]
        return weight.view(1, -1, *[1] * (y.ndim - 2))

    def _resized(self, y: Tensor, k: int) -> Tensor:
        side = self.sides[k - 1]
        if side == self.settings.side:
            return y
        matrix = self.get_buffer(f"resize_{side}")
        return matrix @ y @ matrix.T

    def _resized_back(self, t: Tensor, k: int) -> Tensor:
        side = self.sides[k - 1]
        if side == self.settings.side:
            return t
        matrix = self.get_buffer(f"resize_{side}")
        return matrix.T @ t @ matrix

    def _check(self, y: Tensor) -> None:
        settings = self.settings
        wanted: tuple[int, ...] = (settings.channels,)
        if settings.kind != "dense":
            wanted = (settings.channels, settings.side, settings.side)
        if y.ndim != 1 + len(wanted) or tuple(y.shape[1:]) != wanted:
            raise ValueError(f"y must have axes (n, {', '.join(map(str, wanted))}), got {tuple(y.shape)}")


def icnn_of(tensors: Mapping[str, Tensor], settings: IcnnSettings) -> Icnn:
    """The network with these weights, float32.

    Raises ValueError where a name or a shape does not fit, or a weight is negative that must not be: its f
    would be no proximal operator.
    """
    network = load_weights(Icnn(settings), tensors)
    for k, weight in enumerate(network._non_negative(), start=1):
        if not float(weight.detach().min()) >= 0:
            raise ValueError(f"lin.{k}.weight must be at least 0, got {float(weight.detach().min()):g}")
    return network

"""What the measurements say of a denoised image, by a few conjugate gradient steps from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from torch import Tensor

from proxflow.models.diffusion.noise_levels import NoiseLevel
from proxflow.models.diffusion.priors import GaussianPrior
from proxflow.models.solvers.conjugate_gradient import cg_steps
from proxflow.models.solvers.tikhonov_step import tikhonov_step
from proxflow.operators.base import LinearOperator


class Consistent(NamedTuple):
    """image x (*batch, *domain), and ``normal``, A^H A x, from which its misfit follows for free."""

    image: Tensor
    normal: Tensor


class DataConsistency(Protocol):
    """x, closer to the data than ``denoised`` is, both (*batch, *domain); ``level``: where it was denoised.

    renews_noise: whether the noise estimate is made anew from x; the published sampler keeps the old one.
    """

    @property
    def renews_noise(self) -> bool: ...

    def __call__(self, denoised: Tensor, level: NoiseLevel) -> Consistent: ...


class HardConsistency:
    """``n_cg`` steps of conjugate gradients on A^H A x = A^H y from the denoised image.

    The prior lives on in the start alone, so that n_cg is the weight of the data: for data without noise,
    and few steps. With noise more of them fit it.

    Args:
        operator: ``normal`` is all that is used of it.
        b: A^H y, (*batch, *domain), or as many axes as will broadcast.
    Source: Chung, Lee & Ye, ICLR 2024, whose released code forgets to conjugate.
    """

    renews_noise = False

    def __init__(self, operator: LinearOperator, b: Tensor, *, n_cg: int = 5) -> None:
        self.normal, self.b, self.n_cg = operator.normal, b, n_cg
        self.n_axes = len(operator.domain_shape)

    def __call__(self, denoised: Tensor, level: NoiseLevel) -> Consistent:
        b = self.b.expand(denoised.shape)
        numbers = {"n_axes": self.n_axes, "n_cg": self.n_cg}
        return Consistent(*tikhonov_step(self.normal, b, denoised, 0.0, x0=denoised, **numbers))


class ProximalConsistency:
    """x = argmin gamma/2 ||A x - y||^2 + 1/2 ||x - denoised||^2, ``n_cg`` steps on

        (A^H A + I / gamma) x = A^H y + denoised / gamma

    Args:
        gamma: > 0, in the unit of 1 / ||A||^2; or of the noise level, as ``adaptive_gamma`` makes it.
    The released code adds gamma A^H y to real and imaginary part alike: a factor 1 + j that this has not.
    """

    renews_noise = False

    def __init__(
        self,
        operator: LinearOperator,
        b: Tensor,
        *,
        gamma: float | Callable[[NoiseLevel], float],
        n_cg: int = 5,
    ) -> None:
        self.normal, self.b, self.n_cg = operator.normal, b, n_cg
        self.gamma = gamma if callable(gamma) else lambda level: gamma
        self.n_axes = len(operator.domain_shape)

    def __call__(self, denoised: Tensor, level: NoiseLevel) -> Consistent:
        gamma = self.gamma(level)
        if not gamma > 0:
            raise ValueError(f"gamma must be positive, got {gamma}")
        b = self.b.expand(denoised.shape)
        numbers = {"n_axes": self.n_axes, "n_cg": self.n_cg}
        return Consistent(*tikhonov_step(self.normal, b, denoised, 1 / gamma, x0=denoised, **numbers))


class ExactConsistency:
    """E[x0 | x_t, y] of a Gaussian prior, with C = Cov(x0 | x_t) and noise of variance v in real channels:

        x = denoised + C A^H (A C A^H + v I)^-1 (y - A denoised)

    the system solved to ``tol``. What DDS approximates, and the oracle it is tested by.
    """

    renews_noise = True

    def __init__(
        self, operator: LinearOperator, y: Tensor, prior: GaussianPrior, *, noise: float, tol: float = 1e-9
    ) -> None:
        if not noise > 0:
            raise ValueError(f"noise must be positive, got {noise}")
        self.operator, self.y, self.prior, self.noise, self.tol = operator, y, prior, noise, tol

    def __call__(self, denoised: Tensor, level: NoiseLevel) -> Consistent:
        a, n_axes = self.operator, len(self.operator.range_shape)

        def system(w: Tensor) -> Tensor:
            return a.forward(self.prior.covariance(a.adjoint(w), level)) + self.noise**2 * w

        residual = self.y.expand(*denoised.shape[: denoised.ndim - len(a.domain_shape)], *a.range_shape)
        residual = residual - a.forward(denoised)
        n_iter = 2 * residual[(0,) * (residual.ndim - n_axes)].numel()
        found = cg_steps(system, residual, n_axes=n_axes, n_iter=n_iter, residual_tol=self.tol)
        image = denoised + self.prior.covariance(a.adjoint(found.x), level)
        return Consistent(image, a.normal(image))


def adaptive_gamma(noise: float, spread: float) -> Callable[[NoiseLevel], float]:
    """gamma = r^2 / noise^2 with r^2 = 1 / (1 / spread^2 + signal^2 / level noise^2), the variance that a
    voxel of prior std ``spread`` still has at a noise level: data count for much early, for little at last.
    """
    if not (noise > 0 and spread > 0):
        raise ValueError(f"noise and spread must be positive, got {noise} and {spread}")

    def gamma(level: NoiseLevel) -> float:
        return 1 / (1 / spread**2 + (level.signal / level.noise) ** 2) / noise**2

    return gamma

"""Decomposed diffusion sampling of one item of a scan: what the measurements must tell beside the numbers."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from proxflow.models.calibration.noise_to_signal import noise_to_signal
from proxflow.models.diffusion.axial_tv import AxialTv
from proxflow.models.diffusion.image_prior import ImagePrior
from proxflow.models.diffusion.item_setting import item_setting
from proxflow.models.diffusion.noise_levels import EtaRule
from proxflow.models.methods.dds import dds
from proxflow.models.methods.result import Reconstruction
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.solvers.inner_product import squared_norm
from proxflow.models.solvers.iteration import Checkpoint, Monitor
from proxflow.operators.base import LinearOperator
from proxflow.operators.finite_difference import Boundary


def dds_of_item(
    operator: LinearOperator,
    y: Tensor,
    *,
    prior: ImagePrior,
    n_iter: int = 50,
    eta: float | None = None,
    rule: EtaRule = "official",
    consistency: Literal["hard", "proximal", "adaptive"] = "proximal",
    gamma: float = 5.0,
    n_cg: int = 5,
    epsilon: float | None = None,
    prior_std: float = 0.3,
    axial_lam: float | None = None,
    axial_rho: float = 0.026,
    axial_start: float = 0.0,
    axial_boundary: Boundary = "neumann",
    samples: int = 1,
    seed: int = 0,
    item: int = 0,
    noise_std: float | None = None,
    monitor: Monitor | None = None,
    resume: Checkpoint | None = None,
) -> Reconstruction:
    """``dds``, with unit, noise and, if ``prior`` brings none, a spectrum from the measurements alone.

    Args:
        operator: A of norm 1, of one image (y, x) or one volume (z, y, x).
        y: its measurements, of shape ``range``; zeros were not measured.
        epsilon: ||w|| / ||y|| of the noise w, for adaptive consistency; None: by ``noise_std``, or where
            that is None by ``noise_to_signal``.
        prior_std: of a voxel, in the prior's unit; ``spread`` of ``dds``.
        axial_lam, axial_rho, axial_start, axial_boundary: of ``AxialTv``, for volumes; no weight, no TV.
        item: number of the item in its scan, which with ``seed`` decides its noise.
        noise_std: sqrt(E |w|^2) of one measurement, in the unit of y.

    Raises UnsuitableError where the prior, the axial weight or the noise does not go with the measurements.
    """
    setting = item_setting(operator, y, prior)
    n_axes = len(operator.domain_shape)
    axial = None
    if axial_lam is not None:
        if n_axes != 3:
            raise UnsuitableError(f"axial_lam must be null where no volume is measured, got {axial_lam:g}")
        axial = AxialTv(axial_lam, axial_rho, axial_boundary, axial_start)
    noise = None
    if consistency == "adaptive":
        noise = _noise_of_a_part(operator, y, epsilon, noise_std) / setting.unit
    return dds(
        operator,
        y,
        prior=setting.predict,
        n_iter=n_iter,
        process=prior.process,
        eta=eta,
        rule=rule,
        consistency=consistency,
        n_cg=n_cg,
        gamma=gamma,
        noise=noise,
        spread=prior_std,
        axial=axial,
        unit=setting.unit,
        seen=setting.seen,
        seed=seed,
        samples=samples,
        first_item=item,
        images_at_once=setting.images_at_once,
        monitor=monitor,
        resume=resume,
    )


def _noise_of_a_part(
    operator: LinearOperator, y: Tensor, epsilon: float | None, noise_std: float | None
) -> float:
    """Standard deviation of the noise in a real measurement, or in each part of a complex one."""
    if epsilon is None and noise_std is None and y.is_complex():
        epsilon = float(noise_to_signal(operator, y))
    if epsilon is not None:
        count = max(int((y != 0).sum()), 1)
        noise_std = epsilon * float(squared_norm(y, y.ndim)) ** 0.5 / count**0.5
    if not noise_std:
        told = "null, and nothing tells the noise" if epsilon is None else f"{epsilon:g}"
        raise UnsuitableError(f"epsilon must be above 0 for adaptive consistency, got {told}")
    return noise_std / 2**0.5 if y.is_complex() else noise_std

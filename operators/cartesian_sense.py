"""Multi-coil Cartesian MRI, with a fused normal operator."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxflow.operators.base import LinearOperator, apply_linear, check_trailing_axes
from proxflow.operators.fourier import centring_phases

# Coil images worked on at once: on a CPU this much per thread stays in its cache from one pass to the
# next (larger chunks took twice as long), on a GPU the bound only limits the memory.
CPU_CHUNK_BYTES_PER_THREAD = 1 << 20
GPU_CHUNK_BYTES = 512 << 20


class CartesianSense(LinearOperator):
    """Multi-coil Cartesian MRI: y_c = M F S_c x, F the centred unitary 2-D DFT.

    Args:
        mask: bool (ny, nx), True where k-space is sampled; DC at (ny // 2, nx // 2).
        coil_maps: complex (coil, ny, nx); with sum_c |S_c|^2 <= 1, ||A|| <= 1. For a single coil
            without a map pass ones of shape (1, ny, nx).

    x: complex (*batch, ny, nx), any unit.  y: complex (*batch, coil, ny, nx), the unit of x; samples
    outside the mask are zero in ``forward`` and ignored by ``adjoint``. Results have the dtype of the
    input: the maps are converted to it once and kept, so give them in the dtype of the images.
    Differentiable in x and y, not in the maps.

    How it is fast: no array is shifted. The shifts of the centred DFT are phases, a on the image and
    b on k-space; b joins the mask, a multiplies the one combined image. In ``normal`` both cancel,
    leaving  sum_c conj(S_c) FFT^-1(M' FFT(S_c x))  with M' = ifftshift(M). With conj(FFT^-1 v) =
    FFT(conj v) / n the conjugation is folded into the real mask and the maps are kept only once. Along
    an axis on which the mask is constant, the transform of ``normal`` cancels and is not done: a mask
    of lines costs 1-D transforms, full sampling none.

    Raises ValueError if the mask or the maps have the wrong dtype or shape, or x or y the wrong
    trailing axes or a real dtype.
    Source: Pruessmann et al., Magn. Reson. Med. 42:952 (1999).
    """

    mask: Tensor
    coil_maps: Tensor

    def __init__(self, mask: Tensor, coil_maps: Tensor) -> None:
        super().__init__()
        _check_arguments(mask, coil_maps)
        self.register_buffer("mask", mask)
        self.register_buffer("coil_maps", coil_maps)
        self.domain_shape = tuple(mask.shape)
        self.range_shape = tuple(coil_maps.shape)
        self._tables: dict[tuple[torch.dtype, torch.device], _Tables] = {}

    @property
    def support(self) -> Tensor:
        """bool (ny, nx): where any coil map is not zero."""
        return (self.coil_maps != 0).any(0)

    def forward(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        _check_complex("x", x)
        return apply_linear(x, self._forward, self._adjoint)

    def adjoint(self, y: Tensor) -> Tensor:
        check_trailing_axes("y", y, self.range_shape)
        _check_complex("y", y)
        return apply_linear(y, self._adjoint, self._forward)

    def normal(self, x: Tensor) -> Tensor:
        check_trailing_axes("x", x, self.domain_shape)
        _check_complex("x", x)
        return apply_linear(x, self._normal, self._normal)

    def _forward(self, x: Tensor) -> Tensor:
        tables = self._tables_for(x)
        images = x.reshape(-1, *self.domain_shape).contiguous() * tables.image_phase
        kspace = x.new_empty(len(images), *self.range_shape)
        for items, coils in self._chunks(images):
            coil_images = tables.coil_maps[coils] * images[items, None]
            torch.mul(torch.fft.fft2(coil_images), tables.weights, out=kspace[items, coils])
        return kspace.reshape(*x.shape[:-2], *self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        tables = self._tables_for(y)
        kspace = y.reshape(-1, *self.range_shape).contiguous()
        conjugate = y.new_zeros(len(kspace), *self.domain_shape)
        for items, coils in self._chunks(conjugate):
            samples = torch.mul(kspace[items, coils], tables.conjugate_weights).conj_physical_()
            _add_combined_(conjugate[items], torch.fft.fft2(samples), tables.coil_maps[coils])
        image = conjugate.mul_(tables.image_phase).conj_physical_()
        return image.reshape(*y.shape[:-3], *self.domain_shape)

    def _normal(self, x: Tensor) -> Tensor:
        tables = self._tables_for(x)
        normal = tables.normal
        if not normal.axes:
            return x * normal.weights
        images = x.reshape(-1, *self.domain_shape)
        images = (images.mT if normal.transposed else images).contiguous()
        conjugate = torch.zeros_like(images)
        for items, coils in self._chunks(images):
            maps = normal.coil_maps[coils]
            samples = torch.fft.fftn(maps * images[items, None], dim=normal.axes).contiguous()
            torch.view_as_real(samples).flatten(-2).mul_(normal.weights)
            _add_combined_(conjugate[items], torch.fft.fftn(samples, dim=normal.axes), maps)
        result = conjugate.mT if normal.transposed else conjugate
        return result.conj_physical().reshape(x.shape)

    def _chunks(self, images: Tensor) -> Iterator[tuple[slice, slice]]:
        """Slices of items and of coils: whole items while they are small, else some coils of one."""
        n_items, n_coils = len(images), self.range_shape[0]
        n_threads = torch.get_num_threads() if images.device.type == "cpu" else 1
        budget = CPU_CHUNK_BYTES_PER_THREAD * n_threads if images.device.type == "cpu" else GPU_CHUNK_BYTES
        coils_at_once = max(1, budget // (prod(self.domain_shape) * images.element_size()))
        items_at_once = max(1, coils_at_once // n_coils)
        if coils_at_once > n_threads:  # each thread transforms as many coils as any other
            coils_at_once -= coils_at_once % n_threads
        for item in range(0, n_items, items_at_once):
            for coil in range(0, n_coils, coils_at_once):
                yield slice(item, item + items_at_once), slice(coil, coil + coils_at_once)

    def _tables_for(self, array: Tensor) -> _Tables:
        key = array.dtype, array.device
        if key not in self._tables:
            self._tables[key] = _make_tables(self.mask, self.coil_maps.to(array.dtype))
        return self._tables[key]

    def _apply(self, fn: Any, recurse: bool = True) -> CartesianSense:
        self._tables.clear()  # .to(...) replaces the buffers that they were made from
        return super()._apply(fn, recurse)


class _Normal(NamedTuple):
    """F^H M F without shifts, and as few transforms as the mask needs.

    Without axes ``weights`` is M sum_c |S_c|^2, real (ny, nx).
    """

    axes: tuple[int, ...]  # to transform, counted from the end: (), (-1,) or (-2, -1)
    transposed: bool  # the mask varies along y alone: work on (x, y), where that axis is contiguous
    weights: Tensor  # w, -w, w, -w, ... along x, w = ifftshift(M) / n: on a real view, weighs and conjugates
    coil_maps: Tensor  # in the order of ``transposed``


class _Tables(NamedTuple):
    """What one dtype on one device needs."""

    coil_maps: Tensor  # complex (coil, ny, nx)
    image_phase: Tensor  # a, complex (ny, nx)
    weights: Tensor  # M b / sqrt(ny nx), complex (ny, nx)
    conjugate_weights: Tensor
    normal: _Normal


def _make_tables(mask: Tensor, coil_maps: Tensor) -> _Tables:
    coil_maps = coil_maps.contiguous()
    ny, nx = mask.shape
    image_phase, kspace_phase = (p.to(mask.device) for p in centring_phases((ny, nx), torch.complex128))
    weights = mask * kspace_phase / mask.numel() ** 0.5
    dtype = coil_maps.dtype
    return _Tables(
        coil_maps=coil_maps,
        image_phase=image_phase.to(dtype),
        weights=weights.to(dtype),
        conjugate_weights=weights.conj().resolve_conj().to(dtype),
        normal=_make_normal(mask, coil_maps),
    )


def _make_normal(mask: Tensor, coil_maps: Tensor) -> _Normal:
    varies_y, varies_x = (bool((mask != mask.narrow(axis, 0, 1)).any()) for axis in (0, 1))
    real = coil_maps.real.dtype
    if not varies_y and not varies_x:
        power = coil_maps.to(torch.complex128).abs().square().sum(0)
        return _Normal((), False, (mask * power).to(real), coil_maps)
    transposed = varies_y and not varies_x
    if transposed:
        mask, coil_maps = mask.mT, coil_maps.mT.contiguous()
    axes = (-2, -1) if varies_y and varies_x else (-1,)
    lines = mask if len(axes) == 2 else mask[:1]
    w = torch.fft.ifftshift(lines, dim=axes).to(torch.float64) / prod(lines.shape)
    return _Normal(axes, transposed, torch.stack([w, -w], dim=-1).flatten(-2).to(real), coil_maps)


def _add_combined_(total: Tensor, coil_images: Tensor, maps: Tensor) -> None:
    """total += sum_c S_c u_c; coil by coil, which passes over the memory least often."""
    for coil, coil_map in enumerate(maps):
        total.addcmul_(coil_images[:, coil], coil_map)


def _check_complex(name: str, array: Tensor) -> None:
    if not array.is_complex():
        raise ValueError(f"{name} must be complex, got {array.dtype}")


def _check_arguments(mask: Tensor, coil_maps: Tensor) -> None:
    _check_complex("coil_maps", coil_maps)
    if coil_maps.ndim != 3 or coil_maps.numel() == 0:
        raise ValueError(f"coil_maps must have shape (coil, ny, nx), got {tuple(coil_maps.shape)}")
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool, got {mask.dtype}")
    if mask.shape != coil_maps.shape[1:]:
        raise ValueError(
            f"mask must have shape (ny, nx) = {tuple(coil_maps.shape[1:])} like coil_maps, "
            f"got {tuple(mask.shape)}"
        )

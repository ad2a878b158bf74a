"""A^H A of multi-coil non-Cartesian MRI as a convolution, without a NUFFT."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from proxflow.operators.nufft import Nufft

# Coil images worked on at once: fewer make threads meet more often, more leave the cache. Of 1, 2, 4 and
# 8 MiB, 4 was best in benchmarks.operators: 16, 14, 12, 12 ms at 320 x 320 and 52, 54, 46, 57 at 640 x 640.
CPU_CHUNK_BYTES_PER_THREAD = 4 << 20
GPU_CHUNK_BYTES = 512 << 20


def toeplitz_spectra(points: Tensor, weights: Tensor, shape: tuple[int, int], tolerance: float) -> Tensor:
    """The four real spectra, float64 (4, ny, nx), by which ``toeplitz_normal`` multiplies.

    F^H W F, F the sums of ``Nufft``, is Toeplitz: (F^H W F x)_n = sum_n' t_{n-n'} x_n' with
    t_d = sum_m w_m exp(i p_m . d). In a circulant of twice the size it is diagonal in Fourier space, its
    spectrum K real because t_{-d} = conj t_d; the entries at d = -n, which no image reaches, are set to
    zero to keep that. K at even and at odd frequencies, along y and along x, are the four spectra.

    points: float (sample, 2), radians per pixel.  weights: float64 (sample,).
    Source: Fessler et al., IEEE Trans. Signal Process. 53:3393 (2005).
    """
    doubled = (2 * shape[0], 2 * shape[1])
    kernel = Nufft(points, doubled, tolerance).adjoint(weights.to(torch.complex128)[None])[0]
    kernel[0], kernel[:, 0] = 0, 0
    spectrum = torch.fft.fft2(torch.fft.ifftshift(kernel)).real
    return torch.stack([spectrum[p::2, q::2] for p in (0, 1) for q in (0, 1)])


class ToeplitzTables(NamedTuple):
    """What ``toeplitz_normal`` needs of one operator, all of one precision and device.

    Attributes:
        coil_maps: complex (coil, ny, nx).
        phase_y: complex (ny,), exp(-i pi iy / ny): the DFT of x times it is, at odd frequencies, the DFT of
            x padded to twice its size.
        phase_x: complex (nx,), likewise.
        weights: real (4, nx, 2 ny), K / (4 ny nx) as w, -w, w, -w, ... along y: on the real view of an
            array, weighs and conjugates it.
    """

    coil_maps: Tensor
    phase_y: Tensor
    phase_x: Tensor
    weights: Tensor


def toeplitz_tables(coil_maps: Tensor, spectra: Tensor) -> ToeplitzTables:
    """Tables in the precision and on the device of ``coil_maps``; ``spectra`` from ``toeplitz_spectra``."""
    ny, nx = coil_maps.shape[1:]
    weights = spectra.mT / (4 * ny * nx)
    paired = torch.stack([weights, -weights], dim=-1).flatten(-2)
    return ToeplitzTables(
        coil_maps,
        _half_steps(ny).to(coil_maps),
        _half_steps(nx).to(coil_maps),
        paired.to(coil_maps.device, coil_maps.real.dtype),
    )


def _half_steps(n: int) -> Tensor:
    turns = -torch.pi * torch.arange(n, dtype=torch.float64) / n
    return torch.polar(torch.ones_like(turns), turns)


def fft_size(n: int) -> int:
    """The smallest multiple of 4 from ``n`` up whose prime factors are 2, 3, 5 and 7.

    MKL is faster on such lengths than on others of the same factors, on 280 than on 270. To compare them:
    python -m timeit -s "import torch; x = torch.zeros(512, 280, dtype=torch.complex64)" "torch.fft.fft(x)"
    """
    size = n + -n % 4
    while not _is_smooth(size):
        size += 4
    return size


def _is_smooth(n: int) -> bool:
    for prime in (2, 3, 5, 7):
        while n % prime == 0:
            n //= prime
    return n == 1


def toeplitz_normal(x: Tensor, tables: ToeplitzTables) -> Tensor:
    """sum_c conj(S_c) T (S_c x) for one image x (ny, nx), T the Toeplitz operator of ``toeplitz_spectra``.

    With phases m_pq, T = 1/4 sum_pq conj(m_pq) FFT^-1 K_pq FFT m_pq: four convolutions of the image's own
    size instead of one of twice the size. The transforms along x are shared by both p, so that 6 of the
    size of the image are left of 8; those along y are done on turned arrays, as a transform along the
    last axis is faster than one along the first by more than the turns take. FFT^-1 is written as the
    conjugate of an FFT, as in ``CartesianSense``.
    """
    coil_maps, phase_y, phase_x, weights = tables
    conjugate = torch.zeros_like(x)
    at_once = _coils_at_once(x)
    for q in (0, 1):
        image, part = x * phase_x if q else x, torch.zeros_like(x)
        for maps in coil_maps.split(at_once):
            turned = torch.fft.fft(maps * image).mT.contiguous()
            even = _convolved(turned, weights[q])
            even.addcmul_(_convolved(turned.mul_(phase_y), weights[2 + q]), phase_y)
            add_combined_(part, torch.fft.fft(even.mT.contiguous()), maps)
        conjugate += part * phase_x if q else part
    return conjugate.conj_physical_()


def _convolved(turned: Tensor, weights: Tensor) -> Tensor:
    samples = torch.fft.fft(turned)
    torch.view_as_real(samples).flatten(-2).mul_(weights)
    return torch.fft.fft(samples)


def add_combined_(total: Tensor, coil_images: Tensor, coil_maps: Tensor) -> None:
    """total += sum_c S_c u_c; coil by coil, which passes over the memory least often."""
    for image, coil_map in zip(coil_images, coil_maps, strict=True):
        total.addcmul_(image, coil_map)


def _coils_at_once(x: Tensor) -> int:
    on_cpu = x.device.type == "cpu"
    n_threads = torch.get_num_threads() if on_cpu else 1
    budget = CPU_CHUNK_BYTES_PER_THREAD * n_threads if on_cpu else GPU_CHUNK_BYTES
    coils = max(1, budget // (prod(x.shape) * x.element_size()))
    return coils - coils % n_threads if coils > n_threads else coils

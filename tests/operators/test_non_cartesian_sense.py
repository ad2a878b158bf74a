import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sigpy.mri
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from proxflow.operators import non_cartesian_sense, toeplitz
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.fourier import fft2c
from proxflow.operators.non_cartesian_sense import NonCartesianSense
from proxflow.operators.nufft import Nufft, _cufinufft
from proxflow.operators.trajectories import radial_trajectory

SHAPES = [(8, 6), (7, 10), (1, 9), (16, 5), (33, 40), (2, 1)]
DTYPES = [torch.complex64, torch.complex128]


def gaussian(shape, rng, dtype=torch.complex128):
    return torch.randn(shape, generator=rng, dtype=dtype)


def scattered(n_samples, shape, rng):
    return (torch.rand(n_samples, 2, generator=rng, dtype=torch.float64) - 0.5) * torch.tensor(shape)


def make_sense(shape, rng, *, n_coils=3, n_samples=29, weighted=True, dtype=torch.complex128, box=False):
    maps = gaussian((n_coils, *shape), rng, dtype)
    if box:
        maps[:, : shape[0] // 3] = 0
        maps[..., shape[1] - shape[1] // 4 :] = 0
    weights = torch.rand(n_samples, generator=rng, dtype=torch.float64) if weighted else None
    return NonCartesianSense(scattered(n_samples, shape, rng), maps, weights=weights)


def relative_error(result, expected):
    return float((result - expected).norm() / expected.norm())


def explicit(A):
    """W^(1/2) F as a tensor (sample, ny, nx), by the sum that defines it."""
    ny, nx = A.domain_shape
    iy, ix = torch.arange(ny) - ny // 2, torch.arange(nx) - nx // 2
    ky, kx = A.trajectory[:, 0, None, None], A.trajectory[:, 1, None, None]
    angle = -2 * torch.pi * (ky * iy[:, None] / ny + kx * ix / nx)
    w = torch.ones(len(ky), dtype=torch.float64) if A.weights is None else A.weights
    return torch.polar((w / (ny * nx)).sqrt()[:, None, None].expand(angle.shape), angle)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("box", [True, False])
def test_equals_the_explicit_sum(shape, weighted, box, rng):
    A = make_sense(shape, rng, weighted=weighted, box=box)
    x, y = gaussian((2, *shape), rng), gaussian((2, 3, 29), rng)
    E = explicit(A)
    forward = torch.einsum("myx,bcyx->bcm", E, A.coil_maps * x[:, None])
    adjoint = (A.coil_maps.conj() * torch.einsum("myx,bcm->bcyx", E.conj(), y)).sum(1)
    normal = (A.coil_maps.conj() * torch.einsum("myx,bcm->bcyx", E.conj(), forward)).sum(1)
    for result, expected in ((A(x), forward), (A.adjoint(y), adjoint), (A.normal(x), normal)):
        assert relative_error(result, expected) < 1e-9
    single = x.to(torch.complex64)
    assert relative_error(A(single), forward) < 1e-4
    assert relative_error(A.normal(single), normal) < 1e-4


@pytest.mark.parametrize("shape", [(8, 6), (7, 5), (9, 12)])
def test_equals_the_centred_fft_on_the_cartesian_grid(shape, rng):
    axes = [torch.arange(n, dtype=torch.float64) - n // 2 for n in shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 2)
    maps = gaussian((2, *shape), rng)
    A = NonCartesianSense(grid, maps)
    x = gaussian(shape, rng)
    assert torch.allclose(A(x).reshape(2, *shape), fft2c(maps * x), atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    n_coils=st.integers(1, 4),
    n_samples=st.integers(1, 60),
    batch=st.sampled_from([(), (1,), (2, 3), (0,)]),
    dtype=st.sampled_from(DTYPES),
    weighted=st.booleans(),
    box=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_adjoint(shape, n_coils, n_samples, batch, dtype, weighted, box, seed):
    rng = torch.Generator().manual_seed(seed)
    A = make_sense(shape, rng, n_coils=n_coils, n_samples=n_samples, weighted=weighted, dtype=dtype, box=box)
    assert_adjoint(A, rng, dtype=dtype, batch=batch)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
@pytest.mark.parametrize("dtype", DTYPES)
def test_adjoint_is_exact_whatever_the_tolerance(tolerance, dtype, rng):
    maps = gaussian((2, 20, 14), rng, dtype)
    A = NonCartesianSense(scattered(99, (20, 14), rng), maps, tolerance=tolerance)
    assert_adjoint(A, rng, dtype=dtype)
    x = gaussian((20, 14), rng, dtype)
    expected = torch.einsum("myx,cyx->cm", explicit(A), (maps * x).to(torch.complex128))
    assert relative_error(A(x), expected) < 5 * tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [True, False])
def test_normal_is_adjoint_of_forward_on_spokes(dtype, weighted, rng):
    n = 45
    k = radial_trajectory(31, 2 * n, n).reshape(-1, 2)
    weights = k.norm(dim=-1) if weighted else None
    A = NonCartesianSense(k, gaussian((3, n, n), rng, dtype), weights=weights)
    x = gaussian((2, n, n), rng, dtype)
    assert relative_error(A.normal(x), A.adjoint(A(x))) < (1e-4 if dtype == torch.complex64 else 1e-10)


@pytest.mark.parametrize("chunk_bytes", [1, 4000, 1 << 20])
def test_chunks_do_not_change_the_result(chunk_bytes, rng, monkeypatch):
    A = make_sense((10, 9), rng, n_coils=5)
    x, y = gaussian((4, 10, 9), rng), gaussian((4, 5, 29), rng)
    whole = A.forward(x), A.adjoint(y), A.normal(x)
    monkeypatch.setitem(non_cartesian_sense.COIL_IMAGE_BYTES, "cpu", chunk_bytes)
    monkeypatch.setattr(toeplitz, "CPU_CHUNK_BYTES_PER_THREAD", chunk_bytes)
    for before, after in zip(whole, (A.forward(x), A.adjoint(y), A.normal(x)), strict=True):
        assert torch.allclose(before, after, atol=1e-13)


def test_autograd_of_each_map_is_its_adjoint(rng):
    A = make_sense((4, 3), rng, n_coils=2, n_samples=5)
    x, y = gaussian((2, 4, 3), rng).requires_grad_(), gaussian((2, 2, 5), rng).requires_grad_()
    (gradient,) = torch.autograd.grad(torch.real(torch.sum(A.forward(x) * y.detach().conj())), x)
    assert torch.allclose(gradient, A.adjoint(y))
    for function, argument in ((A.forward, x), (A.adjoint, y), (A.normal, x)):
        assert torch.autograd.gradcheck(function, argument)
    assert torch.autograd.gradgradcheck(A.normal, x)


def test_many_threads_at_once_compute_what_one_does(rng):
    A = make_sense((30, 25), rng, n_samples=500)
    images = gaussian((24, 30, 25), rng)
    expected = [(A(x), A.adjoint(A(x)), A.normal(x)) for x in images]
    fresh = copy.deepcopy(A)  # tables and plans are made in the race, too
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda x: (fresh(x), fresh.adjoint(fresh(x)), fresh.normal(x)), images))
    finally:
        sys.setswitchinterval(interval)
    for result, right in zip(results, expected, strict=True):
        assert all(torch.allclose(a, b, atol=1e-11) for a, b in zip(result, right, strict=True))


def test_threads_of_our_own_share_the_coils(rng):
    A = make_sense((30, 25), rng, n_coils=5)
    x = gaussian((30, 25), rng)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = A(x), A.adjoint(A(x))
        torch.set_num_threads(3)
        three = A(x), A.adjoint(A(x))
    finally:
        torch.set_num_threads(before)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(one, three, strict=True))


def test_copies_and_pickles_compute_the_same(rng):
    A = make_sense((9, 8), rng)
    x = gaussian((9, 8), rng)
    expected = A(x), A.normal(x)
    for other in (copy.deepcopy(A), pickle.loads(pickle.dumps(A))):
        assert torch.equal(other(x), expected[0]) and torch.equal(other.normal(x), expected[1])


def test_plans_are_kept_and_bounded(rng):
    nufft = Nufft(scattered(9, (1, 1), rng), (6, 5))
    for n in [1, *range(1, 40)]:
        nufft.forward(gaussian((n, 6, 5), rng))
    assert 0 < len(nufft._idle) <= 16


@pytest.mark.filterwarnings("ignore:Complex modules")
def test_dtype_of_the_input_decides_and_conversions_keep_the_trajectory(rng):
    A = make_sense((7, 9), rng)
    x = gaussian((7, 9), rng)
    expected = A(x)
    assert A(x.to(torch.complex64)).dtype == torch.complex64
    A.to(torch.complex64)
    A.to(torch.complex128)
    assert A.trajectory.dtype == torch.float64
    assert relative_error(A(x), expected) < 1e-6  # the maps were rounded, nothing else


def test_non_contiguous_and_conjugated_inputs(rng):
    A = make_sense((6, 9), rng)
    x, y = gaussian((9, 6), rng).mT.conj(), gaussian((29, 3), rng).mT.conj()
    plain_x, plain_y = x.resolve_conj().contiguous(), y.resolve_conj().contiguous()
    assert torch.allclose(A.forward(x), A.forward(plain_x), atol=1e-13)
    assert torch.allclose(A.normal(x), A.normal(plain_x), atol=1e-13)
    assert torch.allclose(A.adjoint(y), A.adjoint(plain_y), atol=1e-13)
    assert torch.equal(x, plain_x) and torch.equal(y, plain_y)  # the inputs are left as they were


def test_maps_that_are_zero_everywhere(rng):
    A = NonCartesianSense(scattered(5, (4, 6), rng), torch.zeros(2, 4, 6, dtype=torch.complex128))
    assert not A.support.any()
    assert A(gaussian((4, 6), rng)).abs().max() == 0 and A.normal(gaussian((4, 6), rng)).abs().max() == 0
    assert A.adjoint(gaussian((2, 5), rng)).abs().max() == 0


@pytest.mark.parametrize("shape", [(32, 48), (31, 45)])
def test_equals_sigpy_sense(shape, rng):
    maps = gaussian((4, *shape), rng, torch.complex64)
    k = scattered(700, shape, rng)
    w = torch.rand(700, generator=rng)
    A = NonCartesianSense(k, maps, weights=w)
    theirs = sigpy.mri.linop.Sense(maps.numpy(), coord=k.numpy(), weights=w.numpy())
    x = gaussian(shape, rng, torch.complex64)
    y = A(x)
    assert relative_error(y, torch.from_numpy(theirs * x.numpy())) < 1e-2  # 3e-3 is SigPy's own error
    assert relative_error(A.adjoint(y), torch.from_numpy(theirs.H * y.numpy())) < 1e-2


GRID = torch.tensor([[0.0, 0.0], [1.5, -2.0]])
MAPS = torch.ones(2, 4, 5, dtype=torch.complex64)


@pytest.mark.parametrize(
    ("trajectory", "maps", "options", "message"),
    [
        (GRID, torch.ones(2, 4, 5), {}, "coil_maps must be complex, got torch.float32"),
        (GRID, MAPS[0], {}, r"coil_maps must have shape \(coil, ny, nx\), got \(4, 5\)"),
        (GRID.long(), MAPS, {}, "trajectory must be float32 or float64, got torch.int64"),
        (GRID[None], MAPS, {}, r"trajectory must have shape \(sample, 2\), got \(1, 2, 2\)"),
        (GRID[:0], MAPS, {}, r"trajectory must have shape \(sample, 2\), got \(0, 2\)"),
        (GRID * torch.nan, MAPS, {}, "trajectory must be finite, got 4 that are not"),
        (GRID * 3, MAPS, {}, "trajectory must lie within ±2 cycles per field of view in ky, got 4.5"),
        (GRID, MAPS, {"weights": torch.ones(3)}, r"weights must have shape \(2,\), got \(3,\)"),
        (
            GRID,
            MAPS,
            {"weights": -torch.ones(2)},
            "weights must be finite and at least 0, got -1 as the least",
        ),
        (
            GRID,
            MAPS,
            {"weights": torch.ones(2) + 0j},
            "weights must be float32 or float64, got torch.complex64",
        ),
        (GRID, MAPS, {"tolerance": 0.0}, "tolerance must be between 1e-14 and 0.1, got 0"),
    ],
)
def test_bad_arguments_are_refused(trajectory, maps, options, message):
    with pytest.raises(ValueError, match=message):
        NonCartesianSense(trajectory, maps, **options)


def test_bad_inputs_are_refused():
    A = NonCartesianSense(GRID, MAPS)
    with pytest.raises(ValueError, match=r"x must end in axes \(4, 5\), got shape \(5, 4\)"):
        A.forward(torch.ones(5, 4) + 0j)
    with pytest.raises(ValueError, match=r"y must end in axes \(2, 2\), got shape \(3, 2\)"):
        A.adjoint(torch.ones(3, 2) + 0j)
    with pytest.raises(ValueError, match=r"x must be complex64 or complex128, got torch\.float32"):
        A.normal(torch.ones(4, 5))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(33, 40), (7, 10)])
def test_cuda_equals_cpu(shape, dtype, rng):
    pytest.importorskip("cufinufft", reason="cufinufft is not installed")
    A = make_sense(shape, rng, n_samples=300, box=True)
    x, y = gaussian((2, *shape), rng, dtype), gaussian((2, 3, 300), rng, dtype)
    expected = A(x), A.adjoint(y), A.normal(x)
    A.to("cuda")
    assert A.coil_maps.device.type == "cuda"
    results = A(x.cuda()), A.adjoint(y.cuda()), A.normal(x.cuda())
    for result, right in zip(results, expected, strict=True):
        assert relative_error(result.cpu(), right) < (1e-4 if dtype == torch.complex64 else 1e-9)
    assert_adjoint(A, rng, dtype=dtype, device="cuda", batch=(2,))


def test_missing_cufinufft_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cufinufft", None)
    with pytest.raises(ImportError, match=r"cufinufft must be installed .* pip install cufinufft"):
        _cufinufft()


def test_finufft_is_imported_when_needed_only():
    code = "import sys, proxflow.operators.non_cartesian_sense as m; sys.exit('finufft' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_single_precision_error_is_below_the_tolerance_on_a_real_size(rng):
    n = 160
    k = radial_trajectory(20, 2 * n, n).reshape(-1, 2)
    A = NonCartesianSense(k, torch.ones(1, n, n, dtype=torch.complex64))
    x = gaussian((n, n), rng)
    expected = A(x)
    assert relative_error(A(x.to(torch.complex64)), expected) < 5e-5

"""The operator against its formula, in every path: factors kept or made anew, product or pairs, masks."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.operators.monostatic import monostatic
from proxflow.operators.near_field_mimo import NearFieldMimo
from proxflow.operators.voxel_grid import VoxelGrid

DOUBLE = torch.complex128
GRID = VoxelGrid((3, 5, 4), (0.01, 0.02, 0.03), (0.3, 0.01, -0.02))
SMALL = 4096  # bytes: factors are made anew, in many blocks


def antennas(n: int, rng: torch.Generator) -> Tensor:
    return 0.2 * torch.rand(n, 3, dtype=torch.float64, generator=rng) - 0.1


def dense(operator: NearFieldMimo, amplitude: Tensor | None = None) -> Tensor:
    """A written out from its definition, (*range, voxel); ``amplitude`` (channels, voxel), else spreading."""
    points = operator.grid.positions()
    d_t, d_r = torch.cdist(operator.transmitters_m, points), torch.cdist(operator.receivers_m, points)
    if operator.pairs is None:
        d_t, d_r = d_t[:, None], d_r[None]
    else:
        d_t, d_r = d_t[operator.pairs[:, 0]], d_r[operator.pairs[:, 1]]
    path = d_t + d_r
    if operator.reference_range_m is not None:
        path = path - 2 * operator.reference_range_m[:, None]
    if amplitude is None:
        amplitude = 1 / (4 * math.pi * d_t * d_r)
    k = 2 * math.pi * operator.frequencies_hz * math.sqrt(operator.relative_permittivity) / 299_792_458
    matrix = amplitude * torch.exp(-1j * k.reshape(-1, *(1,) * path.ndim) * path)
    return matrix if operator.mask is None else matrix * operator.mask[..., None]


def case(name: str, rng: torch.Generator, memory_bytes: int | None = None) -> NearFieldMimo:
    """Operators that between them take every path."""
    t, r, f = antennas(3, rng), antennas(4, rng), torch.linspace(4e9, 9e9, 7, dtype=torch.float64)
    uneven = torch.tensor([4e9, 4.1e9, 5.5e9, 7e9, 9e9], dtype=torch.float64)
    few, most = torch.tensor([[0, 1], [2, 3]]), torch.cartesian_prod(torch.arange(3), torch.arange(4))[1:]
    twice = torch.cat([most, most[:3]])
    mask = torch.rand(7, 3, 4, generator=rng) > 0.4
    reference = 0.3 * torch.rand(14, dtype=torch.float64, generator=rng)
    arguments: dict[str, dict[str, Any]] = {
        "product": {},
        "product, mask": {"mask": mask, "relative_permittivity": 8.0},
        "product, uneven": {"frequencies_hz": uneven},
        "product, one frequency": {"frequencies_hz": f[:1]},
        "product, most pairs twice": {"pairs": twice, "reference_range_m": reference},
        "product, most pairs, mask": {"pairs": most, "mask": mask.flatten(1)[:, 1:]},
        "pairs": {"pairs": few, "relative_permittivity": 2.5},
        "pairs, mask": {"pairs": few, "mask": mask[:, 0, :2], "reference_range_m": reference[:2]},
        "pairs, uneven": {"pairs": few[:1], "frequencies_hz": uneven},
        "pairs, one frequency": {"pairs": few, "frequencies_hz": f[:1]},
    }
    numbers = {"frequencies_hz": f, "memory_bytes": memory_bytes} | arguments[name]
    return NearFieldMimo(t, r, grid=GRID, **numbers)


CASES = [
    "product",
    "product, mask",
    "product, uneven",
    "product, one frequency",
    "product, most pairs twice",
    "product, most pairs, mask",
    "pairs",
    "pairs, mask",
    "pairs, uneven",
    "pairs, one frequency",
]


def gaussian(shape: tuple[int, ...], rng: torch.Generator, dtype: torch.dtype = DOUBLE) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=rng)


@pytest.mark.parametrize("memory_bytes", [None, SMALL])
@pytest.mark.parametrize("name", CASES)
def test_operator_is_its_formula(name: str, memory_bytes: int | None, rng: torch.Generator) -> None:
    operator = case(name, rng, memory_bytes)
    assert operator.range_shape == tuple(dense(operator).shape[:-1])
    matrix = dense(operator).reshape(-1, GRID.n_voxels)
    x, y = gaussian((2, *operator.domain_shape), rng), gaussian((2, *operator.range_shape), rng)
    expected = (x.flatten(1) @ matrix.T).reshape(y.shape)
    torch.testing.assert_close(operator.forward(x), expected, rtol=1e-10, atol=1e-10)
    back = (y.flatten(1) @ matrix.conj()).reshape(x.shape)
    torch.testing.assert_close(operator.adjoint(y), back, rtol=1e-10, atol=1e-10)
    normal = (x.flatten(1) @ matrix.T @ matrix.conj()).reshape(x.shape)
    torch.testing.assert_close(operator.normal(x), normal, rtol=1e-10, atol=1e-9)
    torch.testing.assert_close(operator.gram(DOUBLE), matrix @ matrix.mH, rtol=1e-10, atol=1e-9)
    single = operator.forward(x.to(torch.complex64))
    assert (single - expected).norm() < 1e-6 * expected.norm()


def test_cases_take_the_paths_they_are_named_after(rng: torch.Generator) -> None:
    for name in CASES:
        engine = case(name, rng)._engine(DOUBLE, torch.device("cpu"))
        assert engine.by_pair == name.startswith("pairs")
        assert engine.matrix.keeps
        assert not case(name, rng, 300)._engine(DOUBLE, torch.device("cpu")).matrix.keeps


@settings(max_examples=25, deadline=None)
@given(data=st.data(), name=st.sampled_from(CASES), memory_bytes=st.sampled_from([None, SMALL]))
def test_adjoint_in_every_path(data: st.DataObject, name: str, memory_bytes: int | None) -> None:
    rng = torch.Generator().manual_seed(data.draw(st.integers(0, 10**6)))
    batch = data.draw(st.sampled_from([(), (2,), (0,), (1, 2)]))
    operator = case(name, rng, memory_bytes)
    assert_adjoint(operator, rng, dtype=DOUBLE, batch=batch, tolerance=1e-12)
    assert_adjoint(operator, rng, dtype=torch.complex64, batch=batch, tolerance=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), n_pulses=st.integers(1, 9), n_frequencies=st.integers(1, 12))
def test_monostatic_phase_history(seed: int, n_pulses: int, n_frequencies: int) -> None:
    """Ten kilometres away, as from the air: phases of millions of radians, of which metres remain."""
    rng = torch.Generator().manual_seed(seed)
    position = 10 * antennas(n_pulses, rng) + torch.tensor([7000.0, 0, 7000])
    frequencies = torch.linspace(9e9, 9.6e9, n_frequencies, dtype=torch.float64)
    grid = VoxelGrid((1, 6, 5), (1.0, 2.0, 2.0))
    operator = monostatic(position, frequencies, grid, reference_range_m=position.norm(dim=1))
    assert_adjoint(operator, rng, tolerance=1e-12)
    x = gaussian(grid.shape, rng)
    ones = torch.ones(n_pulses, grid.n_voxels, dtype=torch.float64)
    expected = dense(operator, ones) @ x.flatten()
    torch.testing.assert_close(operator.forward(x), expected, rtol=1e-7, atol=1e-7)
    assert (operator.forward(x.to(torch.complex64)) - expected).norm() < 2e-6 * expected.norm()


def test_a_tensor_amplitude_takes_the_place_of_spreading(rng: torch.Generator) -> None:
    t, r, f = antennas(2, rng), antennas(3, rng), torch.linspace(4e9, 5e9, 4, dtype=torch.float64)
    gain = torch.rand(GRID.shape, dtype=torch.float64, generator=rng)
    x = gaussian(GRID.shape, rng)
    weighted = NearFieldMimo(t, r, f, GRID, amplitude=gain)
    plain = NearFieldMimo(t, r, f, GRID, amplitude="none")
    torch.testing.assert_close(weighted.forward(x), plain.forward(gain * x))
    assert_adjoint(weighted, rng)
    ones = torch.ones(2, 3, GRID.n_voxels, dtype=torch.float64)
    torch.testing.assert_close(plain.forward(x), dense(plain, ones) @ x.flatten())


def test_reciprocity(rng: torch.Generator) -> None:
    t, r, f = antennas(3, rng), antennas(4, rng), torch.linspace(4e9, 5e9, 4, dtype=torch.float64)
    x = gaussian(GRID.shape, rng)
    there, back = NearFieldMimo(t, r, f, GRID), NearFieldMimo(r, t, f, GRID)
    torch.testing.assert_close(there.forward(x), back.forward(x).mT)


@pytest.mark.parametrize("name", ["product, most pairs twice", "pairs, mask"])
def test_gradients(name: str, rng: torch.Generator) -> None:
    operator = case(name, rng)
    x = gaussian(operator.domain_shape, rng).requires_grad_()
    y = gaussian(operator.range_shape, rng).requires_grad_()
    for function, argument in ((operator.forward, x), (operator.adjoint, y), (operator.normal, x)):
        assert torch.autograd.gradcheck(function, argument, fast_mode=True)


def test_conjugate_views_and_strides_are_taken(rng: torch.Generator) -> None:
    operator = case("product", rng)
    y = gaussian((4, 3, 7), rng).permute(2, 1, 0)
    torch.testing.assert_close(operator.adjoint(y.conj()), operator.adjoint(y.conj().resolve_conj().clone()))


def test_less_memory_same_numbers(rng: torch.Generator) -> None:
    t, r, f = antennas(3, rng), antennas(4, rng), torch.linspace(4e9, 9e9, 9, dtype=torch.float64)
    grid = VoxelGrid((20, 30, 40), (0.01, 0.01, 0.01), (0.4, 0.0, 0.0))
    x = gaussian(grid.shape, rng, torch.complex64)
    kept, made = (NearFieldMimo(t, r, f, grid, memory_bytes=size << 20) for size in (64, 9))
    assert kept._engine(x.dtype, x.device).matrix.keeps and not made._engine(x.dtype, x.device).matrix.keeps
    assert_adjoint(made, rng, dtype=torch.complex64)
    for same, other in ((kept.forward(x), made.forward(x)), (kept.normal(x), made.normal(x))):
        assert (same - other).norm() < 5e-6 * other.norm()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"transmitters_m": torch.zeros(3, 2)}, r"transmitters_m must have shape \(antenna, 3\)"),
    ({"receivers_m": torch.full((2, 3), torch.nan)}, "receivers_m must be finite"),
    ({"frequencies_hz": torch.zeros(3)}, "frequencies_hz must be positive, got a minimum of 0.0"),
    ({"frequencies_hz": torch.ones(3, 2)}, r"frequencies_hz must have shape \(frequency,\)"),
    ({"pairs": torch.tensor([[0, 4]])}, r"pairs must be indices below \(3, 4\)"),
    ({"pairs": torch.tensor([[0.0, 1]])}, "pairs must be integers"),
    ({"pairs": torch.tensor([0, 1])}, r"pairs must have shape \(pair, 2\)"),
    ({"reference_range_m": torch.ones(12)}, "pairs must be given with reference_range_m"),
    (
        {"pairs": torch.tensor([[0, 1]]), "reference_range_m": torch.ones(2)},
        r"reference_range_m must have shape \(1,\), got \(2,\)",
    ),
    ({"mask": torch.ones(7, 3, 4)}, "mask must be bool"),
    ({"mask": torch.ones(7, 4, 3, dtype=torch.bool)}, r"mask must end in axes \(7, 3, 4\)"),
    ({"amplitude": "loud"}, "amplitude must be 'spreading', 'none' or a tensor, got 'loud'"),
    ({"amplitude": torch.ones(4, 5, 3)}, r"amplitude must be real of shape \(3, 5, 4\)"),
    ({"relative_permittivity": 0.0}, "relative_permittivity must be positive, got 0.0"),
    ({"transmitters_m": GRID.positions()[7:8].clone()}, "grid must have no voxel on an antenna"),
    ({"memory_bytes": 10}, "memory_bytes must be at least"),
]


@pytest.mark.parametrize(("changed", "sentence"), BAD)
def test_bad_arguments_are_refused(changed: dict[str, Any], sentence: str, rng: torch.Generator) -> None:
    numbers = {
        "transmitters_m": antennas(3, rng),
        "receivers_m": antennas(4, rng),
        "frequencies_hz": torch.linspace(4e9, 9e9, 7),
        "grid": GRID,
    }
    with pytest.raises(ValueError, match=sentence):
        NearFieldMimo(**(numbers | changed)).forward(torch.zeros(GRID.shape, dtype=DOUBLE))


def test_bad_arrays_are_refused(rng: torch.Generator) -> None:
    operator = case("product", rng)
    with pytest.raises(ValueError, match=r"x must end in axes \(3, 5, 4\)"):
        operator.forward(torch.zeros(4, 5, 3, dtype=DOUBLE))
    with pytest.raises(ValueError, match=r"y must end in axes \(7, 3, 4\)"):
        operator.adjoint(torch.zeros(7, 4, 3, dtype=DOUBLE))
    with pytest.raises(ValueError, match=r"complex64 or complex128, got torch\.float32"):
        operator.forward(torch.zeros(3, 5, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", CASES)
def test_on_the_gpu(name: str, rng: torch.Generator) -> None:
    operator = case(name, rng, SMALL)
    x = gaussian((2, *operator.domain_shape), rng)
    there = operator.forward(x.cuda())
    torch.testing.assert_close(there.cpu(), operator.forward(x), rtol=1e-10, atol=1e-10)
    assert_adjoint(operator, rng, dtype=DOUBLE, device="cuda", tolerance=1e-12)
    torch.testing.assert_close(operator.gram(DOUBLE, "cuda").cpu(), operator.gram(DOUBLE))

"""ReconResNet as a method: what the network sees, the scale it comes back to, and each consistency."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from proxflow.data.masks.gaussian_points import disc_gaussian_mask
from proxflow.models.calibration.low_phase import low_phase
from proxflow.models.methods.reconresnet import reconresnet
from proxflow.models.methods.reconresnet_published import full_set_gridding
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.models.networks.reconresnet import ReconResNet
from proxflow.models.networks.reconresnet_settings import ReconResNetSettings
from proxflow.models.solvers.iteration import DivergenceError
from proxflow.operators.cartesian_sense import CartesianSense
from proxflow.operators.dense import MatrixOperator
from proxflow.operators.golden_spokes import golden_spoke_density, golden_spokes
from proxflow.operators.non_cartesian_sense import NonCartesianSense

SHAPE = (18, 15)
N = 12  # pixels along both axes of images measured by spokes


class Seen(nn.Module):
    """Remembers what it saw, and gives something else: ``make`` of it."""

    def __init__(self, make=lambda x: 0.5 * x.square()) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.make = make

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        out: Tensor = self.make(x)
        return out


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    """Two images with a smooth phase, of different size."""
    y, x = (torch.linspace(-1, 1, n, dtype=torch.float64) for n in SHAPE)
    magnitude = torch.rand(2, *SHAPE, dtype=torch.float64, generator=rng) * (y[:, None] ** 2 + x**2 < 0.8)
    return torch.polar(
        magnitude * torch.tensor([3.0, 70.0]).view(2, 1, 1), (0.4 * y[:, None] + 0.3 * x).expand(2, -1, -1)
    )


def coils(n: int, rng: torch.Generator) -> CartesianSense:
    mask = torch.from_numpy(disc_gaussian_mask(SHAPE, 0.4, seed=2, centre=0.05))
    maps = torch.ones(1, *SHAPE, dtype=torch.complex128)
    if n > 1:
        maps = torch.randn(n, *SHAPE, dtype=torch.complex128, generator=rng)
        maps = maps / maps.abs().square().sum(0).sqrt()
    return CartesianSense(mask, maps)


def spokes(n_spokes: int, matrix: int = N) -> NonCartesianSense:
    trajectory = golden_spokes(n_spokes, matrix).flatten(0, 1)
    maps = torch.ones(1, matrix, matrix, dtype=torch.complex128)
    return NonCartesianSense(trajectory, maps, n_readout=2 * matrix)


@pytest.mark.parametrize("n_coils", [1, 3])
def test_the_network_sees_each_item_by_its_maximum_and_comes_back_at_the_scale_of_the_data(
    n_coils: int, x: Tensor, rng: torch.Generator
) -> None:
    operator, network = coils(n_coils, rng), Seen()
    y = operator.forward(x)
    found = reconresnet(operator, y, network=network, consistency="none").image
    b = operator.adjoint(y)
    seen = b.abs() / b.abs().amax((1, 2), keepdim=True)
    torch.testing.assert_close(network.seen[:, 0], seen.float())
    guess = 0.5 * seen.float().square().double() * low_phase(b)
    for i in range(2):
        a_guess = operator.forward(guess[i])
        c = torch.vdot(y[i].flatten(), a_guess.flatten()).real / y[i].norm() ** 2
        torch.testing.assert_close(found[i], guess[i] / c, rtol=1e-5, atol=1e-5)
        for other in (0.9, 1.1):  # c y is nearest to what the operator makes of the guess
            assert (c * y[i] - a_guess).norm() < (other * c * y[i] - a_guess).norm()


def test_a_perfect_network_gives_the_image_whatever_its_scale(x: Tensor, rng: torch.Generator) -> None:
    operator = coils(1, rng)
    truth = x[:1].abs() / x[:1].abs().max()
    y = operator.forward(truth.to(x.dtype) * 40)
    network = Seen(lambda seen: 0.9 * truth[None].float())
    found = reconresnet(operator, y, network=network, consistency="none", phase="none").image
    # The network's unit is 0.9 of the truth's, and c tells so from the samples alone.
    torch.testing.assert_close(found.real, 40 * truth, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_noise_makes_the_scale_brighter_by_its_share_of_the_samples(
    level: float, x: Tensor, rng: torch.Generator
) -> None:
    operator = coils(3, rng)
    truth = x[1].abs().to(x.dtype)
    clean = operator.forward(truth)
    noise = level * clean.abs().square().mean().sqrt() * operator.mask
    noise = noise * torch.randn(clean.shape, dtype=x.dtype, generator=rng)
    network = Seen(lambda seen: (truth.real / truth.real.max())[None, None].float())
    found = reconresnet(operator, clean + noise, network=network, consistency="none", phase="none").image
    brighter = float(found.real.sum() / truth.real.sum())
    expected = 1 + float(noise.norm() / clean.norm()) ** 2
    assert brighter == pytest.approx(expected, rel=0.05) and (brighter > 1.02 or not level)


def test_units_of_a_volume(x: Tensor, rng: torch.Generator) -> None:
    operator, network = coils(1, rng), Seen()
    y = operator.forward(x)
    magnitude = operator.adjoint(y).abs()
    reconresnet(operator, y, network=network, unit="volume")
    torch.testing.assert_close(network.seen[:, 0], (magnitude / magnitude.max()).float())
    reconresnet(operator, y, network=network, unit="volume_minmax")
    low, high = magnitude.min(), magnitude.max()
    torch.testing.assert_close(network.seen[:, 0], ((magnitude - low) / (high - low)).float())


def test_items_do_not_depend_on_their_neighbours(x: Tensor, rng: torch.Generator) -> None:
    operator = coils(2, rng)
    y = operator.forward(x)
    both = reconresnet(operator, y, network=Seen(), mu=0.0).image
    torch.testing.assert_close(reconresnet(operator, y[1], network=Seen(), mu=0.0).image, both[1])


@pytest.mark.parametrize("consistency", ["exact", "none"])
def test_what_no_coil_sees_stays_zero(consistency, x: Tensor, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    maps = coils(2, rng).coil_maps.clone()
    maps[:, :5, :4] = 0
    operator = CartesianSense(coils(1, rng).mask, maps)
    everywhere = Seen(lambda seen: torch.full_like(seen, 0.3))
    found = reconresnet(operator, operator.forward(x), network=everywhere, consistency=consistency).image
    assert not found[:, :5, :4].any()
    assert found[:, 5:].abs().min() > 0  # elsewhere the network is heard


@pytest.mark.parametrize("phase", ["low", "adjoint", "none"])
def test_samples_of_one_coil_are_kept(phase, x: Tensor, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    operator = coils(1, rng)
    y = operator.forward(x)
    found = reconresnet(operator, y, network=Seen(), phase=phase)
    assert (operator.forward(found.image) - y).norm() < 1e-12 * y.norm()
    assert found.trace[0].data_residual < 1e-12 and len(found.trace) == 1


def test_a_phase_may_be_given(x: Tensor, rng: torch.Generator) -> None:
    operator = coils(1, rng)
    phase = torch.polar(
        torch.ones(SHAPE, dtype=torch.float64), torch.rand(SHAPE, dtype=torch.float64, generator=rng)
    )
    y = operator.forward(x)
    found = reconresnet(operator, y, network=Seen(), phase=phase, consistency="none").image
    torch.testing.assert_close(
        (found * phase.conj()).imag.abs().max(), torch.tensor(0.0, dtype=torch.float64)
    )
    assert found.abs().max() > 1


def test_many_coils_come_nearer_to_the_data_the_more_steps_and_the_less_mu(
    x: Tensor, rng: torch.Generator
) -> None:
    operator = coils(3, rng)
    y = operator.forward(x)

    def residual(**numbers: float) -> float:
        options = {"n_cg": 30, "mu": 0.0, **numbers}
        return reconresnet(operator, y, network=Seen(), **options).trace[0].data_residual  # type: ignore[arg-type]

    guess = reconresnet(operator, y, network=Seen(), consistency="none").trace[0].data_residual
    assert residual() < residual(n_cg=3) < guess
    assert residual() < residual(mu=0.05) < residual(mu=0.5) < guess


def test_published_parts_are_those_of_the_exact_image(x: Tensor, rng: torch.Generator) -> None:
    operator = coils(1, rng)
    y = operator.forward(x.abs().to(x.dtype))
    exact, real, magnitude = (
        reconresnet(operator, y, network=Seen(), phase="none", consistency=name)  # type: ignore[arg-type]
        for name in ("exact", "published_real", "published_magnitude")
    )
    torch.testing.assert_close(real.image, exact.image.real.to(x.dtype), rtol=0, atol=1e-12)
    torch.testing.assert_close(magnitude.image, exact.image.abs().to(x.dtype), rtol=0, atol=1e-12)
    residuals = [found.trace[0].data_residual for found in (exact, real, magnitude)]
    assert residuals[0] < 1e-12 < 1e-3 < residuals[1] < residuals[2]


@pytest.mark.parametrize("centred", [True, False])
def test_spokes_of_a_full_set_give_its_gridding_where_the_network_is_right(
    centred: bool, rng: torch.Generator
) -> None:
    x = torch.rand(2, N, N, dtype=torch.float64, generator=rng).to(torch.complex128)
    part, full = spokes(7), spokes(2 * N)
    weights = golden_spoke_density(2 * N, N, centred=centred).repeat(2 * N)
    expected = full.adjoint(weights * full.forward(x)).real
    for operator in (part, full):
        found = full_set_gridding(operator, operator.forward(x), x, centred=centred)
        torch.testing.assert_close(found.real, expected)
        assert not found.imag.any()
    wrong = full_set_gridding(part, part.forward(x), torch.zeros_like(x), centred=centred)
    assert (wrong.real - expected).norm() > 0.1 * expected.norm()


def test_spokes_are_gridded_for_the_network_and_then_fitted(rng: torch.Generator) -> None:
    operator, network = spokes(9), Seen()
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, N, dtype=torch.float64),) * 2, indexing="ij")
    truth = torch.exp(-4 * ((y - 0.1) ** 2 + x**2)).to(torch.complex128)
    samples = operator.forward(5 * truth)
    results = {
        name: reconresnet(operator, samples, network=network, mu=0.0, phase="none", consistency=name)  # type: ignore[arg-type]
        for name in ("none", "exact", "published_spokes", "published_spokes_off_centre")
    }
    assert (network.seen[0, 0] - truth.real).norm() < 0.2 * truth.real.norm()  # gridding, by its maximum
    residual = {name: found.trace[0].data_residual for name, found in results.items()}
    assert residual["exact"] < 1e-3 < 0.01 < residual["none"]
    assert residual["exact"] < residual["published_spokes"] != residual["published_spokes_off_centre"]
    error = {name: float((found.image - 5 * truth).norm()) for name, found in results.items()}
    assert error["exact"] < error["none"]


def test_the_network_itself_at_odd_sides_with_noise(x: Tensor, rng: torch.Generator) -> None:
    operator = coils(3, rng)
    y = operator.forward(x) + 0.1 * torch.randn(2, 3, *SHAPE, dtype=torch.complex128, generator=rng)
    network = ReconResNet(ReconResNetSettings(n_blocks=1, width=4)).train()
    first, again = (reconresnet(operator, y, network=network).image for _ in range(2))
    assert first.shape == x.shape and first.isfinite().all()
    assert torch.equal(first, again)  # no dropout


def test_mu_left_open_keeps_samples_of_one_coil_and_no_others(x: Tensor, rng: torch.Generator) -> None:
    for n_coils, mu in ((1, 0.0), (3, 0.1)):
        operator = coils(n_coils, rng)
        y = operator.forward(x)
        of_itself = reconresnet(operator, y, network=Seen()).image
        assert torch.equal(reconresnet(operator, y, network=Seen(), mu=None).image, of_itself)
        torch.testing.assert_close(of_itself, reconresnet(operator, y, network=Seen(), mu=mu).image)
        other = reconresnet(operator, y, network=Seen(), mu=0.5).image
        assert (other - of_itself).abs().max() > 1e-3
    published = reconresnet(coils(1, rng), y[:, :1], network=Seen(), consistency="published_real")
    assert not published.image.imag.any()


@pytest.mark.parametrize("kind", ["one coil", "coils", "spokes"])
def test_mu_means_the_same_whatever_the_scale_of_coil_maps(kind: str, rng: torch.Generator) -> None:
    if kind == "spokes":
        operator: CartesianSense | NonCartesianSense = spokes(9)
        louder: CartesianSense | NonCartesianSense = NonCartesianSense(
            operator.trajectory, 7 * operator.coil_maps, n_readout=2 * N
        )
    else:
        operator = coils(1 if kind == "one coil" else 3, rng)
        louder = CartesianSense(operator.mask, 7 * operator.coil_maps)
    y = operator.forward(torch.randn(operator.domain_shape, dtype=torch.complex128, generator=rng))
    found, same = (reconresnet(a, y, network=Seen(), mu=0.2).image for a in (operator, louder))
    torch.testing.assert_close(7 * same, found)
    assert (found - reconresnet(operator, y, network=Seen(), mu=0.2 * 49).image).abs().max() > 1e-3


def test_mu_of_coil_maps_whose_squares_sum_to_1_is_that_of_the_formula(
    x: Tensor, rng: torch.Generator
) -> None:
    operator = coils(3, rng)
    y = operator.forward(x[0])
    guess = reconresnet(operator, y, network=Seen(), consistency="none").image
    found = reconresnet(operator, y, network=Seen(), mu=0.3, n_cg=200).image
    left = operator.normal(found) + 0.3 * found
    torch.testing.assert_close(left, operator.adjoint(y) + 0.3 * guess, rtol=1e-9, atol=1e-9)


def test_a_map_cut_to_the_object_is_not_fitted_with_mu_0(x: Tensor, rng: torch.Generator) -> None:
    """Its A^H A is no projection: what is measured where it is 0 is noise, and mu = 0 fits it within."""
    whole = coils(1, rng)
    y = whole.forward(x) + torch.randn(2, 1, *SHAPE, dtype=torch.complex128, generator=rng)
    cut = whole.coil_maps.clone()
    cut[:, :4] = cut[:, :, 11:] = 0
    operator = CartesianSense(whole.mask, cut)
    of_itself, usual, fitted = (
        reconresnet(operator, y, network=Seen(), mu=mu).image for mu in (None, 0.1, 0.0)
    )
    torch.testing.assert_close(of_itself, usual)
    assert (of_itself - fitted).norm() > 0.05 * fitted.norm()
    turned = CartesianSense(whole.mask, whole.coil_maps * torch.exp(torch.tensor(0.7j)))
    kept = reconresnet(turned, y, network=Seen()).image  # a phase is no other size
    assert (turned.forward(kept) - whole.mask * y).norm() < 1e-9 * y.norm()
    words = "one coil on a Cartesian grid, with a map of modulus 1 everywhere, got a map from 0 to 1"
    with pytest.raises(UnsuitableError, match=words):
        reconresnet(operator, y, network=Seen(), consistency="published_real")


def test_operators_without_coil_maps_have_mu_relative_to_their_norm(rng: torch.Generator) -> None:
    matrix = torch.randn(12, 9, dtype=torch.complex128, generator=rng)
    a = MatrixOperator(matrix, (3, 3), (12,))
    y = torch.randn(12, dtype=torch.complex128, generator=rng)
    guess = reconresnet(a, y, network=Seen(), phase="none", consistency="none").image
    found = reconresnet(a, y, network=Seen(), phase="none", mu=0.3, n_cg=100).image
    square = float(torch.linalg.matrix_norm(matrix, 2)) ** 2
    left, right = a.normal(found) - a.adjoint(y), 0.3 * square * (guess - found)
    assert (left - right).norm() < 1e-2 * right.norm() > 0


def test_trajectories_without_weights_by_formula_have_others(rng: torch.Generator) -> None:
    """Spokes of which some lost their ends: what the network sees is still the object, not its blur."""
    whole, network = spokes(19), Seen()
    kept = (whole.trajectory.abs().amax(1) < 0.45 * N).nonzero()[:, 0]
    cut = NonCartesianSense(whole.trajectory[kept], whole.coil_maps)
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, N, dtype=torch.float64),) * 2, indexing="ij")
    truth = torch.exp(-6 * ((y - 0.1) ** 2 + x**2)).to(torch.complex128)
    reconresnet(cut, cut.forward(truth), network=network, phase="none")
    truth = truth.real / truth.real.max()
    assert (network.seen[0, 0] - truth).norm() < 0.2 * truth.norm()
    blurred = cut.adjoint(cut.forward(truth.to(torch.complex128))).abs()
    assert (blurred / blurred.max() - truth).norm() > 0.4 * truth.norm()


def test_batches_go_by_what_the_network_takes(x: Tensor, rng: torch.Generator) -> None:
    operator = coils(1, rng)
    settings = ReconResNetSettings(n_blocks=1, width=4)
    seen = []
    network = ReconResNet(settings)
    network.register_forward_pre_hook(lambda module, images: seen.append(len(images[0])))
    y = operator.forward(x[[0, 1, 0, 1]])
    for images, expected in ((2, [2, 2]), (4, [4])):
        seen.clear()
        memory = images * settings.pixel_bytes * SHAPE[0] * SHAPE[1]
        reconresnet(operator, y, network=network, memory_bytes=memory)
        assert seen == expected


def test_an_image_too_small_for_the_network_is_told(rng: torch.Generator) -> None:
    tiny = CartesianSense(torch.ones(4, 9, dtype=torch.bool), torch.ones(1, 4, 9, dtype=torch.complex64))
    with pytest.raises(
        UnsuitableError, match="images must have at least 5 pixels along each axis, got 4 x 9"
    ):
        network = ReconResNet(ReconResNetSettings(n_blocks=1, width=4))
        reconresnet(tiny, torch.ones(1, 4, 9, dtype=torch.complex64), network=network)


def test_zeros_nan_and_other_measurements(x: Tensor, rng: torch.Generator) -> None:
    operator = coils(1, rng)
    y = operator.forward(x)
    assert not reconresnet(operator, torch.zeros_like(y), network=Seen()).image.any()
    dark = reconresnet(operator, y, network=Seen(torch.zeros_like)).image  # or one that sees nothing
    torch.testing.assert_close(dark, operator.adjoint(y))
    with pytest.raises(DivergenceError):
        reconresnet(operator, torch.full_like(y, torch.nan), network=Seen())
    with pytest.raises(ValueError, match=r"y must end in axes \(1, 18, 15\), got shape \(2, 1, 18, 14\)"):
        reconresnet(operator, y[..., :14], network=Seen())
    volume = MatrixOperator(torch.eye(8, dtype=torch.complex64), (2, 2, 2), (8,))
    with pytest.raises(UnsuitableError, match=r"image must have two axes \(y, x\), got 2 x 2 x 2"):
        reconresnet(volume, torch.zeros(8, dtype=torch.complex64), network=Seen())
    many = coils(2, rng)
    with pytest.raises(UnsuitableError, match=r"published_real must be given one coil on a Cartesian grid"):
        reconresnet(many, many.forward(x), network=Seen(), consistency="published_real")
    with pytest.raises(UnsuitableError, match="must be given spokes without weights"):
        reconresnet(operator, y, network=Seen(), consistency="published_spokes")
    with pytest.raises(ValueError, match="phase must be low, adjoint, none or a tensor, got smooth"):
        reconresnet(operator, y, network=Seen(), phase="smooth")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"consistency": "hard"}, "consistency must be one of exact, none, .*, got hard"),
        ({"unit": "slice"}, "unit must be one of item, volume, volume_minmax, got slice"),
        ({"mu": -0.1}, "mu must be at least 0, got -0.1"),
        ({"mu": float("nan")}, "mu must be at least 0, got nan"),
        ({"mu": 0.1, "consistency": "none"}, "mu must be 0 unless consistency is exact, got 0.1 with none"),
        ({"mu": 0.1, "consistency": "published_real"}, "got 0.1 with published_real"),
    ],
)
def test_options_without_effect_are_refused_before_the_network_runs(
    options: dict[str, Any], words: str, x: Tensor, rng: torch.Generator
) -> None:
    operator, network = coils(1, rng), Seen()
    with pytest.raises(ValueError, match=words):
        reconresnet(operator, operator.forward(x), network=network, **options)
    assert not hasattr(network, "seen")


@pytest.mark.parametrize(
    ("trajectory", "shape", "words"),
    [
        (
            golden_spokes(3, N).flatten(0, 1) + 0.01,
            (1, N, N),
            "first spokes of golden_spokes, got samples 0.01",
        ),
        (golden_spokes(3, N)[:, 1:].flatten(0, 1), (1, N, N), "1 to 24 spokes of 24 samples, got 69 samples"),
        (golden_spokes(3, N).flatten(0, 1), (1, N, N + 2), "a square image, got 1 coils and 12 x 14"),
        (golden_spokes(3, N).flatten(0, 1), (2, N, N), "one coil and .*, got 2 coils and 12 x 12"),
    ],
)
def test_other_spokes_are_not_completed(trajectory: Tensor, shape: tuple[int, int, int], words: str) -> None:
    operator = NonCartesianSense(trajectory, torch.ones(shape, dtype=torch.complex128))
    y = torch.zeros(operator.range_shape, dtype=torch.complex128)
    with pytest.raises(UnsuitableError, match=words):
        full_set_gridding(operator, y, torch.zeros(shape[1:], dtype=torch.complex128))

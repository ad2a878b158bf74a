"""Networks over images of any size: exact patches, the published average, memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from proxflow.models.denoisers.turns import turned_back
from proxflow.models.learned_prox.network_prox import NetworkProx
from proxflow.models.learned_prox.windows import exact_windows
from proxflow.models.networks.icnn import Icnn
from proxflow.models.networks.icnn_settings import LPN_DENSE, IcnnSettings

SETTINGS = IcnnSettings("small", channels=1, side=8, hidden=3, beta=10.0, alpha=0.01)


@pytest.fixture
def network(bent: Callable[[IcnnSettings], Icnn]) -> Icnn:
    return bent(SETTINGS)


def jacobian(prox: NetworkProx, images: Tensor) -> Tensor:
    basis = torch.eye(images.numel(), dtype=torch.float64).view(-1, *images.shape[1:])
    columns = prox.derivative(images.expand(len(basis), -1, -1, -1), basis)
    return columns.reshape(len(basis), len(basis)).T


@pytest.mark.parametrize(("size", "stride"), [((8, 12), 4), ((7, 9), 2), ((11, 8), 8), ((5, 3), None)])
def test_exact_patches_make_a_gradient(
    network: Icnn, size: tuple[int, int], stride: int | None, rng: torch.Generator
) -> None:
    prox = NetworkProx(network, stride=stride)
    image = torch.rand(1, 1, *size, dtype=torch.float64, generator=rng)
    found = jacobian(prox, image)
    assert float((found - found.T).norm()) < 1e-12 * float(found.norm())
    assert float(torch.linalg.eigvalsh(found)[0]) >= SETTINGS.strong_convexity - 1e-12
    step, direction = 1e-5, torch.randn(image.shape, dtype=torch.float64, generator=rng)
    ahead, middle, back = (prox.evaluated(image + t * step * direction) for t in (1, 0, -1))
    slope = (ahead.potential - back.potential) / (2 * step)
    torch.testing.assert_close(slope.sum(), (middle.image * direction).sum(), rtol=1e-6, atol=1e-6)
    bend = (ahead.image - back.image) / (2 * step)
    torch.testing.assert_close(bend, prox.derivative(image, direction), rtol=1e-5, atol=1e-6)


def test_the_published_average_is_no_gradient(network: Icnn, rng: torch.Generator) -> None:
    image = torch.rand(1, 1, 8, 12, dtype=torch.float64, generator=rng)
    averaged = NetworkProx(network, patching="averaged")
    found = jacobian(averaged, image)
    assert float((found - found.T).norm()) > 0.01 * float(found.norm())
    assert not averaged.exact and bool(averaged.evaluated(image).potential.isnan().all())


@pytest.mark.parametrize(("patching", "size", "count"), [("exact", 32, 81), ("averaged", 32, 49)])
def test_patches_as_published_counts_them(network: Icnn, patching: Any, size: int, count: int) -> None:
    """512 pixels, patches of 128, here 64 times as small."""
    windows = NetworkProx(network, patching=patching).windows((size, size))
    assert len(windows.rows) * len(windows.columns) == count


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("size", [(5, 16), (33, 41), (16, 64)])
def test_tilings_cover_alike_and_start_in_phases_of_their_own(size: tuple[int, int], stride: int) -> None:
    windows = exact_windows(size, 16, stride)
    for starts, length, whole in zip((windows.rows, windows.columns), size, windows.padded, strict=True):
        covered = torch.zeros(whole)
        for start in starts:
            covered[start.at : start.at + 16] += 1
        assert bool((covered[windows.before : windows.before + length] == 16 // stride).all())
        phases = [(start.at - windows.before) % 16 for start in starts]
        assert len(set(phases)) == windows.n_tilings == 16 // stride
        assert (
            len({(start.tiling, phase) for start, phase in zip(starts, phases, strict=True)}) == 16 // stride
        )
        if stride > 1:
            assert {phase % 2 for phase in phases} == ({0, 1} if stride < 16 else {0})


def test_each_tiling_is_turned_in_its_own_way(network: Icnn, rng: torch.Generator) -> None:
    """Patches within an even image are all alike: f of one, turned back, is what each tiling repeats."""
    even = torch.full((1, 1, 40, 40), 0.7, dtype=torch.float64)
    one = network(even[:, :, :8, :8])[0, 0]
    whole = [turned_back(one, k).tile(5, 5) for k in range(4)]  # starts: 0 and 5 along each axis
    wanted = sum(whole[2 * y + x].roll((5 * y, 5 * x), (0, 1)) for y in (0, 1) for x in (0, 1)) / 4
    found = NetworkProx(network, stride=4)(even)[0, 0]
    torch.testing.assert_close(found[8:-8, 8:-8], wanted[8:-8, 8:-8])
    assert float((whole[0] - whole[1]).abs().max()) > 1e-3


@pytest.mark.parametrize("patching", ["exact", "averaged"])
def test_patches_of_the_identity_are_the_image(patching: Any, rng: torch.Generator) -> None:
    network = Icnn(IcnnSettings("small", side=8, hidden=2, alpha=0.5)).double().requires_grad_(False)
    network.lin[-1].weight.zero_()  # psi = 1/2 ||y||^2
    image = torch.rand(2, 1, 13, 10, dtype=torch.float64, generator=rng)
    found = NetworkProx(network, patching=patching).evaluated(image)
    torch.testing.assert_close(found.image, image)
    if patching == "exact":
        torch.testing.assert_close(found.potential, image.square().flatten(1).sum(1) / 2)


def test_memory_is_bounded_and_does_not_change_the_result(network: Icnn, rng: torch.Generator) -> None:
    images = torch.rand(3, 1, 13, 10, dtype=torch.float64, generator=rng)
    sizes: list[int] = []
    network.lin[0].register_forward_pre_hook(lambda layer, args: sizes.append(len(args[0])))
    plenty, little = NetworkProx(network), NetworkProx(network, memory_bytes=1)
    assert little.patches_at_once(torch.float64) == 1 < plenty.patches_at_once(torch.float64)
    wanted = plenty(images)
    sizes.clear()
    torch.testing.assert_close(little(images), wanted, rtol=1e-12, atol=1e-14)
    little.derivative(images, images)
    assert set(sizes) == {1}
    single = images[1:2].float()
    assert little(single).dtype == torch.float32
    torch.testing.assert_close(little(single), plenty(images)[1:2].float())


def test_an_image_of_the_networks_size_is_one_patch(network: Icnn, rng: torch.Generator) -> None:
    image = torch.rand(2, 1, 8, 8, dtype=torch.float64, generator=rng)
    for patching in ("exact", "averaged"):
        torch.testing.assert_close(NetworkProx(network, patching=patching)(image), network(image))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"stride": 3}, "stride must divide the side 8 for exact patches, got 3"),
        ({"stride": 9}, "stride must be from 1 to the side 8, got 9"),
        ({"patching": "mean"}, "patching must be 'exact' or 'averaged', got 'mean'"),
    ],
)
def test_bad_numbers_are_refused(network: Icnn, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NetworkProx(network, **wrong)


def test_bad_images_are_refused(network: Icnn) -> None:
    with pytest.raises(ValueError, match=r"images must be real with axes \(n, 1, y, x\), got .*\(4, 8, 8\)"):
        NetworkProx(network)(torch.zeros(4, 8, 8))
    with pytest.raises(ValueError, match="images must be at least 8 x 8 for averaged patches"):
        NetworkProx(network, patching="averaged")(torch.zeros(1, 1, 7, 9))
    with pytest.raises(ValueError, match="network must be one of images, got a dense one"):
        NetworkProx(Icnn(LPN_DENSE))

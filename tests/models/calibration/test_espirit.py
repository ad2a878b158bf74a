"""ESPIRiT finds known sensitivities, explains the coil images, agrees with SigPy, and refuses bad data."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.calibration.acs import central_block
from proxflow.models.calibration.espirit import espirit
from proxflow.operators.fourier import fft2c, ifft2c


def projection_error(maps: torch.Tensor, images: torch.Tensor) -> float:
    """||S S^H x - x|| / ||x||."""
    residual = maps * (maps.conj() * images).sum(0) - images
    return float(torch.linalg.vector_norm(residual) / torch.linalg.vector_norm(images))


def test_maps_are_the_true_sensitivities(scene) -> None:  # type: ignore[no-untyped-def]
    maps, eigenvalue = espirit(scene.kspace, acs_shape=(24, 24), threshold=0.005, crop=0.9)
    inside = scene.object & (eigenvalue > 0.9)
    assert inside.sum() > 0.98 * scene.object.sum()
    difference = (maps - scene.maps).abs().amax(0)[inside]
    assert difference.median() < 0.01
    assert difference.max() < 0.1


@pytest.mark.parametrize("threshold", [0.02, 0.005])
def test_maps_explain_fully_sampled_coil_images(scene, threshold: float) -> None:  # type: ignore[no-untyped-def]
    maps, _ = espirit(scene.kspace, threshold=threshold, crop=0.8)
    assert projection_error(maps, scene.coil_images) < 0.02  # BART's own test allows 0.05


def test_maps_are_normalised_and_referred_to_the_first_coil(scene) -> None:  # type: ignore[no-untyped-def]
    maps, eigenvalue = espirit(scene.kspace, crop=0.95)
    power = maps.abs().square().sum(0)
    torch.testing.assert_close(power, (eigenvalue > 0.95).double(), rtol=0, atol=1e-12)
    assert maps[0].imag.abs().max() < 1e-12
    assert maps[0].real.min() >= 0
    assert eigenvalue.max() < 1 + 1e-9  # an average of projectors


def test_agrees_with_sigpy(scene, rng: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    from sigpy.mri.app import EspiritCalib

    noise = torch.randn(scene.kspace.shape, dtype=torch.complex128, generator=rng)
    kspace = (scene.kspace + 0.02 * noise).to(torch.complex64)
    settings = {"kernel_width": 5, "crop": 0.9}
    maps, eigenvalue = espirit(kspace, acs_shape=(20, 20), threshold=0.03, **settings)
    app = EspiritCalib(
        kspace.numpy(), calib_width=20, thresh=0.03, max_iter=2000, output_eigenvalue=True, show_pbar=False,
        **settings,
    )  # fmt: skip
    their_maps, their_eigenvalue = (torch.from_numpy(array) for array in app.run())
    torch.testing.assert_close(eigenvalue, their_eigenvalue.reshape(eigenvalue.shape).real, rtol=0, atol=2e-5)
    clear = (eigenvalue - 0.9).abs() > 1e-4  # not decided by rounding
    theirs_inside = their_maps.abs().sum(0) > 0
    assert torch.equal((eigenvalue > 0.9)[clear], theirs_inside[clear])
    inside = clear & theirs_inside
    assert (maps - their_maps)[:, inside].abs().max() < 1e-3


def test_only_the_calibration_region_matters(scene) -> None:  # type: ignore[no-untyped-def]
    undersampled = torch.zeros_like(scene.kspace)
    central_block(undersampled, (24, 22)).copy_(central_block(scene.kspace, (24, 22)))
    undersampled[:, ::4] = scene.kspace[:, ::4]
    torch.testing.assert_close(espirit(undersampled)[0], espirit(scene.kspace, acs_shape=(24, 22))[0])


def test_fully_sampled_data_are_calibrated_on_the_central_24(scene) -> None:  # type: ignore[no-untyped-def]
    torch.testing.assert_close(espirit(scene.kspace)[0], espirit(scene.kspace, acs_shape=(24, 24))[0])


def test_chunks_and_scale_do_not_change_the_maps(scene) -> None:  # type: ignore[no-untyped-def]
    maps, eigenvalue = espirit(scene.kspace)
    one_row, row_eigenvalue = espirit(scene.kspace, chunk_bytes=1)
    torch.testing.assert_close(one_row, maps, rtol=0, atol=1e-9)
    torch.testing.assert_close(row_eigenvalue, eigenvalue)
    tiny, _ = espirit((1e-9 * scene.kspace).to(torch.complex64))
    inside = scene.object & (eigenvalue > 0.96)
    torch.testing.assert_close(tiny[:, inside], maps[:, inside].to(torch.complex64), rtol=0, atol=1e-3)


def test_single_precision_follows_double(scene) -> None:  # type: ignore[no-untyped-def]
    double, eigenvalue = espirit(scene.kspace)
    single, single_eigenvalue = espirit(scene.kspace.to(torch.complex64))
    assert (double.dtype, single.dtype) == (torch.complex128, torch.complex64)
    assert (eigenvalue.dtype, single_eigenvalue.dtype) == (torch.float64, torch.float32)
    torch.testing.assert_close(single_eigenvalue.double(), eigenvalue, rtol=0, atol=1e-5)


def test_small_and_large_calibration_matrices_agree() -> None:
    """Either Gram matrix gives the same row space: 4 x 4 kernels fit 36 or 441 times into rows of 48."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 24), indexing="ij")
    coils = torch.stack([torch.ones_like(x), 0.5 * x, 0.3 * y]).to(torch.complex128)
    kspace = fft2c(coils * (x**2 + y**2 < 0.6))
    few, _ = espirit(kspace, acs_shape=(9, 9), kernel_width=4, threshold=0.05, crop=0.5)
    many, _ = espirit(kspace, acs_shape=(24, 24), kernel_width=4, threshold=0.05, crop=0.5)
    for maps in (few, many):
        assert projection_error(maps, ifft2c(kspace)) < 0.05


def test_one_coil_has_a_map_of_ones(scene) -> None:  # type: ignore[no-untyped-def]
    maps, eigenvalue = espirit(scene.kspace[:1])
    torch.testing.assert_close(maps[0], (eigenvalue > 0.95).to(maps.dtype))


def test_bad_calibration_data_are_refused_in_one_sentence(scene) -> None:  # type: ignore[no-untyped-def]
    kspace = scene.kspace
    lines = torch.zeros_like(kspace)
    lines[:, 34:38] = kspace[:, 34:38]
    with pytest.raises(
        ValueError, match=r"at least kernel_width x kernel_width samples \(6 x 6\), got 4 x 24"
    ):
        espirit(lines)
    with pytest.raises(ValueError, match="got 4 x 60"):
        espirit(kspace, acs_shape=(4, 60))
    with pytest.raises(ValueError, match="got 0 x 0"):
        espirit(torch.zeros_like(kspace))
    with pytest.raises(ValueError, match="must hold signal, got 8 x 8 zeros"):
        espirit(torch.zeros_like(kspace), acs_shape=(8, 8))
    with pytest.raises(ValueError, match="must be fully sampled, got 480 of 720 samples"):
        espirit(lines, acs_shape=(12, 60))
    with pytest.raises(ValueError, match="must lie between"):
        espirit(kspace, acs_shape=(80, 24))
    with pytest.raises(ValueError, match="must be complex with axes"):
        espirit(kspace[0])
    broken = kspace.clone()
    broken[2, 36, 30] = float("nan")
    with pytest.raises(ValueError, match="must be finite, got NaN or Inf in 1 samples"):
        espirit(broken)

"""What networks against artefacts learn from: one unit for input and target, from measured data alone."""

from __future__ import annotations

import torch
from torch import Tensor

from proxflow.models.artefacts.undersampled_images import (
    UNIT,
    UndersamplingSettings,
    draw_object,
    draw_undersampled,
    in_networks_unit,
)
from proxflow.models.denoisers.draws import step_generator
from proxflow.models.denoisers.noisy_crops import Subject
from proxflow.operators.cartesian_sense import CartesianSense

SETTINGS = UndersamplingSettings(16, batch=3)


def lines(share: float, seed: int = 0) -> CartesianSense:
    mask = torch.zeros(16, 16, dtype=torch.bool)
    rows = torch.rand(16, generator=torch.Generator().manual_seed(seed)) < share
    mask[rows | ((torch.arange(16) - 8).abs() < 3)] = True
    return CartesianSense(mask, torch.ones(1, 16, 16, dtype=torch.complex64))


def smooth_object() -> Tensor:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="ij")
    return torch.polar(torch.exp(-3 * (x**2 + 2 * y**2)), x - y)


def test_all_sampled_the_input_is_the_object_and_the_target_a_part_of_it() -> None:
    image = smooth_object()
    seen, wanted = in_networks_unit(lines(1.1), 7.0 * image)
    expected = image.abs() / image.abs().max()
    torch.testing.assert_close(seen[0, 0], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(wanted[0, 0], UNIT * expected, atol=1e-5, rtol=0)


def test_input_and_target_have_the_unit_of_the_measurement() -> None:
    image, operator = smooth_object(), lines(0.4)
    seen, wanted = in_networks_unit(operator, image)
    b = operator.adjoint(operator.forward(image)).abs()
    torch.testing.assert_close(seen[0, 0] * b.max(), b)
    assert float(wanted.max()) < 1
    torch.testing.assert_close(wanted[0, 0] * b.max() / UNIT, image.abs())


def test_of_an_object_of_zeros_there_are_numbers() -> None:
    seen, wanted = in_networks_unit(lines(0.5), torch.zeros(16, 16, dtype=torch.complex64))
    assert float(seen.abs().max()) == 0 and float(wanted.abs().max()) == 0


def test_a_step_is_decided_by_its_number_and_uses_every_pattern() -> None:
    subjects = [Subject("a", ((torch.rand(20, 18) + 0.1,),)), Subject("b", ((torch.rand(12, 9) + 0.1,),))]
    used: list[str] = []

    def pattern(name: str, share: float):  # type: ignore[no-untyped-def]
        def draw(seed: int) -> CartesianSense:
            used.append(f"{name}{seed}")
            return lines(share, seed)

        return draw

    patterns = [pattern("many", 0.7), pattern("few", 0.3)]
    first = draw_undersampled(subjects, patterns, SETTINGS, seed=1, step=5)
    seeds, used[:] = list(used), []
    again = draw_undersampled(subjects, patterns, SETTINGS, seed=1, step=5)
    assert used == seeds and len(set(used)) == 3
    for one, other in zip(first, again, strict=True):
        assert one.shape == (3, 1, 16, 16) and torch.equal(one, other)
    assert not torch.equal(first.seen, draw_undersampled(subjects, patterns, SETTINGS, 1, 6).seen)
    used.clear()
    fixed = UndersamplingSettings(16, batch=8, fixed=True)
    draw_undersampled(subjects, patterns, fixed, 1, 5)
    assert set(used) == {"many0", "few0"}


def test_objects_have_a_phase_only_where_asked() -> None:
    subject = Subject("a", ((torch.rand(20, 18) + 0.1,),))
    real = UndersamplingSettings(16, is_complex=False)
    assert float(draw_object(subject, real, step_generator(0, 0)).imag.abs().max()) == 0
    assert float(draw_object(subject, SETTINGS, step_generator(0, 0)).imag.abs().max()) > 0.01

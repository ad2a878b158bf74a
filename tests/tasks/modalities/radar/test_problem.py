"""One radar scene as a method meets it: the medium, pairs withheld, where the target is said to be."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch

from proxflow.data.store.artefact import Artefact
from proxflow.operators.adjoint_test import assert_adjoint
from proxflow.tasks.errors import RequestError
from proxflow.tasks.memory_artefact import MemoryArtefact
from proxflow.tasks.stages.solve import misfit

IMAGE = {"matrix": [5, 7, 9], "voxel_mm": 10, "centre_mm": [300, 0, 0]}
MEDIA = [(1.0, "spreading"), (8.0, "spreading"), (4.0, "none")]


@pytest.mark.parametrize(("permittivity", "amplitude"), MEDIA)
def test_a_point_target_gives_its_echo(
    make: Any, write_radar: Any, target: Any, rng: Any, check_norm: Any, permittivity: float, amplitude: str
) -> None:
    medium = {"relative_permittivity": permittivity, "amplitude": amplitude}
    made = make("radar", write_radar(permittivity=permittivity, amplitude=amplitude), image=IMAGE, **medium)
    problem = made.problem(item=1)
    operator, y = problem.posed(problem.mask)
    assert y.shape == (12, 16)
    assert_adjoint(operator, rng)
    check_norm(operator, problem.norm, torch.complex128)
    predicted = 0.5 * operator.forward(torch.from_numpy(target))
    torch.testing.assert_close(predicted, y, atol=1e-6 * float(y.abs().max()), rtol=1e-6)
    assert f"permittivity of the medium {permittivity:g}" in made.kind.calibration_text(made.calibrated)


def test_a_wrong_medium_does_not(make: Any, write_radar: Any, target: Any) -> None:
    problem = make("radar", write_radar(permittivity=8.0), image=IMAGE, relative_permittivity=7.0).problem()
    error, norm = misfit(problem, torch.from_numpy(target), problem.mask)
    assert error / norm > 0.5


def test_a_path_inside_the_antennas_is_one_in_air(
    make: Any, write_radar: Any, echo_of: Any, target: Any
) -> None:
    """Not in the medium, whatever that is."""
    k = 2 * np.pi * np.linspace(2e9, 6e9, 12) / 299_792_458
    late = echo_of(permittivity=8.0) * np.exp(-1j * k * 0.05)[:, None]
    scan = write_radar(samples=np.stack([late, late]).astype(np.complex64))
    made = make("radar", scan, image=IMAGE, relative_permittivity=8.0, antenna_path_mm=50)
    problem = made.problem()
    error, norm = misfit(problem, torch.from_numpy(target), problem.mask)
    assert error / norm < 1e-6
    assert "50 mm of path in air inside the antennas." in made.kind.calibration_text(made.calibrated)


def test_echoes_in_the_background_of_a_turned_array_are_modelled(
    make: Any, write_radar: Any, echo_of: Any, target: Any, rng: Any
) -> None:
    x, y, z = 0.02, -0.03, 0.30  # the target; an array turned by 90 degrees sees it at (y, -x, z)
    first, second = echo_of(), echo_of(target_m=np.array([y, -x, z]))
    step = {"kind": "subtract_background", "turned_degrees": 90}
    both = {"samples": np.stack([first, first]), "background": np.stack([second, second])}
    scan = write_radar(**{name: array.astype(np.complex64) for name, array in both.items()})
    made = make("radar", scan, step, image=IMAGE)
    problem = made.problem()
    error, norm = misfit(problem, torch.from_numpy(target), problem.mask)
    assert error / norm < 1e-6
    assert_adjoint(problem.posed(problem.mask)[0], rng)
    split = made.kind.withhold(problem, made.calibrated, 0, fraction=0.25, seed=1)
    error, norm = misfit(problem, torch.from_numpy(target), split.judged)
    assert error / norm < 1e-6
    assert any("its array turned by 90 degrees" in note for note in made.prepared.document("scan")["notes"])


def test_pairs_are_withheld_whole_and_once(make: Any, write_radar: Any, target: Any) -> None:
    made = make("radar", write_radar(), image=IMAGE)
    problem = made.problem()
    split = made.kind.withhold(problem, made.calibrated, 0, fraction=0.25, seed=1)
    assert not (split.given & split.judged).any()
    assert (split.given | split.judged).all()
    assert torch.equal(split.judged.all(0), split.judged.any(0)) and int(split.judged.all(0).sum()) == 4
    assert problem.count(split.judged) == 4 * 12
    error, norm = misfit(problem, torch.from_numpy(target), split.judged)
    assert error / norm < 1e-6  # a perfect image predicts what was withheld
    whole, _ = problem.posed(problem.mask)
    part, _ = problem.posed(split.given)
    x = torch.from_numpy(target)
    torch.testing.assert_close(part.forward(x), whole.forward(x)[:, split.given.any(0)])


def test_one_pair_cannot_be_spared(make: Any, write_radar: Any) -> None:
    made = make("radar", write_radar(), image=IMAGE)
    problem = made.problem()
    problem.mask[:, 1:] = False
    with pytest.raises(RequestError, match=r"must be 0 where nothing can be spared, got 0\.1 of 1"):
        made.kind.withhold(problem, made.calibrated, 0, fraction=0.1, seed=0)


def test_findings_say_where_the_largest_magnitude_is(make: Any, write_radar: Any, target: Any) -> None:
    made = make("radar", write_radar(), image=IMAGE)
    image = MemoryArtefact()
    image.write("image", np.concatenate([1j * target, np.roll(target, 1, axis=0)]))
    found = made.kind.findings(made.prepared, cast(Artefact, image))
    assert found == [
        "largest magnitude of one at (x, y, z) = (20, -30, 300) mm",
        "largest magnitude of half at (x, y, z) = (20, -30, 310) mm",
    ]


def test_voxels_on_an_antenna_are_refused(make: Any, write_radar: Any) -> None:
    on_antenna = {"matrix": [1, 1, 1], "voxel_mm": 10, "centre_mm": [0, 150, 200]}
    with pytest.raises(RequestError, match="image: grid must have no voxel on an antenna"):
        make("radar", write_radar(), image=on_antenna)


def test_the_estimate_counts_what_the_operator_holds(
    make: Any, write_radar: Any, check_operator_bytes: Any
) -> None:
    check_operator_bytes(make("radar", write_radar(), image=IMAGE | {"matrix": [9, 20, 20]}))


def test_pictures_are_in_decibels(make: Any, write_radar: Any) -> None:
    made = make("radar", write_radar(), image=IMAGE)
    shown = made.kind.pictures(made.prepared, made.calibrated, [0])
    samples = made.prepared.array("samples")[0]
    np.testing.assert_allclose(10 ** (shown.samples / 20), np.abs(samples), rtol=1e-4)
    text = made.kind.measured_text(made.prepared)
    assert text == "16 pairs of antennas, 12 frequencies from 2 to 6 GHz"
    assert shown.antennas_mm.shape == (5 + 4, 3) and shown.centre_mm == (300.0, 0.0, 0.0)
    np.testing.assert_allclose(shown.antennas_mm[[0, 5]], [[-200, 150, 0], [-100, -200, -2]], atol=1e-9)
    assert not made.kind.complete(made.prepared)

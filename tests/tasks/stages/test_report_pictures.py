"""Volumes of a report, read from the artefacts."""

from __future__ import annotations

import numpy as np
import pytest

from proxflow.data.kspace import Geometry
from proxflow.tasks.memory_artefact import MemoryArtefact
from proxflow.tasks.modalities.registry import modality
from proxflow.tasks.stages.report_pictures import (
    Shown,
    choose_shown,
    picture_names,
    pictures_of,
    volume_of,
)


@pytest.mark.parametrize("name", ["image", "reference"])
def test_projections_are_of_the_array_and_items_asked_for(name: str) -> None:
    rng = np.random.default_rng(0)
    volumes = rng.standard_normal((3, 4, 5, 6)) * np.exp(1j)
    artefact = MemoryArtefact()
    artefact.write(name, volumes.reshape(12, 5, 6))
    np.testing.assert_allclose(volume_of(artefact, name, 2, 4), np.abs(volumes[2]))
    shown = Shown((0, 2), ("a", "c"), (), 4)
    views = pictures_of(artefact, name, shown, Geometry((5, 6), (2.0, 10.0, 12.0)))
    items, labels = picture_names(shown)
    assert views.shape == (6, 6, 6) and items == (0, 0, 0, 2, 2, 2)
    assert labels[3] == "c, maximum along z (y down, x across)"
    np.testing.assert_allclose(views[3, :5], np.abs(volumes[2]).max(0), rtol=1e-6)


def test_slices_of_volumes_leave_out_their_ends_and_items_do_not() -> None:
    shown = choose_shown(["a", "b"], 40, (48, 48), 2, True, modality("ct"))
    assert len(shown.planes) == 12 and shown.items == (0,) * 6 + (1,) * 6
    assert shown.planes[0] > 0 and shown.planes[-1] < 79
    slices = choose_shown(["a", "b", "c"], 1, (48, 48), 2, True, modality("ct"))
    assert slices.planes == (0, 1, 2)

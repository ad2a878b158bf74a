"""What a reconstruction may hold beside its image."""

from __future__ import annotations

import pytest
import torch

from proxflow.models.methods.result import Reconstruction

IMAGE = torch.ones(2, 3, dtype=torch.complex64)


def test_maps_are_known_by_name_real_and_of_the_image_s_shape() -> None:
    assert Reconstruction(IMAGE, [], maps={"std": IMAGE.real}).maps["std"].shape == (2, 3)
    with pytest.raises(ValueError, match="maps must be named as one of std, got var"):
        Reconstruction(IMAGE, [], maps={"var": IMAGE.real})
    for wrong in (IMAGE, IMAGE.real.T):
        with pytest.raises(ValueError, match=r"std must be real of shape \(2, 3\)"):
            Reconstruction(IMAGE, [], maps={"std": wrong})

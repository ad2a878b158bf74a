"""What a recipe may ask of ReconResNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from proxflow.configs.loading import anchor_paths
from proxflow.configs.methods_reconresnet import ReconResNet
from proxflow.models.methods.network_guess import Phase, Unit
from proxflow.models.methods.reconresnet import Consistency
from proxflow.tasks.methods import METHODS


def test_consistencies_and_phases_are_those_of_the_library() -> None:
    for field, kind in (("consistency", Consistency), ("phase", Phase)):
        assert get_args(ReconResNet.model_fields[field].annotation) == get_args(kind)
    assert set(get_args(ReconResNet.model_fields["unit"].annotation)) < set(get_args(Unit))
    assert METHODS["reconresnet"].direct  # of spokes it makes weights, which a scaled operator hides


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"consistency": "hard"}, "'exact', 'none', 'published_real'"),
        ({"mu": -1.0}, "greater than or equal to 0"),
        ({"mu": 0.1, "consistency": "none"}, "must be 0 unless consistency is exact, got 0.1 with none"),
        ({"n_cg": 0}, "greater than or equal to 1"),
        ({"phase": "smooth"}, "'low', 'adjoint' or 'none'"),
        ({"unit": "volume"}, "'item' or 'volume_minmax'"),
        ({"network": "dncnn-mri"}, "should match pattern"),
        ({"network": "weights.pth"}, "should match pattern"),
    ],
)
def test_what_it_cannot_do_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ReconResNet.model_validate({"method": "reconresnet"} | changed)


def test_a_file_of_weights_counts_from_the_recipe(tmp_path: Path) -> None:
    values: dict[str, Any] = {"reconstruct": {"method": "reconresnet", "network": "w/a.safetensors"}}
    anchor_paths(values, tmp_path)
    assert values["reconstruct"]["network"] == str(tmp_path / "w/a.safetensors")

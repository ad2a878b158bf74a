"""The recipe that a training leaves still names the pictures it was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxflow.configs.loading import load_recipe
from proxflow.tasks.training.trained_recipe import trained_recipe_text

TEXT = """name: a
scan: {kind: image, PLACE}
prepare: [{kind: blur}]
reconstruct: {method: tv} # mine
"""


@pytest.mark.parametrize(
    "place",
    ["path: 'a.h5::truth'", "path: a.h5, array: truth", "path: 'sample://dynamic-ct-lung::reference'"],
)
def test_an_array_of_a_file_stays_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "recipe.yaml").write_text(TEXT.replace("PLACE", place))
    recipe = load_recipe(tmp_path / "recipe.yaml")
    text = trained_recipe_text(recipe, (tmp_path / "recipe.yaml").read_text(), [], "proxflow train")
    assert "# mine" in text  # the layout is that of the source
    (tmp_path / "trained.yaml").write_text(text)
    assert load_recipe(tmp_path / "trained.yaml").scan == recipe.scan

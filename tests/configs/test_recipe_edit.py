"""Values changed in a recipe's text: comments, order and layout stay."""

from __future__ import annotations

import pytest
import yaml

from proxflow.configs.recipe_edit import with_item, with_values

BLOCK = """# head
reconstruct: # the method
  method: tv
  lam: 0.003 # a weight
  n_iter: 100
compare:
  # the others
  - method: zero_filled
  - {method: cg_sense, lam: 1e-2}  # flow
"""


def test_a_value_is_replaced_and_all_else_stays() -> None:
    text = with_values(BLOCK, {("reconstruct", "lam"): 0.0018, ("compare", 1, "lam"): 0.5})
    assert text == BLOCK.replace("0.003 #", "0.0018 #").replace("1e-2}", "0.5}")


def test_a_missing_key_follows_the_first_of_its_mapping() -> None:
    text = with_values(
        BLOCK, {("reconstruct", "tol"): 0.01, ("compare", 0, "lam"): 1, ("compare", 1, "tol"): 0}
    )
    values = yaml.safe_load(text)
    assert values["reconstruct"] == {"method": "tv", "tol": 0.01, "lam": 0.003, "n_iter": 100}
    assert values["compare"][0] == {"method": "zero_filled", "lam": 1}
    assert values["compare"][1]["tol"] == 0
    assert all(
        comment in text for comment in ("# head", "# the method", "# a weight", "# the others", "# flow")
    )


def test_a_key_at_the_end_of_a_text_without_a_newline() -> None:
    text = with_values("reconstruct:\n  method: tv", {("reconstruct", "lam"): 0.25})
    assert yaml.safe_load(text) == {"reconstruct": {"method": "tv", "lam": 0.25}}


@pytest.mark.parametrize(
    "path", [("nothing", "lam"), ("compare", 7, "lam"), ("compare", "lam"), ("reconstruct",)]
)
def test_a_place_that_is_not_there_is_a_key_error(path: tuple[str | int, ...]) -> None:
    with pytest.raises(KeyError):
        with_values(BLOCK, {path: 1})


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        "compare: [{method: tv}]\n",
        "compare: []\n",
        "name: none\n",
        "compare:\n- method: tv\n  lam: 1\n",
    ],
)
def test_an_item_comes_first(text: str) -> None:
    new = with_item(text, "compare", {"method": "l1_wavelet", "lam": 0.005})
    before = (yaml.safe_load(text) or {}).get("compare", [])
    assert yaml.safe_load(new)["compare"] == [{"method": "l1_wavelet", "lam": 0.005}, *before]


def test_text_is_quoted() -> None:
    text = with_values("scan: {path: a}\n", {("scan", "path"): 'C: "odd" # name'})
    assert yaml.safe_load(text) == {"scan": {"path": 'C: "odd" # name'}}

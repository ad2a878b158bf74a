"""Defaults of the partially separable methods: those of the functions behind them, and the published ones."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from proxflow.configs.methods_psm import Psm, PsmTv, RedPsm
from proxflow.models.methods.psm import psm, psm_tv
from proxflow.models.methods.red_psm import red_psm

PUBLISHED = {"lam": 2e-4, "beta": 2e-4, "xi": 1e-6, "chi": 1e-6}


@pytest.mark.parametrize(
    ("config", "function"), [(RedPsm, red_psm), (Psm, psm), (PsmTv, psm_tv)], ids=["red_psm", "psm", "psm_tv"]
)
def test_a_recipe_has_the_defaults_of_the_function(config: Any, function: Any) -> None:
    asked = config(method=function.__name__)
    inherited = {} if function is red_psm else inspect.signature(red_psm).parameters
    defaults = dict(inherited) | dict(inspect.signature(function).parameters)
    for name in config.model_fields:
        if name in defaults and defaults[name].default is not inspect.Parameter.empty:
            assert getattr(asked, name) == defaults[name].default, name


def test_released_semantics_have_the_published_weights_unless_others_are_given() -> None:
    released = RedPsm(method="red_psm", semantics="released", chi=1e-3)
    found = {name: getattr(released, name) for name in PUBLISHED}
    assert found == PUBLISHED | {"chi": 1e-3}

"""The registry of methods beside their schemas."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.models.methods.unsuitable import UnsuitableError
from proxflow.operators.dense import MatrixOperator
from proxflow.tasks.methods import METHODS, method_function


def test_every_method_has_a_schema_and_its_phase_is_seen_to() -> None:
    assert set(METHODS) == set(METHOD_SCHEMAS)
    offered = {name: schema.model_fields.get("phase") for name, schema in METHOD_SCHEMAS.items()}
    assert {name for name, one in METHODS.items() if one.phase} == {
        name for name, field in offered.items() if field and "smooth" in get_args(field.annotation)
    }


def test_a_phase_is_taken_off_before_the_function_is_called() -> None:
    operator = MatrixOperator(torch.eye(4), (2, 2), (4,))
    with pytest.raises(UnsuitableError, match="phase must be kept where images are real, got smooth"):
        method_function("red")(operator, torch.ones(4), phase="smooth", denoiser=None)

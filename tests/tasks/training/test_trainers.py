"""The registry of trainers and the schemas' declarations say the same."""

from __future__ import annotations

from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.configs.tunable import tunable_numbers
from proxflow.tasks.training.held_out import fit_by_held_out, tunable_number
from proxflow.tasks.training.trainers import TRAINERS, trainable, trainer


def test_every_method_with_a_tunable_number_has_a_trainer_and_no_other() -> None:
    assert set(TRAINERS) == {name for name, schema in METHOD_SCHEMAS.items() if tunable_numbers(schema)}


def test_trainers_exist_and_their_methods_suit_them() -> None:
    for method in TRAINERS:
        assert trainer(method) is fit_by_held_out
        number, declared = tunable_number(method, METHOD_SCHEMAS[method])
        schema = METHOD_SCHEMAS[method]
        for end in (
            *declared.limits,
            *([0.0] if declared.zero else []),
        ):  # the schema takes every value tried
            value = int(end) if declared.whole else end
            assert getattr(schema.model_validate({"method": method, number: value}), number) == value


def test_only_methods_for_the_kind_of_scan() -> None:
    assert trainable("ct") == ["tv", "sirt", "cgls", "red", "pnp_admm", "lpn", "dds", "dps"]
    assert trainable("radar") == ["l1", "tv_magnitude", "pnp_magnitude"]
    assert {"static", "framewise_tv", "low_rank_sparse"} <= set(trainable("ct-dynamic"))
    assert {"framewise_cg_sense", "low_rank_sparse"} <= set(trainable("mri-dynamic"))

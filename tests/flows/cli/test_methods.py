"""``proxflow methods``."""

from __future__ import annotations

import pytest

from proxflow.configs.methods import METHOD_SCHEMAS

DENOISING = ("red", "pnp_admm", "lpn", "dds", "score_mri", "dps")  # and sampling, for MRI and CT alike
LEARNED = (*DENOISING, "reconresnet")


def test_methods_lists_every_method_with_its_text(cli) -> None:
    ended = cli("methods", "--json")
    assert set(ended.json["methods"]) == set(METHOD_SCHEMAS)
    assert all(entry["description"] for entry in ended.json["methods"].values())
    table = cli("methods").out
    assert all(name in table for name in METHOD_SCHEMAS)


def test_methods_shows_one_with_defaults_and_bounds(cli) -> None:
    numbers = cli("methods", "tv", "--json").json["methods"]["tv"]["numbers"]
    field = METHOD_SCHEMAS["tv"].model_fields["lam"]
    assert numbers["lam"]["default"] == field.default
    assert numbers["lam"]["bounds"] == {"ge": 0, "le": 1}
    assert numbers["n_iter"]["type"] == "int"
    assert numbers["lam"]["help"] == field.description
    shown = cli("methods", "tv").out
    assert ">= 0, <= 1" in shown
    assert "  method: tv" in shown


@pytest.mark.parametrize(
    ("scan", "methods"),
    [
        ("mri-cartesian", {"zero_filled", "cg_sense", "tv", "l1_wavelet", "pnp_magnitude", *LEARNED}),
        ("mri-radial", {"gridding", "cg_sense", "tv", "l1_wavelet", "pnp_magnitude", *LEARNED}),
        ("ct", {"fbp", "fdk", "sirt", "cgls", "tv", *DENOISING}),
        (
            "radar",
            {
                *("zero_filled", "back_projection", "kirchhoff", "l1", "tv_magnitude"),
                *("pnp_magnitude", "deep2s"),
            },
        ),
    ],
)
def test_methods_tell_the_scans_they_are_for(cli, scan, methods) -> None:
    told = cli("methods", "--json").json["methods"]
    assert {name for name, entry in told.items() if scan in entry["scans"]} == methods
    for name in methods:
        shown = " ".join(cli("methods", name).out.split())
        assert scan in shown.partition("For scans of the kind ")[2].partition(".")[0]


def test_methods_without_numbers_says_so(cli) -> None:
    assert "It has no numbers." in cli("methods", "zero_filled").out


def test_methods_refuses_an_unknown_name_with_the_nearest(cli) -> None:
    ended = cli("methods", "cg_sens")
    assert ended.code == 2
    assert "did you mean cg_sense?" in ended.err

"""The file of ``proxflow serve``: what it says, and what is wrong with it by line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from proxflow.configs.errors import RecipeError
from proxflow.configs.serving import EXAMPLE, load_serving, parse_interval


def test_example_is_valid_and_says_something_of_every_key() -> None:
    serving = load_serving(EXAMPLE).serving
    assert [deployment.name for deployment in serving.deployments] == [
        "tooth-nightly",
        "brain-methods",
        "by-hand",
    ]
    assert serving.deployments[0].schedules[0].text == "cron 0 3 * * * (Europe/Zurich)"


def test_all_problems_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "serving.yaml"
    path.write_text(
        """deployments:
  - name: a b
    flow: reconstrct
    schedules:
      - {cron: "0 3 * * *", interval: 6h}
      - {interval: 6 moons}
      - {cron: "0 3 * * *", timezone: ../../etc/passwd}
    limt: 2
"""
    )
    with pytest.raises(RecipeError) as caught:
        load_serving(path)
    told = [(problem.line, str(problem).partition(": ")[2]) for problem in caught.value.problems]
    assert [line for line, _ in told] == [2, 3, 5, 6, 7, 8]
    assert told[1][1].startswith("deployments[0].flow must be one of reconstruct, compare,")
    assert told[2][1].startswith("deployments[0].schedules[0] must have one of cron, interval and rrule")
    assert told[3][1].endswith("must be a time like 30s, 15min, 6h or 1d, got '6 moons'")
    assert told[4][1].endswith("must be a time zone, as UTC or Europe/Zurich, got '../../etc/passwd'")
    assert told[5][1].endswith("limt is not a known key; did you mean limit?")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[3]", "the file must be a mapping of keys to values, got list"),
        ("deployments: []", "deployments must have at least one entry, got []"),
        ("deployments: &x [*x]", "the file must not use YAML aliases (*name)"),
        (
            "deployments: [{name: a, flow: train}, {name: a, flow: train}]",
            "deployments must have different names for one flow; train/a stands twice",
        ),
    ],
)
def test_file_as_a_whole(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "serving.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_serving(path)
    assert sentence in str(caught.value)


def test_interval_is_a_number_and_a_unit() -> None:
    assert parse_interval("15min") == timedelta(minutes=15)
    for text in ("", "0s", "-3h", "1.5h", "9999999d"):
        with pytest.raises(ValueError, match="must be a time like"):
            parse_interval(text)

"""``proxflow inspect``: what is in a scan, as text, JSON and picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from proxflow.tasks.terminal_picture import terminal_picture, to_grey


def test_inspect_tells_what_the_header_and_the_middle_item_say(cli, make_scan, tmp_path) -> None:
    path = make_scan(items=3, sampled="lines", noise=True, reference=True)
    before = sorted(tmp_path.rglob("*"))
    told = cli("inspect", path, "--json").json
    assert told["shape"] == [3, 4, 48, 40]
    assert told["item"] == 1
    assert told["acs"] == [17, 40]  # 16 lines and the neighbour that every second line adds
    assert told["acceleration"] == pytest.approx(48 / 32)
    assert not told["fully_sampled"]
    assert told["has_noise"] and told["has_reference"]
    assert told["noise_std"] == pytest.approx(2**0.5, rel=0.05)
    assert told["labels"] == ["slice 0", "slice 1", "slice 2"]
    assert told["geometry"]["voxel_size_mm"] == [5.0, 5.0, 5.0]
    assert told["source"] == {"licence": "made for a test"}
    assert sorted(tmp_path.rglob("*")) == before


def test_inspect_text_names_axes_and_draws_nothing_when_piped(cli, make_scan) -> None:
    ended = cli("inspect", make_scan())
    assert ended.code == 0
    assert "1 item x 4 coil x 48 ky x 40 kx, complex64" in ended.out
    assert "▀" not in ended.out


def test_inspect_without_a_file_lists_the_samples(cli) -> None:
    ended = cli("inspect", "--json")
    assert ended.json["samples"]["sample://brain-13coil"]["licence"] == "Apache-2.0"
    assert "sample://brain-13coil" in cli("inspect").out


def test_inspect_shows_a_sample(cli) -> None:
    assert cli("inspect", "sample://brain-13coil", "--json").json["shape"] == [1, 13, 224, 224]


def test_inspect_picture_has_three_panels(cli, make_scan, tmp_path) -> None:
    path = make_scan(sampled="lines")
    assert cli("inspect", path, "--picture", tmp_path / "new" / "scan.png").code == 0
    with Image.open(tmp_path / "new" / "scan.png") as picture:
        grey = np.asarray(picture)
    assert grey.shape[1] > 2.5 * grey.shape[0] * 40 / 48
    assert grey.max() == 255


def test_inspect_refuses_a_missing_item_and_a_picture_that_is_no_png(cli, make_scan) -> None:
    path = make_scan()
    ended = cli("inspect", path, "--item", "4")
    assert ended.code == 2 and "items must be in 0 to 0" in ended.err
    ended = cli("inspect", path, "--picture", "scan.jpg")
    assert ended.code == 2 and "--picture must end in .png" in ended.err


@pytest.mark.parametrize("name", ["missing.h5", "text.h5", "sample://brain-13col"])
def test_inspect_refuses_what_is_no_scan_in_one_sentence(cli, tmp_path, name) -> None:
    (tmp_path / "text.h5").write_text("no scan")
    ended = cli("inspect", name)
    assert ended.code == 2
    assert len(ended.err.strip().splitlines()) == 1
    if name.startswith("sample"):
        assert "did you mean" in ended.err


def test_terminal_picture_draws_two_pixels_a_cell() -> None:
    drawn = terminal_picture(np.array([[0, 255], [128, 0]], np.uint8), 10)
    assert drawn.plain == "▀▀\n"
    assert [str(span.style) for span in drawn.spans] == ["#000000 on #808080", "#ffffff on #000000"]


@pytest.mark.parametrize(
    ("shape", "aspect", "lines"), [((60, 40), 1.0, 15), ((60, 40), 2.0, 30), ((2, 90), 1.0, 1)]
)
def test_terminal_picture_keeps_proportions(shape, aspect, lines) -> None:
    drawn = terminal_picture(np.zeros(shape, np.uint8), 20, pixel_aspect=aspect).plain.splitlines()
    assert len(drawn) == lines
    assert {len(line) for line in drawn} == {20}


def test_to_grey_of_an_empty_image_is_black() -> None:
    assert not to_grey(np.zeros((4, 5))).any()

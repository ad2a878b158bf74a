"""Recipes and overrides that would exhaust memory or time, run code, or leave the run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proxflow.configs.errors import RecipeError
from proxflow.configs.loading import load_recipe

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: !!python/object/apply:os.system ['touch ESCAPED']", "could not determine a constructor"),
        ("!!python/object/new:os.system ['touch ESCAPED']", "could not determine a constructor"),
        ("name: !!python/name:os.system ''", "could not determine a constructor"),
        ("name: !!timestamp soon", "must be valid YAML"),
        ("name: !!bool perhaps", "must be valid YAML"),
        (LAUGHS, "must not use YAML aliases"),
        ("&a {a: *a}", "must not use YAML aliases"),
        ("[" * 100_000, "more than 40 levels of nesting"),
        ("{a: " * 20_000, "more than 40 levels of nesting"),
        ("- " * 50_000, "must be valid YAML"),
        ("name: " + "9" * 10_000, "must be valid YAML: Exceeds the limit"),
        ("name: a\x00b", "must be valid YAML"),
        ("name: \x1b[2J", "must be valid YAML"),
        ("x" * 300_000, "must be smaller than 250000 bytes"),
    ],
)
def test_hostile_yaml_is_refused_at_once(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    began = time.process_time()
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert sentence in str(caught.value)
    assert time.process_time() - began < 20  # hours, where one of these works
    assert all(line.isprintable() and len(line) < 1500 for line in str(caught.value).split("\n"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("reconstruct.n_iter=1e999", "reconstruct.n_iter must be"),
        ("reconstruct.n_iter=" + "9" * 400, "reconstruct.n_iter must be"),
        ("reconstruct.n_iter=" + "9" * 10_000, "reconstruct.n_iter must be"),
        ("reconstruct.lam=" + "1" + "0" * 400, "reconstruct.lam must be"),
        ("reconstruct.lam=1e999", "reconstruct.lam must be"),
        ("reconstruct.lam=.nan", "reconstruct.lam must be"),
        ("prepare." + "9" * 5000 + "=1", "prepare must be a list"),
        ("prepare.99999=1", "must name a key"),
        ("report.file=../escaped.html", "must be an .html file name inside the run folder"),
        ("report.file=/escaped.html", "must be an .html file name inside the run folder"),
        ("report.file=a/../../escaped.html", "must be an .html file name inside the run folder"),
        ("report.file=..\\escaped.html", "must be an .html file name inside the run folder"),
        ("report.file=image.h5/x.html", "must be an .html file name inside the run folder"),
        ("report.file=" + "x" * 300 + ".html", "must be an .html file name inside the run folder"),
        ('report.file="\\u202elmth.html"', "must be an .html file name inside the run folder"),
        ("name=../escaped", "name must be letters"),
        ('name="a\\n"', "name must be letters"),
        ("runtime.device=cuda:999", "runtime.device must be"),
        ("report.exports=[../x]", "report.exports[0] must be"),
        ("reconstruct=&a [*a]", "reconstruct must be"),
        ("reconstruct=" + "[" * 100_000, "reconstruct must be"),
        ("reconstruct=!!python/object/apply:os.system [id]", "reconstruct must be"),
    ],
)
def test_hostile_overrides_are_refused(recipe: Callable[..., Path], change: str, sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe(), [change])
    assert sentence in str(caught.value)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 1500


LINKED = ("previews", "log.txt", "log.jsonl", "image-png", "page/report.html", "page")


@pytest.mark.parametrize("name", LINKED)
def test_a_run_writes_through_no_link(
    tmp_path: Path, recipe: Callable[..., Path], proxflow: Callable[..., tuple[int, str]], name: str,
    tree: Callable[[], dict[str, bytes | str]],
) -> None:  # fmt: skip
    """A run folder that someone else prepared: what lies behind its links stays as it is."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "report.html").write_text("theirs")
    (tmp_path / "elsewhere" / "log").write_text("theirs")
    link = tmp_path / "out" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "elsewhere" / ("log" if name.startswith("log") else ""))
    path = recipe()
    before = tree()
    code, said = proxflow(
        "run", path, "--out", tmp_path / "out", "--set", "report.file=page/report.html",
        "--set", "report.exports=[png]",
    )  # fmt: skip
    assert code == 2 and f"--out must hold no links where a run writes, got {link}" in said
    assert tree() == before


def test_links_in_place_of_files_are_replaced(
    tmp_path: Path, recipe: Callable[..., Path], proxflow: Callable[..., tuple[int, str]]
) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "out").mkdir()
    for name in ("image.h5", "metrics.json", "recipe.yaml"):
        (tmp_path / "out" / name).symlink_to(tmp_path / "theirs")
    code, said = proxflow("run", recipe(), "--out", tmp_path / "out")
    assert code == 0, said
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert not (tmp_path / "out" / "image.h5").is_symlink()

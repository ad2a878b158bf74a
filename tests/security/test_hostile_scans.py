"""What a scan says in words reaches a terminal, a log and a page as text, and nothing in it is unpickled."""

from __future__ import annotations

import ast
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from proxflow.data.errors import ScanError
from proxflow.data.open_scan import open_scan
from proxflow.tasks.errors import RequestError
from proxflow.tasks.modalities.cartesian.calibrate import given_maps

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script>"
CONTROLS = "\x1b[2J\x1b]0;title\x07\u202etxt\nproxflow: done"
Command = Callable[..., tuple[int, str]]


def test_words_of_a_scan_are_escaped_in_the_report(
    tmp_path: Path, scan: Callable[..., Path], recipe: Callable[..., Path], proxflow: Command
) -> None:
    path = scan(labels=(HOSTILE, "{{ 7 * 7 }} " + CONTROLS), source={HOSTILE: HOSTILE})
    title = f"report.title='\"><img src=x onerror=alert(1)> {HOSTILE}'"
    code, said = proxflow("run", recipe(path), "--out", tmp_path / "out", "--set", title)
    assert code == 0, said
    page = (tmp_path / "out" / "report.html").read_text()
    assert HOSTILE not in page and "<img src=x" not in page and "{{ 7 * 7 }}" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for name in ("report.html", "metrics.csv", "metrics.json", "log.txt", "recipe.yaml"):
        text = (tmp_path / "out" / name).read_text()
        assert not {"\x1b", "\x07", "\u202e"} & set(text), name


def test_words_of_a_scan_reach_the_terminal_as_text(
    scan: Callable[..., Path], recipe: Callable[..., Path], proxflow: Command
) -> None:
    path = scan(labels=("one", "[red]two[/red] " + CONTROLS), source={"vendor": CONTROLS})
    for tokens in (("inspect", path), ("inspect", path, "--item", 1), ("check", recipe(path))):
        code, said = proxflow(*tokens)
        assert code == 0, said
        assert all(line.isprintable() for line in said.split("\n")), tokens
        assert "\nproxflow: done" not in said


class Canary:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._path, "w")


@pytest.fixture
def pickled(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Write a file whose content, unpickled, makes another; that must not be there at the end."""
    canary = np.array([Canary(tmp_path / "ESCAPED")], object)
    sidecar = {"axes": ["item", "coil", "ky", "kx"], "field_of_view_mm": [5, 5, 5]}

    def write(kind: str) -> Path:
        path = tmp_path / f"hostile{kind}"
        if kind == ".npy":
            np.save(path, canary, allow_pickle=True)
        elif kind == ".npz":
            np.savez(path, kspace=canary)
        elif kind == ".mat":
            scipy.io.savemat(path, {"data": {"fp": pickle.dumps(canary)}})
        elif kind == ".h5":
            with h5py.File(path, "w") as file:
                file["kspace"] = np.void(pickle.dumps(canary))
                file.attrs["pickle"] = np.void(pickle.dumps(canary))
        else:
            path.write_bytes(pickle.dumps(canary))
        path.with_suffix(".json").write_text(json.dumps(sidecar))
        return path

    yield write
    assert not (tmp_path / "ESCAPED").exists()
    pickle.loads(pickle.dumps(canary))[0].close()
    assert (tmp_path / "ESCAPED").exists()  # the canary sings


@pytest.mark.parametrize("kind", [".npy", ".npz", ".mat", ".h5", ".pkl", ".dat"])
def test_pickles_in_scans_are_refused(pickled: Callable[[str], Path], kind: str) -> None:
    with pytest.raises(ScanError, match="must"):
        open_scan(pickled(kind))


@pytest.mark.parametrize("kind", [".npy", ".npz", ".h5", ".pkl"])
def test_pickles_in_coil_maps_are_refused(pickled: Callable[[str], Path], kind: str) -> None:
    with pytest.raises((RequestError, ScanError), match="must"):
        given_maps(pickled(kind), (1, 2, 8, 8))


UNSAFE = ("eval", "exec", "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load", "loadmat")
UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "pandas"}
FOLDERS = ("configs", "data", "flows", "models", "operators", "tasks")


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Every call by its dotted name, with its keywords."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            yield ast.unparse(node.func), keywords


def is_constant(value: ast.expr | None, wanted: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted


def test_no_source_unpickles_or_evaluates() -> None:
    looked_at = 0
    for path in (file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")):
        tree, name = ast.parse(path.read_text()), path.relative_to(ROOT)
        looked_at += 1
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module if isinstance(node, ast.ImportFrom) else None
                if ast.unparse(node) == "from pickle import UnpicklingError":
                    continue  # the exception that torch raises; it reads nothing
                imported = {module or ""} | {alias.name for alias in node.names if module is None}
                assert not {one.partition(".")[0] for one in imported} & UNPICKLING, f"{name}: {imported}"
        for function, keywords in calls(tree):
            if function in ("np.load", "numpy.load"):
                assert is_constant(keywords.get("allow_pickle"), False), name
            elif function == "torch.load":
                assert is_constant(keywords.get("weights_only"), True), name
            elif function in ("yaml.load", "yaml.load_all"):
                assert ast.unparse(keywords["Loader"]) in ("RecipeLoader", "_Loader"), name
            unsafe = (
                "eval",
                "exec",
                "os.system",
                "yaml.unsafe_load",
                "yaml.full_load",
                "loadmat",
                "os.popen",
            )
            assert function not in unsafe, f"{name}: {function}"
            assert not is_constant(keywords.get("shell"), True), name
    assert looked_at > 200

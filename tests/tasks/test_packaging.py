"""The wheel holds what an editable install sees, and the layers import one way."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("operators", "models", "data", "configs", "tasks", "flows")
ALLOWED = {
    "operators": set(),
    "models": {"operators"},
    "data": set(),
    "configs": set(),
    "tasks": {"models", "operators", "data", "configs"},
    "flows": {"models", "tasks", "data", "configs"},
}
HEAVY = ("torch", "h5py", "numpy", "prefect", "skimage", "sigpy", "astra", "scipy")


def test_every_package_is_listed() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {
        "proxflow." + path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert found == listed


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_run_one_way(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("proxflow."):
                other = (node.module or "").split(".")[1]
                assert other == folder or other in ALLOWED[folder], f"{path} imports {node.module}"
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name.split(".")[0] == "prefect":
                    assert folder == "flows", f"{path} imports Prefect"
                if name.split(".")[0] == "astra":
                    assert path.name == "astra_cuda.py", f"{path} imports ASTRA, which is GPL-3"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom proxflow.flows.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules])"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout, done.stdout
    assert time.monotonic() - began < 20  # a hang, not a speed; the speed is measured in benchmarks/
    for command in (
        "run",
        "compare",
        "train",
        "demo",
        "check",
        "inspect",
        "new",
        "methods",
        "cache",
        "export",
        "runs",
        "cancel",
        "stats",
        "doctor",
    ):
        assert command in done.stdout

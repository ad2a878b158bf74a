"""Hostile recipes, through the loader, `--set`, `proxflow check`, and now and then a run."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import damage
import h5py
import numpy as np
import yaml

from proxflow.configs.catalogue import FOLDER
from proxflow.configs.errors import RecipeError
from proxflow.configs.loading import dump_recipe, load_recipe
from proxflow.configs.recipe import Recipe
from proxflow.flows.cli import main

SMALL = """
name: small
scan: {path: %s}
calibrate: {kind: lowres, acs: [6, 6]}
reconstruct: {method: cg_sense, n_iter: 2}
compare: [{method: zero_filled}]
evaluate: {held_out_fraction: 0}
report: {title: a title, file: report.html}
runtime: {device: cpu, store_limit: 1GiB, checkpoint_seconds: 30.0}
"""
COMMENT = re.compile(r"^\s*#.*\n|[ \t]+#.*$", re.MULTILINE)  # of a sound recipe: damage there tells nothing
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(9)
)
BOMBS = (
    BOMB,
    "&a {a: *a}",
    "<<: &a {<<: *a}",
    "[" * 20_000,
    "{a: " * 5_000,
    "- " * 20_000,
    "? " * 20_000,
    "!!python/object/apply:os.system ['touch ESCAPED']",
    "name: !!python/object/new:os.system ['touch ESCAPED']",
    "name: !!python/name:os.system",
    "!!python/module:os",
    "name: !<tag:yaml.org,2002:python/object/apply:subprocess.Popen> [[touch, ESCAPED]]",
    "name: !!set {a, b}\n",
    "%YAML 9.9\n---\na: b",
    "a: b\n---\nc: d",
    "\ufeffname: x",
    "name: \x00",
    "\x1b[2J: \u202e",
    "",
    "\t",
    "'" * 999,
    "name: |\n" + " x" * 100_000,
    "name: " + "9" * 10_000,
    "1: 2\n1.5: 3\nnull: 4\ntrue: 5",
    "[a, b]: c",
)
VALUES: tuple[Any, ...] = (
    *(10**400, -(10**400), 10**19, 2**63, -1, 0, 0.0, -0.0, 1e308, 5e-324, float("inf"), float("nan"), True),
    *(
        "1e999",
        "",
        " ",
        "\0",
        "a\0b",
        "\n",
        "\x1b]0;x\x07",
        "\u202egnp.exe",
        "\ud7ff",
        "x" * 5000,
        "~",
        "~root",
    ),
    *("../../escaped", "/escaped", "..\\..\\escaped", "C:\\escaped.html", "a/../../b.html", "./../x.html"),
    *("/dev/zero", "/dev/stdin", "/proc/self/mem", "sample://../../x", "sample://", "file:///etc/passwd"),
    *("con.html", ".html", "-.html", "x" * 300 + ".html", "a/b/c/d.html", "previews/../x.html", "log.txt"),
    *("<script>alert(1)</script>", "{{7*7}}", "${HOME}", "$(touch ESCAPED)", "`touch ESCAPED`", "%n%s%x"),
    *(None, [], {}, [[]], [None], {"a": None}, [0] * 60, {"kind": "x"}, {"method": "tv"}, [10**30], "0:10:0"),
    *("0:" + "9" * 5000, "9" * 4500 + "GiB", "1e3GiB", "0.0000001KiB", "٣GiB", "cuda:99", "cpu\n", "db99"),
)


# libyaml where PyYAML has it: what is only made or looked at here need not take the time of Python's scanner
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class RecipeCases:
    """Each case is one recipe, and maybe overrides, from a sound one that a few things were done to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        scan = folder / "scan.h5"
        numbers = np.random.default_rng(0).normal(size=(2, 2, 3, 32, 28))
        with h5py.File(scan, "w") as file:
            file["kspace"] = (numbers[0] + 1j * numbers[1]).astype(np.complex64)
        texts = [COMMENT.sub("", path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))]
        self._sound, self._small = [_sound(text) for text in texts], _sound(SMALL % scan)
        import_module("proxflow.tasks.check_run")  # torch takes a busy machine longer than a case may take
        main.build_app = cache(main.build_app)  # as one process of a user builds it once
        (folder / "cwd").mkdir()
        os.chdir(folder / "cwd")
        logging.getLogger("proxflow").setLevel(logging.CRITICAL)
        warnings.simplefilter("ignore")

    def run(self, random: Random) -> str:
        """``valid``, ``refused``, or what the command line came to."""
        commanded = random.random() < 0.06
        path = self._folder / "recipe.yaml"
        path.write_bytes(self._text(random, self._small if commanded else random.choice(self._sound)))
        overrides = [self._override(random) for _ in range(random.choice((0, 0, 0, 1, 2)))]
        if commanded:
            return self._command(path, overrides, random)
        try:
            recipe = load_recipe(path, overrides)
        except RecipeError as error:
            assert all(line.isprintable() and len(line) < 1500 for line in str(error).split("\n")), repr(
                error
            )
            return "refused"
        self._check_valid(recipe)
        return "valid"

    def _check_valid(self, recipe: Recipe) -> None:
        out = (self._folder / "out").resolve()
        for name in (recipe.report.file, recipe.name):
            assert (out / name).resolve().is_relative_to(out) and (out / name) != out, name
            assert name.isprintable() and len(name) < 256, name
        assert Recipe.model_validate(yaml.load(dump_recipe(recipe), Loader)) == recipe

    def _command(self, path: Path, overrides: list[str], random: Random) -> str:
        """`proxflow check`, or a run where that finds nothing wrong with it."""
        options = [part for override in overrides for part in ("--set", override)]
        code = self._cli(["check", str(path), *options])
        if code == 0 and random.random() < 0.3:
            out = self._folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            code = self._cli(["run", str(path), *options, "--out", str(out), "--json"])
            return f"run {code}"
        return f"check {code}"

    def _cli(self, tokens: list[str]) -> int:
        said, printed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
            code = main._guarded(tokens)
        assert code in (0, 1, 2), code
        for line in (said.getvalue() + printed.getvalue()).split("\n"):
            assert line.isprintable(), repr(line)
        return code

    def _text(self, random: Random, sound: tuple[str, Any]) -> bytes:
        text, parsed = sound
        kind = random.random()
        if kind < 0.04:
            return random.choice(BOMBS).encode("utf-8", "surrogatepass")
        if kind < 0.08:
            return damage.spoil_bytes(text.encode(), random)
        if kind < 0.45:
            return damage.spoil_text(text.encode(), random)
        if kind < 0.55:
            return text.encode()
        values = copy.deepcopy(parsed)
        for _ in range(random.choice((1, 1, 2))):
            container, key = random.choice(list(_places(values)))
            container[key] = copy.deepcopy(random.choice(VALUES))
        dumped = (
            json.dumps(values)
            if random.random() < 0.5
            else yaml.dump(values, None, Dumper, allow_unicode=True)
        )
        return dumped.encode("utf-8", "surrogatepass")

    def _override(self, random: Random) -> str:
        keys = (
            "name",
            "report.file",
            "report.title",
            "scan.path",
            "scan.items",
            "runtime.store",
            "prepare.0.kind",
        )
        keys += (
            "reconstruct.n_iter",
            "reconstruct.lam",
            "image.matrix",
            "runtime.memory",
            "compare.0",
            "x.y.z",
        )
        keys += (
            "compare.99999999999999999999",
            "prepare." + "9" * 5000,
            "a" * 3000,
            "." * 500,
            "compare.٣",
            "a\0b",
        )
        key, value = random.choice(keys), random.choice((*VALUES, *BOMBS, *damage.WORDS))
        return f"{key}{random.choice(('=', '=', '=', '', '=='))}{value}".replace(
            "\0", random.choice(("", "\0"))
        )


def _sound(text: str) -> tuple[str, Any]:
    """A recipe's text, and its values."""
    return text, yaml.load(text, Loader)


def _places(values: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of nested mappings and lists, and some keys that are not there."""
    if isinstance(values, dict):
        yield from ((values, key) for key in (*values, "unknown"))
        for value in values.values():
            yield from _places(value)
    elif isinstance(values, list):
        yield from ((values, index) for index in range(len(values)))
        for value in values:
            yield from _places(value)

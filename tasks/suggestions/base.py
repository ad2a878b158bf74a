"""What the recipes for all kinds of scan share: their head, scan and end, as YAML text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from proxflow.configs.methods import METHOD_SCHEMAS
from proxflow.data.scan import ScanInfo


@dataclass(frozen=True)
class Suggestion:
    """A recipe as YAML text.

    Attributes:
        needs: what a person must still provide before it runs, empty if it runs as it is.
        choices: what a person should decide before trusting the image, each in a few words.
    """

    text: str
    needs: str = ""
    choices: tuple[str, ...] = ()


def recipe_name(path: str) -> str:
    """A valid recipe name from a scan's file name."""
    stem = Path(path.removeprefix("sample://")).name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:80] or "scan"


def head(info: ScanInfo, path: str, what: str) -> str:
    """Comment, name and description; ``what`` was measured, in a few words."""
    return f"""\
# A recipe says what was measured, what is done with it, and how the image is judged.
#
#   proxflow check THIS_FILE       is it right, how long will it take, how much memory
#   proxflow run THIS_FILE         the image of the method under `reconstruct`
#   proxflow compare THIS_FILE     all methods, side by side in one report
#
# Any number can be changed for one run: --set evaluate.held_out_fraction=0

name: {recipe_name(path)} # names the run folder: letters, digits, dots, dashes
# headline of the report
description: {quoted(f"{info.format}, {what}")}
"""


def scan_part(info: ScanInfo, path: str) -> str:
    """``scan``; of several items the middle one."""
    kind = "" if info.modality == "mri-cartesian" else f"  kind: {info.modality} # what was measured\n"
    text = f"""\
scan:
{kind}  # a file, counted from this recipe's folder, or sample://NAME
  path: {quoted(path)}
  reader: auto # the format is found by content; `proxflow inspect` names it
"""
    if info.n_items > 1:
        last = info.n_items - 1
        return f"{text}  items: middle # of 0 to {last}: try one first, then all, 0:10 or [3, 5]\n"
    return f"{text}  items: all # the scan holds one\n"


def prepare_part(steps: list[str], kinds: str) -> str:
    """``prepare``; ``kinds`` are the steps there are for this kind of scan."""
    if not steps:
        return f"# steps between file and reconstruction: {kinds}\nprepare: []\n"
    return "prepare: # steps between file and reconstruction, in this order\n" + "\n".join(steps) + "\n"


def evaluate_part(reference: str, metrics: str, region: str, held_out: str) -> str:
    """``evaluate``; ``region`` and ``held_out`` are comments, the latter after its number."""
    return f"""\
evaluate:
  reference: {reference}
  metrics: [{metrics}] # computed where there is a reference
  region: support # {region}; or full
  held_out_fraction: {held_out}
"""


def default(method: str, number: str) -> object:
    """The default of a method's number."""
    return METHOD_SCHEMAS[method].model_fields[number].default


def quoted(text: str) -> str:
    """YAML for ``text``: JSON's quoting is valid YAML for any text."""
    return json.dumps(text, ensure_ascii=False)


REST = """\
report:
  exports: [] # image files beside image.h5: nifti, dicom, tiff, png, apng, npy

runtime:
  device: auto # cpu, cuda or cuda:N; auto takes a CUDA device if there is one
  precision: single # or double
"""

WHITEN = (
    "  - kind: whiten # the scan has a noise measurement: make the noise of all coils equal and\n"
    "                 # independent, so that a noisy coil counts less"
)


def compress(n_coils: int, kept: int) -> str:
    """The step that compresses coils."""
    return (
        f"  - kind: compress_coils # {n_coils} coils see much the same: fewer virtual ones are faster\n"
        f"    n_coils: {kept} # kept; the report says how much of the energy they hold"
    )

"""Tables of decomposed diffusion sampling, and others like them: what is run, kept, printed and pictured."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np

from benchmarks.certified import CERTIFIED, certified_cells, certified_figures
from benchmarks.dds_contenders import Contender, Numbers, Posed, contenders, device_of, solved
from benchmarks.dds_figures import COLUMNS, figures
from benchmarks.dds_pictures import sheet
from benchmarks.dds_tuning import Grid, chosen, tune
from benchmarks.kept_figures import KeptFigures
from proxflow.data.writers.atomic import atomic_path

NUMBERS = Path(__file__).with_name("dds_numbers.json")
RowsOf = Callable[[Sequence[str], Sequence[str]], list[Contender]]


class Case(NamedTuple):
    """An object, sampled in one way; ``pose`` makes the problem when it is needed."""

    item: str
    sampling: str
    pose: Callable[[], Posed]


class Section(NamedTuple):
    """A table.  numbers: under which name those of its methods are kept; tuning: what they are chosen by."""

    name: str
    numbers: str
    methods: Sequence[str]
    grids: Mapping[str, Grid]
    cases: Sequence[Case]
    tuning: Sequence[Case]


def parser_of(
    document: str | None,
    out: str,
    *,
    numbers: Path = NUMBERS,
    prior: str = "tv",
    priors: str = "or tv, fourier-wiener",
    methods: str = "of recipes; dds-50 for 50 steps, dds-50x8 for the mean of 8 samples",
) -> argparse.ArgumentParser:
    """What all commands ask, with their defaults, and what they say of ``--prior`` and ``--methods``."""
    parser = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with the files named above")
    parser.add_argument("--prior", nargs="+", default=[prior], metavar="FILE", help=priors)
    parser.add_argument("--methods", nargs="+", metavar="NAME", help=methods)
    parser.add_argument("--out", type=Path, default=Path(out))
    parser.add_argument("--numbers", type=Path, default=numbers)
    parser.add_argument("--tune", action="store_true", help="choose numbers and stop")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="images beside their errors, PNG")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    return parser


def carried_out(sections: Sequence[Section], asked: argparse.Namespace, rows_of: RowsOf = contenders) -> None:
    """Numbers of every section with ``--tune``; else its figures, its table and its pictures.

    rows_of: the rows of methods and priors, by their names.
    """
    device, numbers = device_of(asked.device, asked.threads), KeptFigures(asked.numbers)
    kept = KeptFigures(asked.out)
    for section in sections:
        rows = rows_of(asked.methods or section.methods, asked.prior)
        if asked.tune:
            tune(numbers, section.numbers, rows, section.grids, [one.pose for one in section.tuning], device)
            continue
        own = {row.label: chosen(numbers.content, section.numbers, row, section.grids) for row in rows}
        _fill(kept, section, rows, own, device)
        print(f"{section.name}\n\n{table(kept.content[section.name], section.cases, rows)}\n", flush=True)
        if asked.pictures:
            _write_pictures(asked.pictures, kept, section, rows)


def _fill(
    kept: KeptFigures,
    section: Section,
    rows: Sequence[Contender],
    numbers: Mapping[str, Numbers],
    device: str,
) -> None:
    """The figures that the file has not, or has of other numbers or weights; images beside it."""
    of_section = kept.content.setdefault(section.name, {})
    for case in section.cases:
        of_case = of_section.setdefault(case.sampling, {}).setdefault(case.item, {})
        posed: Posed | None = None
        for row in rows:
            made_with = {"numbers": numbers[row.label], "weights": row.weights}
            path = image_path(kept.path, section, case, row.label)
            known = of_case.get(row.label, {})
            if path.is_file() and all(known.get(name) == value for name, value in made_with.items()):
                continue
            posed = posed or case.pose()
            found = solved(row, numbers[row.label], posed, device)
            own = figures(found.image, posed.reference, posed.region) | {"seconds": found.seconds}
            _save(path, found.image)
            _save(image_path(kept.path, section, case, "reference"), posed.reference)
            rounded = {name: round(value, 5) for name, value in own.items()}
            of_case[row.label] = {**made_with, **rounded, **certified_figures(found)}
            kept.save()
            told = f"{section.name}, {case.item}, {case.sampling}, {row.label}"
            print(f"{told}: {own['psnr']:.2f} dB, {own['seconds']:.1f} s", file=sys.stderr, flush=True)


def table(found: Mapping[str, Any], cases: Sequence[Case], rows: Sequence[Contender]) -> str:
    """Markdown: for each way of sampling the methods, means over the objects; of methods that certify, what
    is worst of them."""
    certified = any("broken" in found[case.sampling][case.item][row.label] for case in cases for row in rows)
    titles = [title for title, _ in COLUMNS.values()] + list(CERTIFIED if certified else ())
    lines = [f"| sampling | method | {' | '.join(titles)} |", "|---" * (2 + len(titles)) + "|"]
    for sampling in dict.fromkeys(case.sampling for case in cases):
        items = [case.item for case in cases if case.sampling == sampling]
        for row in rows:
            own = [found[sampling][item][row.label] for item in items]
            cells = [f"{mean(one[name] for one in own):{shown}}" for name, (_, shown) in COLUMNS.items()]
            cells += certified_cells(own) if certified else []
            lines.append(f"| {sampling} | {row.label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def image_path(out: Path, section: Section, case: Case, label: str) -> Path:
    """Where the image of one method, or the reference, is kept: in a folder beside the figures."""
    name = " ".join((section.name, case.item, case.sampling, label))
    return out.with_name(f"{out.stem}-images") / f"{_plain(name)}.npy"


def _write_pictures(folder: Path, kept: KeptFigures, section: Section, rows: Sequence[Contender]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in section.cases:
        images = {row.label: np.load(image_path(kept.path, section, case, row.label)) for row in rows}
        reference = np.load(image_path(kept.path, section, case, "reference"))
        picture = sheet(reference, images)
        name = _plain(" ".join((section.name, case.item, case.sampling)))
        picture.save(folder / f"{name}.png", optimize=True)


def _save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, image.astype(np.complex64 if np.iscomplexobj(image) else np.float32))


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")

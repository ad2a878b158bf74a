"""Tables of methods on many objects, each sampled in many ways: what is run, kept, printed and pictured."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
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


class Case(NamedTuple):
    """An object, sampled in one way; ``pose`` makes the problem when it is needed."""

    item: str
    sampling: str
    pose: Callable[[], Posed]


Judge = Callable[[np.ndarray, np.ndarray, np.ndarray | None], Mapping[str, float]]


class Section(NamedTuple):
    """A table.  numbers: under which name those of its methods are kept; tuning: what they are chosen by.

    judge: figures of an image, its reference and the region.  columns: title and digits of those that are
    printed; spread: which of them with their standard deviation over the objects.
    pictured: of how many objects images are kept; None: of all.
    """

    name: str
    numbers: str
    methods: Sequence[str]
    grids: Mapping[str, Grid]
    cases: Sequence[Case]
    tuning: Sequence[Case]
    judge: Judge = figures
    columns: Mapping[str, tuple[str, int]] = COLUMNS
    spread: Sequence[str] = ()
    pictured: int | None = None

    @property
    def with_images(self) -> Sequence[Case]:
        """The cases of which images are kept."""
        items = list(dict.fromkeys(case.item for case in self.cases))[: self.pictured]
        return [case for case in self.cases if case.item in items]


RowsOf = Callable[[Section, argparse.Namespace], Sequence[Contender]]


def parser_of(document: str | None, out: str) -> argparse.ArgumentParser:
    """What the tables of the sampler ask."""
    parser = common_parser(document, out, NUMBERS)
    parser.add_argument("--prior", nargs="+", default=["tv"], metavar="FILE", help="or tv, fourier-wiener")
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="of recipes; dds-50 for 50 steps, dds-50x8 for the mean of 8 samples",
    )
    return parser


def common_parser(document: str | None, out: str, numbers: Path) -> argparse.ArgumentParser:
    """What all these commands ask."""
    parser = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with the files named above")
    parser.add_argument("--out", type=Path, default=Path(out))
    parser.add_argument("--numbers", type=Path, default=numbers)
    parser.add_argument("--tune", action="store_true", help="choose numbers and stop")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="images beside their errors, PNG")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    return parser


def rows_by_prior(section: Section, asked: argparse.Namespace) -> Sequence[Contender]:
    """What ``--methods`` and ``--prior`` ask for, or the section's own methods."""
    return contenders(asked.methods or section.methods, asked.prior)


def carried_out(
    sections: Sequence[Section], asked: argparse.Namespace, rows_of: RowsOf = rows_by_prior
) -> None:
    """Numbers of every section with ``--tune``; else its figures, its table and its pictures."""
    device, numbers = device_of(asked.device, asked.threads), KeptFigures(asked.numbers)
    kept = KeptFigures(asked.out)
    for section in sections:
        rows = rows_of(section, asked)
        if asked.tune:
            tune(numbers, section.numbers, rows, section.grids, [one.pose for one in section.tuning], device)
            continue
        own = {row.label: chosen(numbers.content, section.numbers, row, section.grids) for row in rows}
        _fill(kept, section, rows, own, device)
        print(f"{section.name}\n\n{table(kept.content[section.name], section, rows)}\n", flush=True)
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
    with_images = section.with_images
    for case in section.cases:
        of_case = of_section.setdefault(case.sampling, {}).setdefault(case.item, {})
        posed: Posed | None = None
        for row in rows:
            made_with = {"numbers": numbers[row.label], "weights": row.weights}
            path = image_path(kept.path, section, case, row.label)
            known = of_case.get(row.label, {})
            there = path.is_file() or case not in with_images
            if there and all(known.get(name) == value for name, value in made_with.items()):
                continue
            posed = posed or case.pose()
            found = solved(row, numbers[row.label], posed, device)
            own = {**posed.told, **section.judge(found.image, posed.reference, posed.region)}
            own["seconds"] = found.seconds
            if case in with_images:
                _save(path, found.image)
                _save(image_path(kept.path, section, case, "reference"), posed.reference)
            rounded = {name: round(value, 5) for name, value in own.items()}
            of_case[row.label] = {**made_with, **rounded, **certified_figures(found)}
            kept.save()
            told = f"{section.name}, {case.item}, {case.sampling}, {row.label}"
            print(f"{told}: {own['psnr']:.2f} dB, {own['seconds']:.1f} s", file=sys.stderr, flush=True)


def table(found: Mapping[str, Any], section: Section, rows: Sequence[Contender]) -> str:
    """Markdown: for each way of sampling the methods, means over the objects, of certificates the worst;
    only columns of which there are figures.
    """
    all_own = [found[case.sampling][case.item][row.label] for case in section.cases for row in rows]
    columns = {
        name: column for name, column in section.columns.items() if any(name in own for own in all_own)
    }
    certified = any("broken" in own for own in all_own)
    titles = [title for title, _ in columns.values()] + list(CERTIFIED if certified else ())
    lines = [f"| sampling | method | {' | '.join(titles)} |", "|---" * (2 + len(titles)) + "|"]
    for sampling in dict.fromkeys(case.sampling for case in section.cases):
        items = [case.item for case in section.cases if case.sampling == sampling]
        for row in rows:
            own = [found[sampling][item][row.label] for item in items]
            cells = [
                _cell([one[name] for one in own if name in one], digits, name in section.spread)
                for name, (_, digits) in columns.items()
            ]
            cells += certified_cells(own) if certified else []
            lines.append(f"| {sampling} | {row.label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float], digits: int, with_spread: bool) -> str:
    if not values:
        return ""
    spread = f" ± {stdev(values):.{digits}f}" if with_spread and len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


def image_path(out: Path, section: Section, case: Case, label: str) -> Path:
    """Where the image of one method, or the reference, is kept: in a folder beside the figures."""
    name = " ".join((section.name, case.item, case.sampling, label))
    return out.with_name(f"{out.stem}-images") / f"{_plain(name)}.npy"


def _write_pictures(folder: Path, kept: KeptFigures, section: Section, rows: Sequence[Contender]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in section.with_images:
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

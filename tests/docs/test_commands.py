"""What the documents tell a person to type exists: commands, options, files, deployments, units."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cyclopts import MissingArgumentError

from proxflow.flows.cli.main import build_app
from proxflow.flows.served_flows import SERVED

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
UNITS = sorted((ROOT / "deploy").glob("*.service"))
PROGRAM = re.compile(r"(?:/opt/proxflow/bin/)?proxflow")
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


def blocks(text: str) -> Iterator[str]:
    """Lines of shell blocks, continued ones as one."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


def inline(text: str) -> Iterator[str]:
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose))


def commands(path: Path) -> Iterator[list[str]]:
    """The arguments of every ``proxflow`` command in a page or a unit."""
    text = path.read_text()
    lines = (
        [*blocks(text), *inline(text)]
        if path.suffix == ".md"
        else re.findall(r"^ExecStart=(.*)$", text, re.M)
    )
    for line in lines:
        if "proxflow" not in line:
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError:  # prose with an apostrophe
            continue
        while words and ASSIGNMENT.fullmatch(words[0]):
            words.pop(0)
        if len(words) > 1 and PROGRAM.fullmatch(words[0]):
            yield words[1 : words.index(">") if ">" in words else None]


@pytest.mark.parametrize("page", [*PAGES, *UNITS], ids=lambda page: page.name)
def test_every_command_parses(page: Path) -> None:
    for words in commands(page):
        try:
            build_app().parse_args(words, exit_on_error=False, print_error=False)
        except MissingArgumentError:
            assert len(words) == 1, words  # a command is spoken of, not told to be typed


def test_commands_are_found_and_a_wrong_one_would_be() -> None:
    found = {" ".join(words) for page in PAGES for words in commands(page)}
    assert {"cache gc --limit 5GiB", "runs --state failed", "doctor", "ui --host 10.0.0.5"} <= found
    assert len(found) > 30
    for wrong in ("cache gc --limits 5GiB", "runz", "runs --state lost"):
        with pytest.raises(Exception, match=r"Unknown|Invalid|unused|Unused"):
            build_app().parse_args(wrong.split(), exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        name, _, heading = target.partition("#")
        assert (page.parent / name).exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", (page.parent / name if name else page).read_text(), re.M)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.prefect
def test_deployments_lead_to_flows() -> None:
    from prefect.flows import Flow, load_flow_from_entrypoint

    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    flows = [load_flow_from_entrypoint(deployment["entrypoint"]) for deployment in deployments]
    assert all(isinstance(flow, Flow) for flow in flows)
    assert [flow.name for flow in flows] == list(SERVED)
    for deployment, flow in zip(deployments, flows, strict=True):
        assert deployment["enforce_parameter_schema"] is False
        assert set(deployment.get("parameters") or {}) <= set(flow.parameters.properties)
    named = set(re.findall(r"\$(PROXFLOW_\w+)", (ROOT / "prefect.yaml").read_text()))
    told = (ROOT / "docs" / "deploy.md").read_text()
    assert named == {name for name in ("PROXFLOW_POOL", "PROXFLOW_WORK", "PROXFLOW_IMAGE") if name in told}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_right(unit: Path, tmp_path: Path) -> None:
    """By systemd's own check, with stand-ins for the programs."""
    for program in ("proxflow", "prefect"):
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    for other in UNITS:  # they name each other
        text = other.read_text().replace("/opt/proxflow/bin", str(tmp_path))
        (tmp_path / other.name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / unit.name)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    assert str(tmp_path) not in checked.stderr

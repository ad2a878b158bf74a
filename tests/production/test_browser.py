"""A person's way through the UI: the form of a deployment, the run's page, its artifacts and the report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Command, Server, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
SLOW_MACHINE = 90_000  # ms


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        own = {"executable_path": str(CHROMIUM)} if CHROMIUM.exists() else {}
        try:
            browser = driver.chromium.launch(args=["--no-sandbox"], **own)
        except playwright.Error as error:
            pytest.skip(f"no browser: {str(error).splitlines()[0]}")
        opened = browser.new_page(viewport={"width": 1280, "height": 1000})
        opened.set_default_timeout(SLOW_MACHINE)
        yield opened
        browser.close()


def submitted(server: Server, page: Any, deployment: str) -> str:
    """The id of the run that the form starts; sent again, as a person would, where the server was busy.

    The page's own message about the run goes away by itself, at times before it is seen.
    """
    query = {"deployments": {"id": {"any_": [deployment]}}}

    def runs() -> set[str]:
        return {run["id"] for run in server.ask("/flow_runs/filter", query)}

    def started() -> str | None:
        page.get_by_role("button", name="Submit").click()
        end = time.monotonic() + SLOW_MACHINE / 1000
        while not (new := runs() - before) and time.monotonic() < end:
            time.sleep(0.2)
        return new.pop() if new else None

    before = runs()
    return until(started)


def test_form_is_filled_and_the_run_and_its_artifacts_are_looked_at(
    server: Server, served: Command, page: Any, tmp_path: Path
) -> None:
    outside: list[str] = []
    page.on("response", lambda reply: None if "//127.0.0.1:" in reply.url else outside.append(reply.url))
    deployment = server.ask("/deployments/name/reconstruct/small")["id"]
    page.goto(f"{server.address}/v2/deployments/deployment/{deployment}/run", wait_until="commit")
    page.get_by_text("The method and its numbers").wait_for()
    page.screenshot(path=tmp_path / "form.png", full_page=True)
    page.get_by_role("tab", name="tv", exact=True).click()
    page.get_by_text("TV weight, relative to the peak of A^H y. At least 0, at most 1.").wait_for()
    page.get_by_label("n_iter").fill("9")
    page.get_by_label("lam").fill("0.002")
    page.screenshot(path=tmp_path / "filled.png", full_page=True)
    started = submitted(server, page, deployment)
    page.goto(f"{server.address}/v2/runs/flow-run/{started}", wait_until="commit")
    page.get_by_text("Completed").first.wait_for()
    run = server.ended(started)
    assert run["state"]["type"] == "COMPLETED", run["state"]
    chosen = run["parameters"]["reconstruct"]
    assert (chosen["method"], chosen["n_iter"], chosen["lam"]) == ("tv", 9, 0.002)

    page.reload()
    page.get_by_text("small tv").first.wait_for()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("preview-small").wait_for()
    page.screenshot(path=tmp_path / "run.png", full_page=True)
    preview = next(a for a in server.of_run("artifacts", run["id"]) if a["key"] == "preview-small")
    page.goto(f"{server.address}/v2/artifacts/artifact/{preview['id']}", wait_until="commit")
    picture = page.get_by_role("img", name="images side by side")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 100
    page.screenshot(path=tmp_path / "artifact.png", full_page=True)
    page.get_by_role("link", name="Open the report").click()
    report = until(lambda: next((p for p in page.context.pages if p.url.endswith("report.html")), None))
    report.get_by_role("heading", level=1).wait_for()
    report.screenshot(path=tmp_path / "report.png")
    assert outside == []


def test_page_of_a_refused_run_shows_the_sentence(
    server: Server, served: Command, page: Any, tmp_path: Path
) -> None:
    run = server.ended(server.start("reconstruct/small", reconstruct={"method": "fbp"}))
    sentence = "reconstruct must go with scan.kind mri-cartesian, got fbp, which is for ct"
    until(
        lambda: next((line for line in server.log_of(run["id"]) if sentence in line), None)
    )  # it comes late
    page.goto(f"{server.address}/v2/runs/flow-run/{run['id']}", wait_until="commit")
    page.get_by_text(sentence).first.wait_for()
    page.screenshot(path=tmp_path / "refused.png", full_page=True)

"""Many scans by one recipe: what is taken, what fails alone, and what a person finds in the end."""

from __future__ import annotations

import csv
import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from proxflow.data.samples.catalogue import sample_path
from proxflow.tasks.batch.scan_list import find_scans
from proxflow.tasks.batch.unit_names import folder_names, unit_names
from proxflow.tasks.errors import RequestError


def by_name(batch: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in batch["items"]}


def image(batch: dict[str, Any], name: str) -> np.ndarray:
    with h5py.File(Path(batch["run_dir"]) / by_name(batch)[name]["folder"] / "image.h5") as file:
        return np.asarray(file["image"][()])


def test_a_corrupt_file_among_five_stops_none_of_the_others(
    proxflow: Any, many_recipe: Path, scan_file: Any, tmp_path: Path
) -> None:
    scans = [scan_file(tmp_path / "in" / f"scan{k}.h5", k) for k in range(5)]
    content = scans[2].read_bytes()
    scans[2].write_bytes(content[: len(content) // 2])
    code, batch, err = proxflow("many", many_recipe, tmp_path / "in", "--out", "batch")
    assert code == 1, err
    assert "Traceback" not in err
    assert (batch["status"], batch["done"], batch["failed"]) == ("failed", 4, 1)
    items = by_name(batch)
    assert items["scan2.h5"]["state"] == "failed"
    _, _, alone = proxflow("run", many_recipe, "--set", f"scan.path={scans[2]}")
    assert f"proxflow: {items['scan2.h5']['why']}" == alone.strip()  # the sentence of ``proxflow run``
    folder = tmp_path / "batch"
    assert {path.name for path in folder.iterdir()} == {"batch.json", "batch.csv", "report.html", "scans"}
    assert {path.name for path in (folder / "scans").iterdir()} == {"scan0", "scan1", "scan3", "scan4"}
    assert json.loads((folder / "batch.json").read_text())["items"] == batch["items"]
    rows = list(csv.DictReader((folder / "batch.csv").read_text().splitlines()))
    assert [row["state"] for row in rows].count("done") == 4
    assert float(rows[0]["psnr"]) == items["scan0.h5"]["metrics"]["cg_sense"]["psnr"]
    _, run, _ = proxflow("run", many_recipe, "--set", f"scan.path={scans[0]}")
    assert run["metrics"] == items["scan0.h5"]["metrics"]["cg_sense"]
    assert [s["name"] for s in run["stages"] if not s["cached"]] == ["report"]  # its headline is its own


def test_the_combined_report_leads_to_each_scans_own(
    proxflow: Any, many_recipe: Path, scan_file: Any, tmp_path: Path
) -> None:
    scan_file(tmp_path / "in" / "one & <two>.h5")
    proxflow("many", many_recipe, tmp_path / "in", "sample://tooth", "--out", "batch")
    page = (tmp_path / "batch" / "report.html").read_text()
    link = re.search(r'<a href="([^"]+)">one &amp; &lt;two&gt;.h5</a>', page)
    assert link is not None
    assert (tmp_path / "batch" / link[1]).is_file()
    assert "<two>" not in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert "scan.kind must be ct" in page
    assert "1 of 2 scans is reconstructed; 1 failed." in page
    assert not re.search(r'(src|href)="(https?:|//)', page)


def test_scans_of_other_modalities_are_refused_and_the_good_ones_done(
    proxflow: Any, many_recipe: Path
) -> None:
    names = ("brain-radial", "phantom-2coil", "tooth", "merit-breast-P3", "htc2022-ta")
    code, batch, err = proxflow("many", many_recipe, *(f"sample://{name}" for name in names))
    assert code == 1, err
    items = by_name(batch)
    assert [name for name in names if items[name]["state"] == "done"] == ["phantom-2coil"]
    for name, kind in (("brain-radial", "mri-radial"), ("tooth", "ct"), ("merit-breast-P3", "radar")):
        assert items[name]["why"].startswith(f"scan.kind must be {kind}")


def test_scans_of_one_file_name_do_not_collide(
    proxflow: Any, many_recipe: Path, scan_file: Any, tmp_path: Path
) -> None:
    scan_file(tmp_path / "anna" / "scan.h5", 0.0)
    scan_file(tmp_path / "otto" / "scan.h5", 1.0)
    code, batch, err = proxflow("many", many_recipe, "anna/scan.h5", "otto/scan.h5", "--out", "batch")
    assert code == 0, err
    assert {item["name"]: item["folder"] for item in batch["items"]} == {
        "anna/scan.h5": "scans/anna-scan", "otto/scan.h5": "scans/otto-scan"
    }  # fmt: skip
    turned = np.vdot(image(batch, "anna/scan.h5"), image(batch, "otto/scan.h5"))
    assert np.angle(turned) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("runner", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_several_at_once_give_what_one_after_another_gives(
    proxflow: Any, many_recipe: Path, scan_file: Any, tmp_path: Path, runner: str
) -> None:
    for k in range(4):
        scan_file(tmp_path / "in" / f"scan{k}.h5", k)
    _, one, _ = proxflow("many", many_recipe, "in", "--out", "one")
    other = [f"runtime.store={tmp_path / 'other'}", "runtime.workers=2", f"runtime.runner={runner}"]
    settings = [part for setting in other for part in ("--set", setting)]
    code, many, err = proxflow("many", many_recipe, "in", "--out", "many", *settings)
    assert code == 0, err
    for k in range(4):
        np.testing.assert_array_equal(image(many, f"scan{k}.h5"), image(one, f"scan{k}.h5"))
        assert by_name(many)[f"scan{k}.h5"]["metrics"] == by_name(one)[f"scan{k}.h5"]["metrics"]
        assert by_name(many)[f"scan{k}.h5"]["cached"] == 0


def test_run_again_takes_what_is_done_from_the_store(
    proxflow: Any, many_recipe: Path, scan_file: Any, tmp_path: Path
) -> None:
    scan_file(tmp_path / "in" / "a.h5")
    proxflow("many", many_recipe, "in", "--out", "batch")
    scan_file(tmp_path / "in" / "b.h5", 1.0)
    code, batch, _ = proxflow("many", many_recipe, "in", "--out", "batch")
    items = by_name(batch)
    assert code == 0
    assert items["a.h5"]["cached"] == items["a.h5"]["stages"]
    assert items["b.h5"]["cached"] == 0


def test_methods_are_compared_on_every_scan(
    proxflow: Any, many_recipe: Path, scan_file: Any, tmp_path: Path
) -> None:
    scan_file(tmp_path / "a.h5")
    scan_file(tmp_path / "b.h5", 1.0)
    code, batch, err = proxflow("many", many_recipe, "a.h5", "b.h5", "--methods", "zero_filled,cg_sense")
    assert code == 0, err
    assert [list(item["metrics"]) for item in batch["items"]] == 2 * [["zero_filled", "cg_sense"]]
    rows = list(csv.DictReader((Path(batch["run_dir"]) / "batch.csv").read_text().splitlines()))
    assert [(row["name"], row["method"]) for row in rows] == [
        (name, method) for name in ("a.h5", "b.h5") for method in ("zero_filled", "cg_sense")
    ]
    assert "compare" in (Path(batch["run_dir"]) / batch["items"][0]["folder"] / "report.html").read_text()


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (["many", "tiny.yaml"], "scans must name at least one scan"),
        (["many", "tiny.yaml", "empty"], "scans must match at least one scan, got none for 'empty'"),
        (["many", "tiny.yaml", "none*.h5"], "scans must match at least one scan, got none for 'none*.h5'"),
        (["many", "tiny.yaml", "none.h5"], "scans must match at least one scan, got none for 'none.h5'"),
        (["many", "tiny.yaml", "@none.txt"], "list of scans must be a readable text file"),
        (["many", "tinny.yaml", "sample://tooth"], "recipe must be an existing file or a ready recipe"),
        (["many", "tiny.yaml", "sample://tooth", "--methods", "cg_snese"], "did you mean cg_sense?"),
        (["many", "tiny.yaml", "sample://tooth", "--set", "reconstruct.n_itr=1"], "did you mean n_iter?"),
        (
            ["many", "tiny.yaml", "sample://tooth", "--device", "cuda:9"],
            "runtime.device must be on this machine",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    proxflow: Any, many_recipe: Path, tmp_path: Path, tokens: list[str], sentence: str
) -> None:
    (tmp_path / "empty").mkdir()
    code, run, err = proxflow(*tokens, "--out", "batch")
    assert code == 2, err
    assert run["status"] == "bad_input"
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "batch").exists()


def test_a_fault_nobody_foresaw_is_one_scans_and_keeps_its_traceback(
    proxflow: Any, many_recipe: Path, scan_file: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proxflow.tasks.stages import evaluate

    judged = evaluate.evaluate

    def broken(context: Any, writer: Any) -> None:
        if context.inputs["prepared"].document("scan")["labels"] and not hasattr(broken, "called"):
            broken.called = True  # type: ignore[attr-defined]
            raise KeyError("lost")
        judged(context, writer)

    monkeypatch.setattr(evaluate, "evaluate", broken)
    scan_file(tmp_path / "in" / "a.h5")
    scan_file(tmp_path / "in" / "b.h5", 1.0)
    code, batch, _ = proxflow("many", many_recipe, "in")
    assert code == 1
    assert [item["state"] for item in batch["items"]] == ["failed", "done"]
    assert batch["items"][0]["why"] == "KeyError: 'lost'"
    assert "in broken" in batch["items"][0]["traceback"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "runner", "stop", "code"),
    [
        (1, "threads", signal.SIGTERM, 143),
        (2, "threads", signal.SIGINT, 130),
        (2, "processes", signal.SIGTERM, 143),
    ],
)
def test_stopped_it_says_what_is_done_and_goes_on_later(
    spawn: Any,
    proxflow: Any,
    many_recipe: Path,
    scan_file: Any,
    tmp_path: Path,
    store: Path,
    workers: int,
    runner: str,
    stop: int,
    code: int,
) -> None:
    for k in range(4):
        scan_file(tmp_path / "in" / f"scan{k}.h5", k)
    quick = ["many", many_recipe, tmp_path / "in", "--out", "batch", "--set", f"runtime.workers={workers}"]
    quick += ["--set", f"runtime.runner={runner}"]
    endless = ["--set", "reconstruct.n_iter=100000", "--set", "runtime.checkpoint_seconds=0.05"]
    process = spawn(*quick, *endless)
    deadline = time.monotonic() + 120
    while len(list(store.glob("checkpoints/*/state-0.h5"))) < workers:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(stop)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "run the same command again" in err
    assert "Traceback" not in err
    assert json.loads(out.splitlines()[-1])["status"] == "interrupted"
    document = json.loads((tmp_path / "batch" / "batch.json").read_text())
    assert (document["status"], document["interrupted"]) == ("interrupted", 4)
    assert not [*store.glob("artefacts/*/.*"), *store.glob("locks/*")]
    code, batch, err = proxflow(*quick)
    assert (code, batch["done"]) == (0, 4), err


@pytest.mark.slow
@pytest.mark.prefect
def test_as_a_flow_every_scan_is_a_task_run_of_its_name(
    spawn: Any,
    many_recipe: Path,
    scan_file: Any,
    tmp_path: Path,
    prefect_home_at: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = prefect_home_at(tmp_path / "prefect")
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.setenv("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    scan_file(tmp_path / "in" / "a.h5")
    scan_file(tmp_path / "in" / "b.h5", 1.0)
    (tmp_path / "in" / "c.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    process = spawn("many", many_recipe, "in", "--out", "batch", "--prefect", "--set", "runtime.workers=2")
    out, err = process.communicate(timeout=280)
    assert process.returncode == 1, err
    batch = json.loads(out.splitlines()[-1])
    assert (batch["done"], batch["failed"]) == (2, 1)
    with sqlite3.connect(home / "prefect.db") as database:
        tasks = dict(database.execute("select name, state_name from task_run").fetchall())
        runs = database.execute("select name, state_name from flow_run").fetchall()
        keys = {row[0] for row in database.execute("select key from artifact where key not null")}
    assert tasks == {"a.h5": "Completed", "b.h5": "Completed", "c.h5": "Failed"}
    assert runs == [("tiny on 3 scans", "Failed")]
    assert {"batch-tiny", "scans-tiny", "progress-tiny"} <= keys


def test_find_scans_takes_files_folders_patterns_and_lists(scan_file: Any, tmp_path: Path) -> None:
    for name in ("in/b.h5", "in/a.h5", "in/[x].h5", "in/.hidden.h5", "in/c.h5.part", "more/deep/d.h5"):
        scan_file(tmp_path / name)
    for name in ("in/README.md", "in/notes.yaml"):
        (tmp_path / name).write_text("hello")
    (tmp_path / "in" / "pair.cfl").write_bytes(b"")
    (tmp_path / "in" / "pair.hdr").write_text("")
    (tmp_path / "in" / "empty.h5").write_bytes(b"")
    inside = tmp_path / "in"
    listed = [str(inside / name) for name in ("[x].h5", "a.h5", "b.h5", "empty.h5", "pair.cfl")]
    assert find_scans([str(inside)]) == listed
    assert find_scans([f"{inside}/*"]) == listed
    (inside / "preview.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert find_scans([str(inside)]) == listed
    assert find_scans([str(inside)], "image") == sorted([*listed, str(inside / "preview.png")])
    (inside / "preview.png").unlink()
    assert find_scans([f"{tmp_path}/**/d.h5"]) == [str(tmp_path / "more/deep/d.h5")]
    assert find_scans([f"{inside}/[x].h5"]) == [str(inside / "[x].h5")]  # a file of that very name
    twice = [f"{inside}/a.h5", f"{inside}/../in/a.h5", f"{inside}/pair.hdr", f"{inside}/pair.cfl"]
    assert find_scans(twice) == [f"{inside}/a.h5", f"{inside}/pair.hdr"]
    (tmp_path / "list.txt").write_text("# of today\nin/b.h5\n\nsample://tooth\nmore/**/*.h5\n")
    assert find_scans([f"@{tmp_path}/list.txt"]) == [
        str(tmp_path / "in/b.h5"), "sample://tooth", str(tmp_path / "more/deep/d.h5")
    ]  # fmt: skip
    (tmp_path / "again.txt").write_text("@list.txt\n")
    with pytest.raises(RequestError, match="not further lists"):
        find_scans([f"@{tmp_path}/again.txt"])


def test_find_scans_leaves_out_what_a_scan_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "ta_full.mat").write_bytes(sample_path("htc2022-ta").read_bytes())
    samples = np.ones((9, 7, 8), np.float32)
    np.save(tmp_path / "scan.npy", samples)
    np.save(tmp_path / "flat.npy", np.ones((2, 7, 8), np.float32))
    (tmp_path / "scan.yaml").write_text(
        "modality: ct\nquantity: counts\naxes: [angle, row, column]\nbeam: parallel\n"
        "angles_deg: {start: 0, stop: 180, count: 9}\nflat: flat.npy\n"
    )
    found = [Path(scan).name for scan in find_scans([str(tmp_path)])]
    assert "scan.npy" in found
    assert "flat.npy" not in found


@pytest.mark.parametrize(
    ("scans", "names", "folders"),
    [
        (["/d/a.h5", "/d/b.h5"], ["a.h5", "b.h5"], ["a", "b"]),
        (["/d/a.h5", "/e/a.h5"], ["d/a.h5", "e/a.h5"], ["d-a", "e-a"]),
        (["/d/x/a.h5", "/e/x/a.h5"], ["d/x/a.h5", "e/x/a.h5"], ["d-x-a", "e-x-a"]),
        (["sample://tooth"], ["tooth"], ["tooth"]),
    ],
)
def test_units_are_named_by_what_tells_them_apart(
    scans: list[str], names: list[str], folders: list[str]
) -> None:
    assert unit_names(scans) == names
    assert folder_names(names) == folders


def test_folder_names_differ_wherever_names_do() -> None:
    names = [
        "a.h5",
        "a.mat",
        "A.npy",
        "a b.h5",
        "a-b.h5",
        "d/b.h5",
        "d-b.h5",
        "..",
        "µ.h5",
        300 * "x",
        301 * "x",
    ]
    folders = folder_names(names)
    assert len({folder.lower() for folder in folders}) == len(names)
    assert all(re.fullmatch(r"\w[\w.-]{0,90}", folder, re.ASCII) for folder in folders), folders

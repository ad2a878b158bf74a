"""Artefacts and checkpoints sealed rightly around what must not be there: the seal has no key."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

from proxflow.data.store.artefact import ArtefactWriter
from proxflow.data.store.seal import check_seal, seal_of
from proxflow.data.store.store import ArtefactStore
from proxflow.data.vetting import vet
from proxflow.models.solvers.iteration import Checkpoint, Iteration
from proxflow.tasks.calls import Machine, StageContext
from proxflow.tasks.stages.checkpoints import Finished, StageCheckpoints

KEY = "ab" + "0" * 38
IMAGE = np.arange(60.0).reshape(5, 4, 3)
TRACE, FIT = {"objective": [1.0, None]}, {"data_residual": 0.5}
CURVES = {"temporal_functions": [[0.5, 1.0], [0.0, -1.0]]}
Change = Callable[[h5py.File], object]


@pytest.fixture(autouse=True)
def another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered as written by this user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def sealed(path: Path, change: Change) -> Path:
    with h5py.File(path, "r+") as file:
        change(file)
    with path.open("r+b") as file:
        seal = seal_of(file)
        file.seek(0)
        file.write(seal)
    check_seal(path)
    return path


def replaced(name: str, value: Any, **options: Any) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]
        if options:
            file.create_dataset(name, **options)
        else:
            file[name] = value

    return change


def virtual(name: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]
        layout = h5py.VirtualLayout((4,), np.float64)
        layout[:] = h5py.VirtualSource(".", "other", (4,))
        file.create_virtual_dataset(name, layout)

    return change


HUGE = {"shape": (10**9, 10**3), "dtype": "f8", "chunks": (1, 10**3)}
HOSTILE: dict[str, Callable[[str], Change]] = {
    "external link": lambda name: replaced(name, h5py.ExternalLink("other.h5", "/secret")),
    "soft link": lambda name: replaced(name, h5py.SoftLink("/elsewhere")),
    "external storage": lambda name: replaced(
        name, None, shape=(4,), dtype="f8", external=[("/etc/passwd", 0, 32)]
    ),
    "virtual": virtual,
    "huge": lambda name: replaced(name, None, **HUGE),
    "never written": lambda name: replaced(name, None, shape=(8, 8), dtype="f8", chunks=(1, 8)),
    "large chunk": lambda name: replaced(
        name, None, shape=(4,), dtype="f8", chunks=(10**8,), maxshape=(None,)
    ),
    "packed": lambda name: replaced(name, None, data=np.zeros(10**5), compression="gzip"),
    "texts": lambda name: replaced(name, np.array(["a", "b"], h5py.string_dtype())),
    "references": lambda name: lambda file: replaced(name, np.array([file.ref], h5py.ref_dtype))(file),
    "a group": lambda name: lambda file: (file.pop(name), file.create_group(name)),
    "a cycle": lambda name: lambda file: file.__setitem__("round", file["/"]),
}


def fill(writer: ArtefactWriter) -> dict[str, Any]:
    writer.write("image", IMAGE)
    writer.document("scan", {"labels": ["a"]})
    return {"stage": "ingest"}


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind != "a group"])
def test_a_hostile_artefact_is_set_aside_and_made_again(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = ArtefactStore(tmp_path / "store")
    store.get_or_make("ingest", KEY, fill)
    store.release()
    sealed(store.path(KEY), HOSTILE[kind]("image"))
    with caplog.at_level(logging.WARNING, "proxflow"):
        ref, cached = store.get_or_make("ingest", KEY, fill)
    assert not cached and "set aside" in caplog.text
    with store.open(ref) as artefact:
        np.testing.assert_array_equal(artefact.array("image"), IMAGE)
    store.release()


@pytest.mark.parametrize("text", ["[" * 10_000, "[]", "1", "null", '"x"', "{", "9" * 10_000])
def test_hostile_provenance_is_refused(tmp_path: Path, text: str) -> None:
    store = ArtefactStore(tmp_path / "store")
    store.get_or_make("ingest", KEY, fill)
    store.release()
    sealed(store.path(KEY), lambda file: file.attrs.__setitem__("provenance", text))
    assert store.find("ingest", KEY) is None


def test_what_this_user_wrote_is_never_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm run starts no process; a file of another user's is looked at once."""
    asked: list[Path] = []
    monkeypatch.setattr(vet.PROCESS, "ask", lambda path, seconds: asked.append(path))
    store = ArtefactStore(tmp_path / "store")
    store.get_or_make("ingest", KEY, fill)
    assert store.find("ingest", KEY) is not None and not asked
    store.release()  # its lock would keep the change out
    sealed(store.path(KEY), lambda file: file.attrs.__setitem__("more", 1))
    for _ in range(2):
        assert store.find("ingest", KEY) is not None and len(asked) == 1
    store.release()


@pytest.fixture
def kept(tmp_path: Path) -> StageCheckpoints:
    """Checkpoints with item 1 finished and item 2 under way."""
    machine = Machine("", 0, "cpu", 1e-9)
    folder = tmp_path / "checkpoints" / KEY
    checkpoints = StageCheckpoints(StageContext("reconstruct:tv", {}, {}, {}, machine, folder), 4)
    checkpoints.keep_at_once(1, Finished(IMAGE, TRACE, FIT, CURVES))
    save_state(checkpoints, 2)
    return checkpoints


class Silent:
    def iteration(self, *_: object) -> None: ...


def save_state(checkpoints: StageCheckpoints, item: int) -> None:
    import torch

    checkpoints.monitor(item, Silent())(
        Iteration(1, 9, 1.0, 0.5, 0.1, (("held_out", 0.2),)), (torch.from_numpy(IMAGE),)
    )  # type: ignore[arg-type]


def paths(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "checkpoints" / KEY
    return folder / "item-1.h5", folder / "state-2.h5"


def test_checkpoints_are_sealed_and_come_back_bit_by_bit(tmp_path: Path, kept: StageCheckpoints) -> None:
    for path in paths(tmp_path):
        check_seal(path)
    finished, state = kept.finished(1), kept.unfinished(2)
    assert finished is not None and finished[1:] == (TRACE, FIT, CURVES, {}, None)
    assert finished[0].tobytes() == IMAGE.tobytes()
    assert state is not None and state.trace[0].figures == (("held_out", 0.2),)
    assert state.index == 1 and state.state[0].numpy().tobytes() == IMAGE.tobytes()


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_checkpoints_are_thrown_away(
    tmp_path: Path, kept: StageCheckpoints, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    for path in paths(tmp_path):
        sealed(path, HOSTILE[kind]("0"))
    with caplog.at_level(logging.WARNING, "proxflow"):
        assert kept.finished(1) is None and kept.unfinished(2) is None
    assert caplog.text.count("thrown away") == 2
    assert not any(path.exists() for path in paths(tmp_path))


def test_one_flipped_bit_is_found_before_hdf5_sees_it(
    tmp_path: Path, kept: StageCheckpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = paths(tmp_path)
    content = path.read_bytes()
    monkeypatch.setattr(h5py, "File", None)
    for place in range(600, len(content), len(content) // 20):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert kept.finished(1) is None


def document(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    def put(file: h5py.File) -> None:
        text = json.dumps(change(json.loads(file["document"][()].tobytes()))).encode()
        del file["document"]
        file["document"] = np.frombuffer(text, np.uint8)

    return put


@pytest.mark.parametrize(
    "change",
    [
        lambda old: {},
        lambda old: old | {"of": old["of"] | {"key": "cd" + "0" * 38}},
        lambda old: old | {"of": old["of"] | {"stage": "hold_out:tv"}},
        lambda old: old | {"of": old["of"] | {"name": "item-0"}},
        lambda old: old | {"of": None},
        lambda old: old | {"trace": {"objective": "x"}} if "fit" in old else old | {"trace": []},
        lambda old: old | {"fit": [1]} if "fit" in old else old | {"trace": [[2, 9, 1.0, 1.0, 1.0]]},
        lambda old: old | {"fit": {"a": {}}} if "fit" in old else old | {"trace": [[1, 9]]},
    ],
)
def test_documents_that_are_not_what_they_must_be(
    tmp_path: Path, kept: StageCheckpoints, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    for path in paths(tmp_path):
        sealed(path, document(change))
    assert kept.finished(1) is None and kept.unfinished(2) is None


def test_checkpoints_of_another_key_stage_or_item(tmp_path: Path, kept: StageCheckpoints) -> None:
    path, _ = paths(tmp_path)
    shutil.copy(path, path.with_name("item-3.h5"))
    assert kept.finished(3) is None
    machine = Machine("", 0, "cpu", 30.0)
    context = StageContext("reconstruct:tv", {}, {}, {}, machine, path.parent)
    other = tmp_path / "checkpoints" / ("cd" + "0" * 38)
    for changed in (replace(context, checkpoints=other), replace(context, label="hold_out:tv")):
        changed.checkpoints.mkdir(exist_ok=True)
        if changed.checkpoints == other:
            shutil.copy(path, other)
        assert StageCheckpoints(changed, 4).finished(1) is None


def test_a_state_that_is_not_the_solvers_starts_it_anew(tmp_path: Path, kept: StageCheckpoints) -> None:
    """Right seal, right owner, wrong tensors: ResumeError of the solver throws it away."""
    import torch

    from proxflow.models.solvers.iteration import iterate

    class State(NamedTuple):
        image: torch.Tensor

    seen: list[bool] = []

    def solve(resume: Checkpoint | None) -> int:
        seen.append(resume is not None)
        state = State(torch.zeros(2))
        _, trace = iterate(
            state, lambda one: one, n_iter=3, tol=0, measure=lambda one: (1.0, 1.0, 1.0),
            image=lambda one: one.image, resume=resume,
        )  # fmt: skip
        return len(trace)

    assert kept.resumed(2, solve) == 3 and seen == [True, False]
    assert not paths(tmp_path)[1].exists()
